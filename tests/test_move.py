"""``chatserver move``: a whole chat from SQLite to PostgreSQL and back, and clients that go on."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import psycopg
import pytest
from click.testing import CliRunner

from chatserver.model.errors import ConfigError
from chatserver.server.cli import commands
from chatserver.store import Store
from chatserver.store.checksums import AT_ONCE
from chatserver.testing.postgresql import NoPostgresql, postgresql

PLUGINS = ["basics", "moderation", "history", "search", "reactions", "pins", "polls"]


@pytest.fixture
def url():
    try:
        server = postgresql()
    except NoPostgresql as error:
        pytest.skip(f"PostgreSQL is not tested: {error}")
    made = server.make_empty()
    yield made
    server.drop(made)


def on(url):
    return {"store": {"url": url, "durability": "normal"}}


def move(folder, url):
    return CliRunner().invoke(commands, ["move", "--config", str(folder / "config.yaml"), "--to", url])


async def fill(server):
    alice, bob = await server.join("general", "alice", "bob")
    first = await alice.says("first 你好", "general")
    for n in range(30):
        await bob.says(f"hello {n}", "general")
    await alice.ask("edit", message_id=first.message_id, content="edited 你好", rev=2)
    await alice.ask("react", message_id=first.message_id, emoji="👍")
    return alice


async def state(server, token):
    """What one who comes back finds."""
    # The index is made anew.
    while any((await server.plugin("search").following()).values()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    client = await server.client(token=token)
    events = (await client.ask("sync", room="general", after=0))["events"]
    found = await client.ask("search", query="你好")
    return client.welcome["epoch"], events, [each["message"]["content"] for each in found["results"]]


async def test_there_and_back_all_is_the_same_and_clients_go_on(chat, tmp_path, url):
    here, back = f"sqlite:{tmp_path / 'chat.db'}", f"sqlite:{tmp_path / 'back.db'}"
    async with chat(plugins=PLUGINS, settings=on(here)) as server:
        token = (await fill(server)).token
        before = await state(server, token)
        assert before[2] == ["edited 你好"]
    for where in (url, back):
        moved = move(tmp_path, where)
        assert moved.exit_code == 0, f"{moved.output} {moved.exception!r}"
        assert "and compared" in moved.output
        again = move(tmp_path, where)
        assert "holds a chat already" in str(again.exception)
        async with chat(plugins=PLUGINS, settings=on(where)) as server:
            assert await state(server, token) == before
            resume = {"epoch": before[0], "rooms": {"general": 5}}
            client = await server.client(token=token, resume=resume)
            assert next(event["seq"] for event in await client.heard("message")) == 6
            head = before[1][-1]["seq"]
            sent = await client.says("moved", "general")
            assert sent.seq == head + 1
            # It takes the next number that is free.
            await server.account(f"new{head}")
            api = server.plugin("polls").chat
            await api.create_room(f"new{head}", by=await api.user(f"new{head}"))
            before = await state(server, token)


async def test_what_cant_be_moved_is_told_and_left_alone(chat, tmp_path, url):
    async with chat(plugins=["search"], settings=on(f"sqlite:{tmp_path / 'chat.db'}")) as server:
        await server.join("general", "alice")
        assert "another server uses this database" in str(move(tmp_path, url).exception)
    assert move(tmp_path, "mysql://x").exit_code == 2
    assert move(tmp_path, f"sqlite:{tmp_path / 'chat.db'}").exit_code == 2
    with closing(sqlite3.connect(tmp_path / "chat.db")) as old, old:
        old.execute("INSERT INTO plugin_schema VALUES ('gone', 1)")
    assert "it has tables, but is not installed" in str(move(tmp_path, url).exception)


async def test_what_was_interrupted_goes_on_and_no_server_starts_on_it(chat, tmp_path, url):
    async with chat(plugins=["polls"], settings=on(f"sqlite:{tmp_path / 'chat.db'}")) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("xy", "general")

    def change(*statements):
        with closing(sqlite3.connect(tmp_path / "chat.db")) as old, old:
            for statement in statements:
                old.execute(statement)

    def written():
        """Which transactions have written the log, of the rows that are there."""
        with psycopg.connect(url) as conn:
            return dict(conn.execute("SELECT seq, xmin::text FROM log").fetchall())

    # More than one page, and a text at the end that PostgreSQL can't hold.
    last = AT_ONCE + 10
    change(
        f"WITH RECURSIVE n (n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM n WHERE n < {last}) INSERT INTO log"
        " (room_id, seq, type, user_id, ts, messages, kind, content)"
        " SELECT room_id, n, type, user_id, ts, n - 1, kind, 'text ' || n FROM log, n WHERE type = 'message'",
        f"UPDATE log SET content = 'x' || char(0) || 'y' WHERE seq = {last}",
    )
    assert "the table log can't be moved" in str(move(tmp_path, url).exception)
    with pytest.raises(ConfigError, match=r"an unfinished copy of .*chat.db: run chatserver move once more"):
        Store.open(url, tmp_path)
    before = written()
    assert len(before) == AT_ONCE
    # It was changed since: what was copied is of no use.
    change(f"UPDATE log SET content = 'xy' WHERE seq = {last}", "UPDATE log SET content = 'z' WHERE seq = 2")
    assert "the log of room 1 is not the same" in str(move(tmp_path, url).exception)
    assert written() == {}
    change(f"UPDATE log SET content = 'x' || char(0) || 'y' WHERE seq = {last}")
    assert "the table log can't be moved" in str(move(tmp_path, url).exception)
    before = written()
    change(f"UPDATE log SET content = 'xy' WHERE seq = {last}")
    assert move(tmp_path, url).exit_code == 0
    after = written()
    assert len(after) == last
    assert {seq: after[seq] for seq in before} == before
    Store.open(url, tmp_path).close()
