"""Bad days of the database and of Redis: a clear word for the admin, the right code for clients, and nothing lost."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from chaos_client import LATEST, Refused, said
from chaos_cluster import ROUNDS
from redis import Redis

from chatserver.testing import ServerProcess

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION full_disk()
"""
ROOM_AGAIN = "DROP FUNCTION full_disk CASCADE"
LONG = 300 + 60 * ROUNDS


def sql(url, statement):
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(statement)


async def tells(here, number, words):
    """Wait until ``/readyz`` of a node says this; all is well without ``words``."""
    async with asyncio.timeout(LATEST):
        while True:
            status, answer = await here.http(number, "GET", "readyz")
            if (status == 503 and words in str(answer)) if words else status == 200:
                return
            await asyncio.sleep(0.1)


@pytest.mark.timeout(seconds=LONG)
async def test_a_database_that_is_full_or_only_read_loses_nothing(cluster, talking, database):
    async with cluster() as here, talking(here, 4) as talkers:
        for _ in range(ROUNDS or 1):
            await said(talkers, 20)
            await asyncio.to_thread(sql, here.database, FULL)
            await tells(here, 0, "the disk is full")
            with pytest.raises(Refused, match="unavailable"):
                await talkers[0].ask("message", room="general", content="x", nonce="never")
            await asyncio.to_thread(sql, here.database, ROOM_AGAIN)
            await tells(here, 0, None)
            await said(talkers, 20)
            await asyncio.to_thread(database.stand_by)
            for number in range(2):
                await tells(here, number, "the database can't be written to")
            await asyncio.to_thread(database.promote)
            for number in range(2):
                await tells(here, number, None)
            await said(talkers, 20)
        assert "could not extend file" in here.told()


@pytest.mark.timeout(seconds=LONG)
async def test_a_start_on_a_bad_day_says_why(tmp_path, database):
    url = database.make()
    sql(url, "CREATE ROLE locked LOGIN PASSWORD 'right'")
    rules = database.folder / "data" / "pg_hba.conf"
    trusting = rules.read_text()
    rules.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + trusting)
    try:
        sql(url, "SELECT pg_reload_conf()")
        # Not waited for: it would be refused for ever.
        told = await refused(tmp_path / "one", url.replace("postgres@", "locked:wrong@"), "60")
        assert "refuses the user, the password or the database" in told
        assert "password authentication failed" in told
        assert "wrong" not in told
        database.stand_by()
        told = await refused(tmp_path / "two", url, "0")
        assert "the database can't be written to" in told
    finally:
        rules.write_text(trusting)
        database.promote()
        database.drop(url)
        sql(database.url("postgres"), "DROP ROLE locked; SELECT pg_reload_conf()")


async def refused(folder, url, wait):
    """The last line that a server says which can't start."""
    folder.mkdir()
    server = ServerProcess(
        folder, settings={"store": {"url": url}}, plugins=["basics"], options=["--wait", wait]
    )
    with pytest.raises(AssertionError):
        await server.start()
    assert "Traceback" not in server.errors()
    return server.errors().splitlines()[-1]


@pytest.mark.timeout(seconds=LONG)
async def test_nodes_start_without_redis_and_find_each_other_in_one_without_memory(cluster, talking, redis):
    redis.kill()
    try:
        async with cluster() as here, talking(here, 4) as talkers:
            for number in range(2):
                await tells(here, number, "can't be reached")
            # On each node people talk, and hear those on the other by the database.
            await said(talkers, 50)
            await asyncio.to_thread(redis.start)
            for number in range(2):
                await tells(here, number, None)
            with Redis(port=redis.port) as client:
                client.config_set("maxmemory", 1)
                try:
                    # They connect anew.
                    client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
                    await said(talkers, 50)
                    for number in range(2):
                        await tells(here, number, None)
                finally:
                    client.config_set("maxmemory", 0)
            await said(talkers, 50)
    finally:
        redis.start()
