"""The database locked, the disk full, pages damaged, texts deleted: while a server runs."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from chatserver.testing import Client, Refused

pytestmark = pytest.mark.sqlite


@asynccontextmanager
async def locked(database):
    """Another program writes, for as long as this lasts."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            if other.in_transaction:
                other.execute("ROLLBACK")


async def impatient(server, milliseconds=200):
    """Let the writer wait for others no longer than this."""
    await server.services.store.write(
        lambda conn: conn.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}").all()
    )


async def refusal(client, text):
    """The code with which a message is refused; None if it is taken."""
    try:
        await client.says(text)
    except Refused as refused:
        return refused.code
    return None


async def taken(client, text):
    """Say it until it is taken."""
    async with asyncio.timeout(15):
        while await refusal(client, text) is not None:
            pass


# Order


async def test_nothing_of_a_sender_overtakes_what_was_refused(chat, tmp_path, on_sqlite):
    async with chat(settings=on_sqlite) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await impatient(server)
        async with locked(tmp_path / "chat.db"):
            # More than the server takes at once: the rest waits in the socket.
            for n in range(300):
                await alice.send({"type": "message", "id": f"m{n}", "room": "general", "content": f"{n}"})
            assert (await alice.hears("error", re="m0")).code == "unavailable"
        await bob.says("bob was not refused")
        for n in range(1, 300):
            refusal = await alice.hears("error", re=f"m{n}")
            assert (refusal.code, refusal.retry_after) == ("unavailable", 5)
        await taken(alice, "alice again")
        assert [event.content for event in await bob.heard()] == ["bob was not refused", "alice again"]


async def test_a_room_refused_for_one_sender_is_open_for_others(chat, tmp_path, on_sqlite):
    async with chat(settings=on_sqlite) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await impatient(server)
        async with locked(tmp_path / "chat.db"):
            for n in range(2):
                with pytest.raises(Refused, match="unavailable"):
                    await alice.says(f"{n}", nonce=f"n{n}")
        with pytest.raises(Refused, match="unavailable"):
            await alice.says("1", nonce="n1")
        await bob.says("from bob")
        # What was refused first comes again, and all may follow.
        for n in range(2):
            await alice.says(f"{n}", nonce=f"n{n}")
        assert [event.content for event in await bob.heard()] == ["from bob", "0", "1"]


# Health


async def ready(server):
    """The status of ``/readyz``, what is wrong with the storage, and the seconds that it took."""
    started = time.monotonic()
    answer = await server.http("GET", "/readyz")
    return answer.code, json.loads(answer.body)["problems"].get("store"), time.monotonic() - started


async def test_readyz_tells_of_a_lock_within_a_second_and_of_its_end(chat, tmp_path, on_sqlite):
    async with chat(settings=on_sqlite) as server:
        assert (await ready(server))[0] == 200
        async with locked(tmp_path / "chat.db"):
            async with asyncio.timeout(15):
                while (await ready(server))[0] == 200:  # an answer may be a second old
                    pass
            for _ in range(2):
                code, why, seconds = await ready(server)
                assert (code, why) == (503, "the database is locked by another program")
                assert seconds < 1.5
        async with asyncio.timeout(15):
            while (await ready(server))[0] != 200:
                pass


async def test_readyz_tells_at_once_what_a_message_was_refused_for(chat, on_sqlite):
    """Though there may be room for less than a message."""
    async with chat(settings=on_sqlite) as server:
        (alice,) = await server.join("general", "alice")
        assert (await ready(server))[0] == 200

        def limit(conn, pages):
            count = conn.exec_driver_sql("PRAGMA page_count").scalar()
            conn.exec_driver_sql(f"PRAGMA max_page_count = {count + pages}").all()

        await server.services.store.write(lambda conn: limit(conn, 4))
        while (code := await refusal(alice, "long " * 1000)) is None:
            pass
        assert code == "unavailable"
        assert (await ready(server))[:2] == (503, "the disk is full")
        until = time.monotonic() + 1.5  # over the second for which an answer is kept
        while time.monotonic() < until:
            assert (await ready(server))[:2] == (503, "the disk is full")
        await server.services.store.write(lambda conn: limit(conn, 10_000))
        async with asyncio.timeout(15):
            while (await ready(server))[0] != 200:
                pass


@asynccontextmanager
async def on_a_small_disk(folder, size):
    """A server whose data is on a filesystem of its own, of so many KiB: its address, and where its data is."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    (folder / "config.yaml").write_text("server: {port: 0}\ndata_dir: data\nlog: {level: info}\n")
    run = f"mount -t tmpfs -o mode=700,size={size}k none data && exec {sys.executable} -m chatserver serve"
    with (folder / "errors.txt").open("w") as errors:
        process = await asyncio.create_subprocess_exec(
            "unshare", "--map-root-user", "--mount", "sh", "-c", run, cwd=folder,
            stdout=asyncio.subprocess.PIPE, stderr=errors,
        )  # fmt: skip
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        yield line.split()[-1], Path(f"/proc/{process.pid}/root{data}")
    finally:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 20)


async def fetch(url):
    """Status and body, as curl gets them."""
    ran = await asyncio.to_thread(
        subprocess.run, ["curl", "-s", "-m", "5", "-w", "\n%{http_code}", url], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    body, _, code = ran.stdout.rpartition("\n")
    return int(code), body


async def test_a_disk_that_is_full_is_told_and_over_when_there_is_room_again(tmp_path):
    probe = ["unshare", "--map-root-user", "--mount", "sh", "-c", f"mount -t tmpfs none {tmp_path}"]
    if await asyncio.to_thread(subprocess.call, probe, stderr=subprocess.DEVNULL):
        pytest.skip("no filesystem can be mounted here")
    async with on_a_small_disk(tmp_path, 4096) as (url, data):
        alice = Client(url.replace("http", "ws", 1) + "/ws")
        await alice.hello(name="alice")
        await alice.join("general")
        await alice.says("before")
        assert await fetch(f"{url}/readyz") == (200, '{"status":"ok","problems":{}}')
        with suppress(OSError), (data / "plugins-are-large").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(512))
        while (code := await refusal(alice, "long " * 1000)) is None:
            pass
        assert code == "unavailable"
        assert await fetch(f"{url}/readyz") == (
            503, '{"status":"failing","problems":{"store":"the disk is full"}}',
        )  # fmt: skip
        assert (await fetch(f"{url}/healthz"))[0] == 200
        (data / "plugins-are-large").unlink()
        async with asyncio.timeout(15):
            while (await fetch(f"{url}/readyz"))[0] != 200:
                pass
        await taken(alice, "after")
        await alice.leave()
    errors = (tmp_path / "errors.txt").read_text()
    assert "Traceback" not in errors
    assert errors.count("the disk is full") <= 3, errors
    assert "works again" in errors


# Damage


async def test_a_damaged_page_is_told_in_a_line_and_answered(process, tmp_path):
    server = process(plugins=["history"])
    async with server:
        alice = await server.client(name="alice")
        await alice.join("general")
        for n in range(60):
            await alice.says(f"number {n} " + 500 * "x")
        token = alice.token
        await alice.leave()
        server.signal(signal.SIGTERM)
        await server.ended(10)
    database = tmp_path / "data" / "chat.db"
    whole = database.read_bytes()
    # A page of the first messages: a hello looks at the last ones.
    pages = {match.start() // 4096 for match in re.finditer(rb"number 1 xxx", whole)}
    with database.open("r+b") as file:
        for page in pages:
            file.seek(page * 4096)
            file.write(b"\xee" * 4096)
    async with server:
        alice = await server.client(token=token)
        for _ in range(20):
            with pytest.raises(Refused, match="unavailable"):
                await alice.ask("sync", room="general", after=0, limit=100)
        code, body = await fetch(f"{server.url}/readyz")
        assert code == 503
        assert "damaged" in body
        assert "restore it from a backup" in body
        await alice.ask("ping")
        await alice.leave()
    errors = server.errors()
    assert "Traceback" not in errors
    assert errors.count("damaged") == 1, errors


# What is deleted


def files_with(folder, text):
    return [path.name for path in folder.glob("chat.db*") if text in path.read_bytes()]


@pytest.fixture
def gone(eventually):
    """Waits until these texts are in none of the database's files."""

    async def wait(folder, *texts):
        await eventually(lambda: not any(files_with(folder, text) for text in texts), 15)

    return wait


async def test_deleted_and_edited_texts_are_in_no_file_soon(process, tmp_path, gone):
    data = tmp_path / "data"
    async with process() as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        for n in range(30):
            await alice.says(f"some talk {n}")
        deleted = await alice.says("the combination is 4711")
        edited = await alice.says("the launch is on tuesday")
        for n in range(30):
            await alice.says(f"more talk {n}")
        assert files_with(data, b"combination is 4711")
        await alice.ask("delete", message_id=deleted.message_id)
        await alice.ask("edit", message_id=edited.message_id, content="the launch is secret")
        # Others go on writing.
        for n in range(5):
            await alice.says(f"meanwhile {n}")
        await gone(data, b"combination is 4711", b"on tuesday")
        assert files_with(data, b"launch is secret")
        await alice.leave()


async def test_what_was_deleted_before_a_crash_is_in_no_file_soon_after_the_start(process, tmp_path, gone):
    server = process()
    async with server:
        alice = await server.client(name="alice")
        await alice.join("general")
        said = await alice.says("the combination is 4711")
        await alice.ask("delete", message_id=said.message_id)
        await server.kill()
        await alice.leave()
    assert files_with(tmp_path / "data", b"combination is 4711")
    async with server:
        await gone(tmp_path / "data", b"combination is 4711")


async def test_a_reader_that_is_in_the_way_delays_it_and_no_sender_waits(process, tmp_path, gone):
    data = tmp_path / "data"
    async with process() as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        said = await alice.says("the combination is 4711")
        with closing(sqlite3.connect(data / "chat.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM log").fetchone()
            await alice.ask("delete", message_id=said.message_id)
            slowest, until = 0.0, time.monotonic() + 3
            while time.monotonic() < until:
                started = time.monotonic()
                await alice.says("talk")
                slowest = max(slowest, time.monotonic() - started)
            assert slowest < 5
            reader.execute("ROLLBACK")
        await gone(data, b"combination is 4711")
        await alice.leave()


KEEPER = """
from chatserver import Plugin, hookimpl

class Keeper(Plugin):
    migrations = ["CREATE TABLE keeper_note (text TEXT NOT NULL)"]

    @hookimpl
    async def after_post(self, message):
        if message.content == "forget":
            await self.db.execute("DELETE FROM keeper_note")
        else:
            await self.db.execute("INSERT INTO keeper_note VALUES (:text)", text=message.content[::-1])
"""


async def test_what_a_plugin_deletes_is_in_no_file_soon(process, tmp_path, gone, eventually):
    (tmp_path / "keeper.py").write_text(KEEPER)
    data = tmp_path / "data"
    async with process(plugins=["keeper"], dirs=[tmp_path]) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        await alice.says("the combination is 4711")
        await eventually(lambda: files_with(data, b"1174 si noitanibmoc"))
        await alice.says("forget")
        await gone(data, b"1174 si noitanibmoc")
        await alice.leave()
