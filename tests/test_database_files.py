"""Which database files a server starts on: its own alone, whole, and never empty in place of one with data."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from chatserver.model.errors import ConfigError
from chatserver.server import cli
from chatserver.store.revisions import REVISION
from chatserver.testing import Harness

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The folder of a server that ran, with messages in it. Made once, and copied by each test."""
    folder = tmp_path_factory.mktemp("ran")

    async def run():
        store = {"url": "sqlite:", "durability": "normal"}
        async with Harness(folder, plugins=["files"], settings={"store": store}) as server:
            (alice,) = await server.join("general", "alice")
            for n in range(200):
                await alice.send(
                    {
                        "type": "message",
                        "id": f"n{n}",
                        "room": "general",
                        "content": f"number {n} {'x' * 300}",
                    }
                )
            await alice.hears("ok", re="n199")

    asyncio.run(run())
    return folder / "data"


@pytest.fixture
def data(tmp_path, ran):
    """A copy of the folder of a server that ran."""
    shutil.copytree(ran, tmp_path / "data")
    (tmp_path / "config.yaml").write_text("server: {port: 0}\ndata_dir: data\nstore: {durability: normal}\n")
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


def refused_here(folder, *command):
    """Why a command of an admin does nothing. Run in this process, as there are many."""
    with pytest.raises(ConfigError) as refused:
        cli.commands([*command, "--config", str(folder / "config.yaml")], standalone_mode=False)
    return str(refused.value)


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


# Lost and damaged


def test_a_whole_database_starts_again(data):
    assert "alice" not in start(data.parent, "user", "list").stderr
    with closing(sqlite3.connect(data / "chat.db")) as db:
        assert db.execute("SELECT count(*) FROM log WHERE type = 'message'").fetchone() == (200,)


def cut_to_nothing(data):
    (data / "chat.db").write_bytes(b"")


def lose_it_beside_uploads(data):
    (data / "chat.db").unlink()
    (data / "plugins" / "files").mkdir(parents=True, exist_ok=True)
    (data / "plugins" / "files" / "abc").write_bytes(b"an upload")


def lose_it_beside_its_log(data):
    (data / "chat.db").unlink()
    (data / "chat.db-wal").write_bytes(b"what was committed last")


def put_an_empty_database_beside_uploads(data):
    lose_it_beside_uploads(data)
    with closing(sqlite3.connect(data / "chat.db")) as db:
        db.execute("PRAGMA journal_mode = WAL")


def cut_in_half(data):
    os.truncate(data / "chat.db", (data / "chat.db").stat().st_size // 8192 * 4096)


def damage_the_first_page(data):
    with (data / "chat.db").open("r+b") as file:
        file.seek(100)
        file.write(b"\xee" * 3000)


def write_notes(data):
    (data / "chat.db").write_bytes(b"These are notes, not a database.\n" * 200)


def drop_a_table(data):
    with closing(sqlite3.connect(data / "chat.db")) as db:
        db.execute("DROP TABLE mention")


def empty_its_notes(data):
    with closing(sqlite3.connect(data / "chat.db")) as db:
        db.execute("DELETE FROM alembic_version")
        db.execute("DELETE FROM meta")
        db.commit()


def drop_its_notes(data):
    with closing(sqlite3.connect(data / "chat.db")) as db:
        db.execute("DROP TABLE alembic_version")
        db.execute("DROP TABLE meta")


def drop_a_column(data):
    with closing(sqlite3.connect(data / "chat.db")) as db:
        db.execute("ALTER TABLE log DROP COLUMN html")


def put_another_programs(data):
    (data / "chat.db").unlink()
    with closing(sqlite3.connect(data / "chat.db")) as db:
        db.execute("CREATE TABLE songs (title TEXT)")
        db.execute("CREATE TABLE meta (name TEXT)")
        db.execute("CREATE TABLE alembic_version (version_num TEXT)")


def make_it_a_folder(data):
    (data / "chat.db").unlink()
    (data / "chat.db").mkdir()


def make_it_a_link_to_nothing(data):
    (data / "chat.db").unlink()
    (data / "chat.db").symlink_to(data.parent / "chat.db")


def make_it_a_link_to_no_folder(data):
    (data / "chat.db").unlink()
    (data / "chat.db").symlink_to(data.parent / "volume" / "chat.db")


@pytest.mark.parametrize(
    ("harm", "said", "remedy"),
    [
        (cut_to_nothing, "is empty", "restore it from a backup"),
        (lose_it_beside_uploads, "is missing, but ", "restore it from a backup"),
        (lose_it_beside_its_log, "chat.db-wal is there", "restore it from a backup"),
        (put_an_empty_database_beside_uploads, "holds nothing", "restore it from a backup"),
        (cut_in_half, "malformed", "restore it from a backup"),
        (damage_the_first_page, "malformed", "restore it from a backup"),
        (write_notes, "not a database", "restore it from a backup"),
        (drop_a_table, "the table 'mention' is missing", "restore it from a backup"),
        (drop_a_column, "the table 'log' lacks html", "restore it from a backup"),
        (empty_its_notes, "it has no revision", "restore it from a backup"),
        (drop_its_notes, "it has no revision", "restore it from a backup"),
        (put_another_programs, "another program", "store.url"),
        (make_it_a_folder, "is no file", "store.url"),
        (make_it_a_link_to_nothing, "which is missing", "store.url"),
        (make_it_a_link_to_no_folder, "volume/chat.db is missing, and so is its folder", "store.url"),
    ],
)
def test_what_is_lost_or_damaged_is_refused_in_a_line_and_left_as_it_is(data, harm, said, remedy):
    harm(data)
    before = snapshot(data)
    line = refusal(data.parent)
    assert str(data if harm is not make_it_a_link_to_no_folder else data.parent) in line
    assert said in line
    assert remedy in line
    after = snapshot(data)
    # A whole header gets SQLite's own index and an empty log beside it.
    for name in ("chat.db-wal", "chat.db-shm", "chat.db.lock"):
        if name not in before:
            after.pop(name, None)
    if harm is not put_another_programs:  # which gets SQLite's write-ahead log, and nothing else
        assert after == before
    assert not (data.parent / "volume").exists()
    if (data / "chat.db").exists():
        assert refused_here(data.parent, "user", "list").count(said) == 1


@pytest.mark.parametrize("command", [("serve",), ("user", "list")])
def test_one_of_a_newer_version_is_refused_in_a_line_whatever_its_tables(data, command):
    with closing(sqlite3.connect(data / "chat.db")) as db:
        db.execute("UPDATE alembic_version SET version_num = '99'")
        db.execute("DROP TABLE mention")
        db.commit()
    assert f"the database is at revision 99, this program knows {REVISION}" in refusal(data.parent, *command)


@pytest.mark.parametrize("page", [2, 4, 6, 12])
def test_damaged_pages_never_end_in_a_traceback(data, page):
    """Whether a server starts depends on what the pages hold; what it says is a line either way."""
    with (data / "chat.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xee" * 4096)
    process = subprocess.Popen(
        [sys.executable, "-m", "chatserver", "serve"], cwd=data.parent, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    first = process.stdout.readline()
    if first:
        process.terminate()
    _, errors = process.communicate(timeout=30)
    assert "Traceback" not in errors
    if not first:
        assert process.returncode == cli.MISTAKE
        assert "damaged" in errors.splitlines()[-1]


def test_a_first_start_that_fails_leaves_nothing_that_keeps_the_next_one_from_starting(tmp_path):
    (tmp_path / "config.yaml").write_text("server: {port: 0}\ndata_dir: data\n")
    # No file may grow beyond a kilobyte: as on a disk that is full.
    line = subprocess.run(
        ["sh", "-c", f"ulimit -f 1; exec {sys.executable} -m chatserver serve"], cwd=tmp_path, capture_output=True,
        text=True, timeout=30, check=False,
    )  # fmt: skip
    assert line.returncode == cli.MISTAKE, line
    assert "chat.db" in line.stderr
    process = subprocess.Popen(
        [sys.executable, "-m", "chatserver", "serve"], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert "listens on" in process.stdout.readline()
    process.terminate()
    process.communicate(timeout=30)


def test_a_command_that_meets_a_damaged_page_says_so(data):
    with closing(sqlite3.connect(data / "chat.db")) as db:
        # Indexes too: of one without rows the rest is not looked at.
        pages = db.execute(
            "SELECT rootpage FROM sqlite_master WHERE tbl_name IN ('user', 'credential')"
        ).fetchall()
    with (data / "chat.db").open("r+b") as file:
        for (root,) in pages:
            file.seek((root - 1) * 4096)
            file.write(b"\xee" * 4096)
    ran = start(data.parent, "user", "list")
    assert ran.returncode == cli.MISTAKE
    assert "Traceback" not in ran.stderr
    last = ran.stderr.splitlines()[-1]
    assert str(data / "chat.db") in last
    assert "restore it from a backup" in last
