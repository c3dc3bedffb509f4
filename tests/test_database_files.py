"""Which database files a server starts on: its own alone, whole, and never empty in place of one with data."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from chatserver.model.errors import ConfigError
from chatserver.server import cli
from chatserver.testing import Harness


@pytest.fixture
def data(tmp_path):
    """The folder of a server that ran, with a message in it."""
    (tmp_path / "config.yaml").write_text(
        f"server: {{port: 0}}\ndata_dir: {tmp_path / 'data'}\nstore: {{durability: normal}}\n"
    )

    async def run():
        async with Harness(tmp_path, plugins=["files"], settings={"store": {"url": "sqlite:"}}) as server:
            (alice,) = await server.join("general", "alice")
            for n in range(200):
                await alice.says(f"number {n} " + 300 * "x")

    asyncio.run(run())
    (tmp_path / "config.yaml").write_text(
        "server: {port: 0}\ndata_dir: data\nstore: {durability: normal}\n", encoding="utf-8"
    )
    return tmp_path / "data"


def start(folder, *command):
    return subprocess.run(
        [sys.executable, "-m", "chatserver", *(command or ("serve",))], cwd=folder, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip


def refusal(folder, *command):
    """Why it does not start: the only line that it writes."""
    ran = start(folder, *command)
    assert ran.returncode == cli.MISTAKE, ran.stdout + ran.stderr
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    assert line.startswith("chatserver: ")
    return line


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.glob("chat.db*") if path.is_file()}


# One server


@pytest.mark.parametrize("kind", ["symbolic link", "hard link", "link to the folder"])
async def test_a_database_has_one_server_whatever_it_is_called(process, tmp_path, kind):
    async with process() as server:
        other = tmp_path / "other"
        if kind == "link to the folder":
            other.symlink_to(tmp_path / "data")
        else:
            other.mkdir()
            make = os.symlink if kind == "symbolic link" else os.link
            make(tmp_path / "data" / "chat.db", other / "chat.db")
        (tmp_path / "config.yaml").write_text(f"server: {{port: 0}}\ndata_dir: {tmp_path}/fresh\n"
                                              f"store: {{url: 'sqlite:{other}/chat.db'}}\n")  # fmt: skip
        ran = await asyncio.to_thread(start, tmp_path)
        assert ran.returncode == cli.MISTAKE
        assert "another server uses this database" in ran.stderr
        alice = await server.client(name="alice")
        await alice.join("general")
        await alice.says("still here")
        await alice.leave()


async def test_a_refused_server_in_the_same_process_takes_no_locks_away(chat, tmp_path, on_file):
    """Closing a descriptor of a file ends the process's own locks on it: another program could then take it for
    closed, and delete the write-ahead log."""
    async with chat(settings=on_file) as server:
        (alice,) = await server.join("general", "alice")
        os.link(tmp_path / "chat.db", tmp_path / "hard.db")
        (tmp_path / "second").mkdir()
        for name in ("chat.db", "hard.db"):
            second = Harness(tmp_path / "second", settings={"store": {"url": f"sqlite:{tmp_path / name}"}})
            with pytest.raises(ConfigError, match="another server"):
                await second.start()
        (tmp_path / "hard.db").unlink()
        await alice.says("before")
        # As the last one to close it, it would empty and delete the log.
        await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
             "c.execute('SELECT count(*) FROM log').fetchone(); c.close()", str(tmp_path / "chat.db")],
            check=True,
        )  # fmt: skip
        assert (tmp_path / "chat.db-wal").exists()
        await alice.says("after")
