"""Databases of other revisions: an older one is brought over with all that is in it, a newer one is refused."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine

from chatserver.model.errors import ConfigError
from chatserver.protocol.events import iso
from chatserver.server.cli import commands
from chatserver.store import Store, migrations, revisions, schema
from chatserver.store.database import Use
from chatserver.testing import Refused

REVISION_1 = Path(__file__).parent / "data" / "revision_1.tar.xz"
REVISION_2 = REVISION_1.with_name("revision_2.tar.xz")
PLUGINS = ["basics", "moderation", "emoji", "history", "files"]
NAMES = ["admin", "mod", "bob", "carol", "dave", "eve", "fay"]


def rows(path: Path, sql: str, *values) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return database.execute(sql, values).fetchall()


@pytest.fixture
def old(tmp_path) -> Path:
    """The database of revision 1, in the data folder of the server that ``chat`` makes."""
    with tarfile.open(REVISION_1) as archive:
        archive.extractall(tmp_path / "data", filter="data")
    return tmp_path / "data" / "chat.db"


@pytest.fixture
def before(old, tmp_path) -> Path:
    """A copy of it that nothing changes, to know what has to be there."""
    copy = tmp_path / "before.db"
    copy.write_bytes(old.read_bytes())
    return copy


@pytest.fixture
def upgraded(chat, old):
    """Makes servers on it."""
    return lambda: chat(plugins=PLUGINS, settings={"store": {"url": "sqlite:", "durability": "normal"}})


async def all_clients(server) -> dict:
    return {name: await server.client(token=f"token-{name}") for name in NAMES}


async def log_of(client, room: str, after: int = 0) -> list[dict]:
    events = []
    more = True
    while more:
        page = await client.ask("sync", room=room, after=events[-1]["seq"] if events else after, limit=500)
        events, more = events + page["events"], page["more"]
    return events


def told(row: sqlite3.Row) -> dict:
    """An event of revision 1 as it went on the wire, with the user's id alone."""
    event = {"type": row["type"], "seq": row["seq"], "ts": iso(row["ts"]), "user": row["user_id"]}
    texts = {
        "message_id": row["message_id"],
        "rev": row["rev"],
        "content": row["content"],
        "html": row["html"],
    }
    if row["type"] == "message":
        event |= texts | {"kind": row["kind"]}
        event |= {name: row[name] for name in ("nonce", "reply_to") if row[name] is not None}
        if row["attachments"]:
            event["files"] = json.loads(row["attachments"])
        if row["deleted"]:
            event["deleted"] = True
        if row["edited_at"] is not None:
            event["edited_at"] = iso(row["edited_at"])
    elif row["type"] == "edited":
        event |= texts
    elif row["message_id"] is not None:
        event["message_id"] = row["message_id"]
    data = json.loads(row["data"] or "{}")
    return event | {key: iso(value) if key == "until" else value for key, value in data.items()}


LOG = """
    SELECT e.type, e.seq, e.ts, e.user_id, e.message_id, e.data, m.kind, m.content, m.html, m.rev, m.nonce, m.reply_to,
    m.attachments, m.edited_at, m.deleted
    FROM event AS e LEFT JOIN message AS m ON m.id = e.message_id WHERE e.room = ? ORDER BY e.seq
"""


async def test_every_event_of_every_room_is_what_it_was(upgraded, before):
    async with upgraded() as server:
        clients = await all_clients(server)
        readers = {"general": "bob", "tea": "admin", "den": "bob", "attic": "admin"}
        for (room,) in rows(before, "SELECT name FROM room"):
            reader = clients[readers.get(room, "bob")]
            events = await log_of(reader, room)
            if room == "tea":  # shown from when the reader joined
                assert events[0]["seq"] == 2
            for event in events:
                assert event.pop("room") == room
                event["user"] = event["user"]["id"]
            first = events[0]["seq"]
            assert events == [told(row) for row in rows(before, LOG, room) if row["seq"] >= first]
        # So that all of it was there to be compared.
        types = {row["type"] for row in rows(before, "SELECT type FROM event")}
        assert types == {"message", "edited", "deleted", "member", "room"}
        assert len(rows(before, "SELECT 1 FROM message WHERE deleted")) > 50


async def test_rooms_members_and_sanctions_are_what_they_were(upgraded, before):
    async with upgraded() as server:
        clients = await all_clients(server)
        for name, client in clients.items():
            mine = {room["name"]: room for room in client.welcome["rooms"] if room["joined"]}
            found = rows(
                before,
                "SELECT room.*, role FROM member JOIN room ON room.name = member.room WHERE user_id = ?",
                client.id,
            )
            assert sorted(mine) == sorted(row["name"] for row in found), name
            for row in found:
                told = mine[row["name"]]
                for field in ("title", "topic", "kind", "history", "archived", "head", "role"):
                    assert told[field] == row[field], (name, row["name"], field)
                members = rows(before, "SELECT user_id FROM member WHERE room = ?", row["name"])
                assert told["members"] == len(members)
        assert not [room for room in clients["eve"].welcome["rooms"] if room["joined"]]
        for name, code in (("fay", "muted"), ("eve", "banned")):
            with pytest.raises(Refused) as refused:
                await clients[name].says("hello", "general")
            assert refused.value.code == code
        with pytest.raises(Refused) as refused:
            await clients["admin"].says("dust", "attic")
        assert refused.value.code == "forbidden"


async def test_unread_messages_and_mentions_are_those_of_now(upgraded, before):
    async with upgraded() as server:
        bob = (await all_clients(server))["bob"]
        (general,) = (room for room in bob.welcome["rooms"] if room["name"] == "general")
        (mark,) = rows(before, "SELECT seq FROM read_mark WHERE room = 'general' AND user_id = ?", bob.id)
        there = "FROM message WHERE room = 'general' AND seq > ? AND NOT deleted"
        ((unread,),) = rows(before, f"SELECT count(*) {there}", mark["seq"])
        ((mentions,),) = rows(
            before,
            "SELECT count(*) FROM mention WHERE room = 'general' AND user_id = ?"
            f" AND seq IN (SELECT seq {there})",
            bob.id, mark["seq"],
        )  # fmt: skip
        assert (general["read"], general["unread"], general["mentions"]) == (mark["seq"], unread, mentions)
        assert (unread, mentions) == (29, 2)


async def test_clients_resume_from_what_they_had(upgraded, before):
    ((epoch,),) = rows(before, "SELECT value FROM meta WHERE key = 'epoch'")
    async with upgraded() as server:
        carol = await server.client(token="token-carol", resume={"epoch": epoch, "rooms": {"general": 2520}})
        assert carol.everything[0]["epoch"] == epoch
        missed = [event["seq"] for event in carol.everything if event.get("room") == "general"]
        ((last,),) = rows(before, "SELECT head FROM room WHERE name = 'general'")
        assert missed == list(range(2521, last + 1))


async def test_old_ids_work_and_new_ones_go_beside_them(upgraded, before):
    one, other, again = rows(
        before,
        "SELECT m.id, m.seq, m.content FROM message AS m JOIN user ON user.id = m.user_id"
        " WHERE room = 'general' AND user.name = 'carol' AND NOT deleted AND attachments IS NULL"
        " AND request_hash IS NULL ORDER BY seq LIMIT 3",
    )
    async with upgraded() as server:
        clients = await all_clients(server)
        carol, bob = clients["carol"], clients["bob"]
        reply = await carol.says("re", "general", reply_to=one["id"])
        assert (await bob.hears()).reply_to == one["id"]
        assert len(reply.message_id) < len(one["id"])
        await carol.ask("edit", message_id=one["id"], content="anew", rev=2)
        heard = await bob.hears("edited")
        assert (heard.message_id, heard.content) == (one["id"], "anew")
        await carol.ask("delete", message_id=other["id"])
        assert (await bob.hears("deleted")).message_id == other["id"]
        page = await log_of(bob, "general", other["seq"] - 1)
        assert (page[0]["message_id"], page[0]["deleted"]) == (other["id"], True)
        assert page[-1]["message_id"] == other["id"]
        # An old message has one id only.
        with pytest.raises(Refused) as refused:
            await carol.ask("edit", message_id=f"m1z{again['seq']:x}", content="no")
        assert refused.value.code == "not_found"
        repeated = await bob.says("to carol & back", to=carol.id, nonce="dm")
        (sent,) = rows(before, "SELECT id, seq FROM message WHERE nonce = 'dm'")
        assert (repeated.dup, repeated.message_id, repeated.seq) == (True, sent["id"], sent["seq"])


async def test_files_are_there_and_go_with_their_old_messages(upgraded, before):
    files = rows(before, "SELECT * FROM files_file")
    async with upgraded() as server:
        clients = await all_clients(server)
        kept = [file for file in files if not file["gone"]]
        assert sorted(file["name"] for file in kept) == ["dot ☕.png", "note.txt", "plan.txt"]
        for file in kept:
            url = f"/plugins/files/f/{file['id']}/x"
            answer = await server.http("GET", url, token="token-bob")
            assert (answer.code, len(answer.body)) == (200, file["size"])
            if file["room"] == "den":
                assert (await server.http("GET", url, token="token-fay")).code == 404
        (note,) = (file for file in kept if file["name"] == "note.txt")
        await clients["carol"].ask("delete", message_id=note["message_id"])
        answer = await server.http("GET", f"/plugins/files/f/{note['id']}/x", token="token-bob")
        assert answer.code == 404


# The upgrade itself


def opened(path: Path, *, use: Use = "server") -> Store:
    return Store.open("sqlite:", path.parent, "normal", use=use)


def whole(path: Path) -> dict[str, list[tuple]]:
    """All tables of a database."""
    names = [row["name"] for row in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: sorted(map(repr, map(tuple, rows(path, f'SELECT * FROM "{name}"')))) for name in names}


async def test_the_old_database_is_kept_as_a_copy(old, before, caplog):
    caplog.set_level(logging.INFO, "chatserver")
    opened(old).close()
    copy = old.with_name(f"chat.db.before-{revisions.REVISION}")
    assert whole(copy) == whole(before)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not list(old.parent.glob("*.partial"))
    said = [record.getMessage() for record in caplog.records if record.name.startswith("chatserver")]
    assert str(copy) in said[0]
    assert said[-1] == f"The database is at revision {revisions.REVISION} now"
    # The next start has nothing to do.
    copy.unlink()
    opened(old).close()
    assert not copy.exists()


async def test_a_large_database_tells_how_far_it_is(old, caplog):
    ((head,),) = rows(old, "SELECT head FROM room WHERE name = 'attic'")
    with closing(sqlite3.connect(old)) as database:
        database.execute(
            "INSERT INTO event WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
            " SELECT 'attic', ? + i, 'member', NULL, 'system', 1.0, '{}', 1 FROM n",
            [head],
        )
        database.execute("UPDATE room SET head = head + 60000 WHERE name = 'attic'")
        database.commit()
    ((count,),) = rows(old, "SELECT count(*) FROM event")
    caplog.set_level(logging.INFO, "chatserver")
    opened(old).close()
    said = [r.getMessage() for r in caplog.records if "brought over" in r.getMessage()]
    assert len(said) == 2
    assert all(line.endswith(f" of {count:,} events are brought over") for line in said)


async def test_an_interrupted_upgrade_leaves_the_old_database(old, before):
    with closing(sqlite3.connect(old)) as database:
        # Two messages of one id: revision 1 can't have them, and the new index refuses them.
        database.executescript(
            "UPDATE event SET message_id = (SELECT id FROM message WHERE room = 'den' LIMIT 1)"
            " WHERE room = 'tea' AND seq = 30"
        )
        database.commit()
    broken = whole(old)
    with pytest.raises(ConfigError):
        opened(old)
    assert whole(old) == broken
    with closing(sqlite3.connect(old)) as database:
        database.executescript(
            "UPDATE event SET message_id = (SELECT id FROM message WHERE room = 'tea' AND seq = 30)"
            " WHERE room = 'tea' AND seq = 30"
        )
    assert whole(old) == whole(before)
    opened(old).close()


@pytest.mark.parametrize("table", ["message", "event", "user", "credential"])
async def test_a_damaged_older_database_is_refused_and_left_as_it_is(old, table):
    with closing(sqlite3.connect(old)) as database:
        database.execute(f"DROP TABLE {table}")
    broken = whole(old)
    with pytest.raises(
        ConfigError, match=rf"revision {revisions.REVISION}, as it is damaged \(.*\): restore it"
    ) as caught:
        opened(old)
    assert caught.value.path == "store.url"
    assert whole(old) == broken


async def test_a_tool_beside_the_server_changes_no_old_database(old, before):
    with pytest.raises(ConfigError, match="revision 1: start the server once"):
        opened(old, use="beside")
    assert whole(old) == whole(before)


async def test_a_newer_database_is_refused_with_both_revisions(tmp_path):
    opened(tmp_path / "chat.db").close()
    with closing(sqlite3.connect(tmp_path / "chat.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '99'")
        database.commit()
    with pytest.raises(
        ConfigError, match=f"at revision 99, this program knows {revisions.REVISION}"
    ) as caught:
        opened(tmp_path / "chat.db")
    assert caught.value.path == "store.url"


def test_the_command_brings_it_over_and_checks(old):
    (old.parent / "config.yaml").write_text("data_dir: .")

    def run(*words):
        return CliRunner().invoke(commands, ["migrate", "--config", str(old.parent / "config.yaml"), *words])

    before = whole(old)
    assert "is at revision 1: start the server once" in str(run("--check").exception)
    assert whole(old) == before
    assert run().output == f"{old} is at revision {revisions.REVISION}, from 1.\n"
    assert run("--check").output == run().output == f"{old} is at revision {revisions.REVISION}.\n"
    old.unlink()
    assert "there is no database" in str(run().exception)


async def test_programs_of_revision_1_refuse_what_is_newer(tmp_path, old):
    """They look for a number in ``meta``."""
    opened(tmp_path / "chat.db").close()
    opened(old).close()
    for path in (tmp_path / "chat.db", old):
        assert [row["value"] for row in rows(path, "SELECT value FROM meta WHERE key = 'revision'")] == [
            revisions.REVISION
        ]


PLUGINS_TABLES = ("files_", "likes_")


def tables_of(url: str, make) -> dict[str, object]:
    """How the tables and indexes are defined, by name."""
    engine = create_engine(url)
    tables: dict[str, object] = {}
    with engine.begin() as conn:
        make(conn)
        found = conn.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").all()
        for type, name, sql in found:
            # The text of a table is not the same where a column was added to it.
            columns = [tuple(row) for row in conn.exec_driver_sql(f'PRAGMA table_xinfo("{name}")')]
            unique = {tuple(row)[2:] for row in conn.exec_driver_sql(f'PRAGMA index_list("{name}")')}
            tables[name] = sql if type == "index" else (columns, unique, "WITHOUT ROWID" in sql)
    engine.dispose()
    return {
        name: made for name, made in tables.items()
        if name != "alembic_version" and not name.startswith(PLUGINS_TABLES)
    }  # fmt: skip


@pytest.fixture
def revision_2(tmp_path) -> Path:
    with tarfile.open(REVISION_2) as archive:
        archive.extractall(tmp_path / "data", filter="data")
    (tmp_path / "data" / "told.json").rename(tmp_path / "told.json")
    return tmp_path / "data" / "chat.db"


def test_the_revisions_lead_to_the_schema(tmp_path):
    made = tables_of("sqlite://", schema.metadata.create_all)
    assert {"log", "log_nonce", "room", "plugin_job"} < set(made)
    assert tables_of("sqlite://", migrations.upgrade) == made
    for archive in (REVISION_1, REVISION_2):
        with tarfile.open(archive) as packed:
            packed.extractall(tmp_path / archive.stem, filter="data")
        assert tables_of(f"sqlite:///{tmp_path / archive.stem / 'chat.db'}", migrations.upgrade) == made


async def test_a_database_of_revision_2_is_what_it_was(chat, revision_2):
    copy = whole(revision_2)
    (read,) = rows(
        revision_2,
        "SELECT seq FROM read_mark JOIN user ON user.id = user_id WHERE room_id = 1 AND name = 'bob'",
    )
    told = json.loads((revision_2.parent.with_name("told.json")).read_text())
    settings = {"store": {"url": "sqlite:", "durability": "normal"}}
    async with chat(plugins=["basics", "moderation"], settings=settings) as server:
        clients = {name: await server.client(token=f"token-{name}") for name in ("admin", "bob", "carol")}
        found = {room: await log_of(clients["bob"], room) for room in told}
        for event in (event for events in found.values() for event in events):
            # Since revision 9 they are marked.
            event["user"].pop("guest", None)
        assert found == told
        types = {event["type"] for events in told.values() for event in events}
        assert types >= {"message", "edited", "deleted", "likes:liked"}
        assert any("extras" in event for event in told["general"] if event["type"] == "message")
        (general,) = (room for room in clients["bob"].welcome["rooms"] if room["name"] == "general")
        assert general["read"] == read["seq"]
        with pytest.raises(Refused) as refused:
            await clients["carol"].says("hello", "general")
        assert refused.value.code == "muted"
        sent = await clients["bob"].says("new", "general")
        assert sent.seq == general["head"] + 1
    assert whole(revision_2.with_name(f"chat.db.before-{revisions.REVISION}")) == copy


def test_the_last_revision_is_the_programs():
    assert max(migrations.known(), key=int) == revisions.REVISION


def test_a_start_imports_no_alembic_unless_it_has_to(tmp_path):
    code = (
        "import asyncio, sys; from pathlib import Path; from chatserver.store import Store\n"
        "async def start(): Store.open('sqlite:', Path(sys.argv[1])).close()\n"
        "asyncio.run(start()); asyncio.run(start()); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
