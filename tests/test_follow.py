"""Plugins that follow: every event once, in order within its room, whatever happens in between."""

# ruff: noqa: ASYNC110 - what is waited for is in the database

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatserver.chat.follower import Follower
from chatserver.config import load
from chatserver.model.values import Room, User
from chatserver.plugins.timer import Timer
from chatserver.store import Batch, Store
from chatserver.store import accounts as people
from chatserver.store import followers as stored
from chatserver.store.changes import CreateRoom, Post
from chatserver.testing import Clock

pytestmark = pytest.mark.storage

PLUGIN = """
from chatserver import Plugin, hookimpl, settings


class Index(Plugin):
    migrations = (
        "CREATE TABLE index_row (room TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, text TEXT,"
        " PRIMARY KEY (room, seq))",
    )

    @settings
    class Settings:
        since: str = "start"
        events: list[str] | None = None
        other: int = 0

    wrong = None

    @hookimpl
    def startup(self):
        self.follow(self.index, since=self.settings.since, events=self.settings.events)

    def index(self, tx, events):
        rows = []
        for event in events:
            if self.wrong is not None and event.message is not None and event.message.content == self.wrong:
                raise RuntimeError("can't read this")
            text = event.message.content if event.message is not None else None
            rows.append({"room": event.room, "seq": event.seq, "type": event.type, "text": text})
        tx.executemany("INSERT INTO index_row VALUES (:room, :seq, :type, :text)", rows)
"""
ROWS = "SELECT room, seq, type, text FROM index_row ORDER BY room, seq"


@pytest.fixture
def make(chat, on_file, tmp_path):
    (tmp_path / "index.py").write_text(PLUGIN)
    wanted = {**on_file, "rooms": [{"name": "general"}, {"name": "tea"}]}

    def make(plugins=("index",), **options):
        return chat(plugins=plugins, settings=wanted, dirs=[tmp_path], **options)

    return make


def plugin(server):
    return server.server.host.current.peer("index")


async def caught_up(server, eventually_seconds: float = 10.0) -> list[tuple]:
    """What the plugin has written, once nothing is left."""
    async with asyncio.timeout(eventually_seconds):
        while any((await plugin(server).following()).values()):
            await asyncio.sleep(0.01)
    return [tuple(row.values()) for row in await plugin(server).db.query(ROWS)]


async def test_a_follower_reads_all_rooms_from_the_start_and_goes_on(make):
    async with make(plugins=()) as server:
        bob = await server.account("bob")
        await bob.join("general")
        await server.api("POST", "rooms", {"name": "den", "kind": "private"}, token=bob.token)
        sent = await bob.says("one", "general")
        gone = await bob.says("secret", "den")
        await bob.ask("edit", message_id=sent.message_id, content="two")
        await bob.ask("delete", message_id=gone.message_id)
        await server.reload(["index"])
        expected = [
            ("den", 1, "room", None), ("den", 2, "message", ""), ("den", 3, "deleted", None),
            ("general", 1, "room", None), ("general", 2, "message", "two"), ("general", 3, "edited", "two"),
            ("tea", 1, "room", None),
        ]  # fmt: skip
        assert await caught_up(server) == expected
        await bob.says("three", "general")
        await server.api("POST", "rooms", {"name": "attic"}, token=bob.token)
        expected = [
            ("attic", 1, "room", None),
            *expected[:6],
            ("general", 4, "message", "three"),
            expected[6],
        ]
        assert await caught_up(server) == expected
        # Switched off, a restart, and another instance: nothing is missed, and nothing comes twice.
        await server.reload([])
        await bob.says("four", "general")
        await server.restart()
        await server.reload(["index"])
        bob = await server.client(token=bob.token)
        await bob.says("five", "general")
        await server.reload({"index": {"other": 1}})
        await bob.says("six", "general")
        rows = await caught_up(server)
        assert [row[3] for row in rows if row[0] == "general"][2:] == ["two", "three", "four", "five", "six"]
        assert len(rows) == len(expected) + 3


async def test_a_follower_can_begin_now_and_want_some_events_only(make):
    async with make(plugins=()) as server:
        bob = await server.account("bob")
        await bob.join("general")
        await bob.says("before", "general")
        await server.reload({"index": {"since": "now", "events": ["message"]}})
        assert await caught_up(server) == []
        sent = await bob.says("after", "general")
        await bob.ask("delete", message_id=sent.message_id)
        await server.api("POST", "rooms", {"name": "attic"}, token=bob.token)
        await bob.says("new", "attic")
        # As it is by now, if it was read only then.
        rows = await caught_up(server)
        assert [row[:3] for row in rows] == [("attic", 2, "message"), ("general", sent.seq, "message")]
        # It has begun: where it began is no question any more.
        await server.reload({"index": {"since": "start", "events": ["message"]}})
        assert await caught_up(server) == rows


async def test_a_follower_works_where_the_settings_let_it(make):
    async with make(plugins={"index": {"rooms": ["tea"]}}) as server:
        bob = await server.account("bob")
        for room in ("general", "tea"):
            await bob.join(room)
            await bob.says("hello", room)
        assert {row[0] for row in await caught_up(server)} == {"tea"}
        await server.reload({"index": {"rooms": ["tea", "general"]}})
        assert [row[:2] for row in await caught_up(server)] == [
            ("general", 1), ("general", 2), ("tea", 1), ("tea", 2),
        ]  # fmt: skip


async def test_where_it_fails_it_waits_and_elsewhere_it_goes_on(make, eventually, caplog):
    clock = Clock()
    async with make(clock=clock) as server:
        admin = await server.account("anna", "admin")
        for room in ("general", "tea"):
            await admin.join(room)
        index = plugin(server)
        index.wrong = "poison"
        for text in ("one", "poison", "two"):
            await admin.says(text, "general")
        for text in ("a", "b", "c"):
            await admin.says(text, "tea")
        told = (await admin.hears("notice")).text
        assert told.startswith(
            "The plugin index can't go on in index at 3 of general (message): RuntimeError"
        )

        async def rows():
            return [row["text"] for row in await index.db.query(ROWS)]

        while await rows() != [None, "one", None, "a", "b", "c"]:
            await asyncio.sleep(0.01)
        failed = len(server.failures())
        await clock.move(1)
        await eventually(lambda: server.server.host.failures)
        assert len(server.failures()) == 1 <= failed
        assert "plugin index: follow index failed: RuntimeError: can't read this (" in caplog.text
        assert await index.following() == {"index": 2}
        index.wrong = None
        await clock.move(60)
        assert (await admin.hears("notice")).text == "The plugin index goes on in index in general."
        assert len(await caught_up(server)) == 8
        assert await rows() == [None, "one", "poison", "two", None, "a", "b", "c"]


async def test_failures_in_many_rooms_keep_it_from_none_of_the_others(chat, on_file, tmp_path, make, caplog):
    rooms = [f"room{n}" for n in range(25)]
    wanted = {**on_file, "rooms": [{"name": name} for name in rooms]}
    async with chat(plugins=["index"], settings=wanted, dirs=[tmp_path], clock=Clock()) as server:
        admin = await server.account("anna", "admin")
        index = plugin(server)
        index.wrong = "poison"
        for room in rooms[1:]:
            await admin.join(room)
            await admin.says("poison", room)
        await admin.join(rooms[0])
        async with asyncio.timeout(10):
            while len(server.server.host.failures) < len(rooms) - 1:
                await asyncio.sleep(0.01)
        await admin.says("good", rooms[0])
        async with asyncio.timeout(10):
            while not await index.db.query("SELECT 1 FROM index_row WHERE text = 'good'"):
                await asyncio.sleep(0.01)
        assert await index.following() == {"index": len(rooms) - 1}
        assert server.failures()
    assert "suspended" not in caplog.text


async def test_what_cant_follow_is_an_error_at_once(make):
    async with make() as server:
        index = plugin(server)

        async def later(tx, events):
            pass

        with pytest.raises(TypeError, match="plain function"):
            index.follow(later)
        with pytest.raises(ValueError, match="'index' follows already"):
            index.follow(index.index)
        with pytest.raises(ValueError, match="start or now"):
            index.follow(lambda tx, events: None, since="yesterday")
        with pytest.raises(ValueError, match="no type of events 'messages'"):
            index.follow(lambda tx, events: None, events=["messages"])


async def test_a_large_backlog_tells_how_far_it_is(make, caplog):
    caplog.set_level(logging.INFO, "chatserver")
    async with make(plugins=()) as server:
        bob = await server.account("bob")
        await bob.join("general")
        await asyncio.gather(*(bob.says(str(n), "general") for n in range(600)))
        await server.reload(["index"])
        rows = await caught_up(server)
        assert [row[1] for row in rows if row[0] == "general"] == list(range(1, 602))
        assert "plugin index: index has 602 events to read" in caplog.text


async def test_a_crash_loses_nothing_and_repeats_nothing(process, tmp_path, elsewhere):
    (tmp_path / "index.py").write_text(PLUGIN)
    wanted = {"rooms": [{"name": "general"}]}
    async with process(plugins=["index"], settings=wanted, dirs=[tmp_path]) as server:
        last, hello = 0, {"name": "bob"}
        for _ in range(2):
            bob = await server.client(**hello)
            hello = {"token": bob.token}
            await bob.join("general")
            sent = await asyncio.gather(*(bob.says("x", "general") for _ in range(60)))
            last = max(reply.seq for reply in sent)
            # Somewhere on its way.
            await server.kill()
            await bob.leave()
            await server.start()
        loaded = load(server.config, {})

        def rows():
            return [seq for (seq,) in elsewhere(loaded, "SELECT seq FROM index_row ORDER BY seq")]

        async with asyncio.timeout(10):
            while len(rows()) < last:
                await asyncio.sleep(0.02)
        assert rows() == list(range(1, last + 1))


# The reader alone, through all that may happen


USER = User("u1", "alice", "alice", "member")
ROOMS = ("a", "b", "c")


class Log:
    """A store with rooms that grow, and a follower that comes and goes."""

    def __init__(self, folder):
        self.folder = folder
        self.heads: dict[str, int] = {}
        self.fails_at: tuple[str, int] | None = None
        self.task: asyncio.Task | None = None
        self.open()

    def open(self):
        self.store = Store.open("sqlite:", self.folder, "normal", use="beside")

    async def make(self):
        await self.store.write(lambda conn: people.create_user(conn, USER, "alice", 1.0))
        await self.store.write(
            lambda conn: conn.exec_driver_sql(
                "CREATE TABLE p_t (room TEXT, seq INTEGER, PRIMARY KEY (room, seq))"
            )
        )

    async def append(self, room, count):
        changes = [Post(USER, "x", "x") for _ in range(count)]
        if room not in self.heads:
            changes = [CreateRoom(USER, Room(room)), *changes]
        done = asyncio.get_running_loop().create_future()
        self.store.append(Batch(room, 1.0, changes, 1 if room in self.heads else 0), done.set_result)
        last = (await done)[-1]
        self.heads[room] = last.event.seq
        if self.task is not None:
            self.follower.told(last.event, ())

    def write(self, tx, events):
        for event in events:
            tx.execute("INSERT INTO p_t VALUES (:room, :seq)", room=event.room, seq=event.seq)
            if (event.room, event.seq) == self.fails_at:
                raise RuntimeError("not this one")

    def begin(self):
        self.follower = Follower(
            self.store, Timer(), "p", "f", self.write, types=None, only_missed=False, rooms=lambda: None,
            ran=lambda started, error: None, tell=lambda text: None,
        )  # fmt: skip
        self.task = asyncio.ensure_future(self.follower.run(False))

    async def end(self):
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
            self.task = None

    async def state(self):
        """The rows by room, and the places, both as they are at one moment."""

        def read(conn):
            found = conn.exec_driver_sql("SELECT room, seq FROM p_t").all()
            return found, stored.places(conn, "p", "f")

        found, places = await self.store.read(read)
        by_room = {}
        for room, seq in found:
            by_room.setdefault(room, []).append(seq)
        return by_room, {place.room: place.seq for place in places if place.seq}

    async def rows(self):
        return (await self.state())[0]

    async def check(self):
        """No room has a hole, and no place is but where the rows are."""
        rows, places = await self.state()
        for room, seqs in rows.items():
            assert sorted(seqs) == list(range(1, len(seqs) + 1)), room
        assert places == {room: len(seqs) for room, seqs in rows.items()}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(ROOMS), st.integers(1, 60)),
        st.tuples(st.just("turns"), st.just(""), st.integers(1, 30)),
        st.tuples(st.just("fail"), st.sampled_from(ROOMS), st.integers(1, 80)),
        st.tuples(st.sampled_from(["follow", "end", "reopen", "two", "work"]), st.just(""), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_each_event_is_read_once_whatever_happens(tmp_path_factory, steps):
    async def run():
        log = Log(tmp_path_factory.mktemp("log"))
        await log.make()
        for what, room, count in steps:
            if what == "append":
                await log.append(room, count)
            elif what == "turns":
                await asyncio.sleep(count / 1000)
            elif what == "fail":
                log.fails_at = room, count
            elif what == "work":
                log.fails_at = None
            elif what == "follow" and log.task is None:
                log.begin()
            elif what == "two" and log.task is not None:
                # Another one takes over while this one still runs, as in a cluster.
                one = log.task
                log.begin()
                await asyncio.sleep(0.005)
                one.cancel()
                await asyncio.wait([one])
            elif what == "end":
                await log.end()
            elif what == "reopen":
                await log.end()
                log.store.close()
                log.open()
            await log.check()
        log.fails_at = None
        await log.end()
        log.begin()
        async with asyncio.timeout(20):
            while {room: len(seqs) for room, seqs in (await log.rows()).items()} != log.heads:
                await asyncio.sleep(0.005)
        await log.check()
        await log.end()
        log.store.close()

    asyncio.run(run())


BOTH = """
from chatserver import Plugin, hookimpl, settings


class Index(Plugin):
    migrations = (
        "CREATE TABLE index_row (room TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL, text TEXT,"
        " PRIMARY KEY (room, seq, type))",
    )

    @settings
    class Settings:
        other: int = 0

    wrong = None

    @hookimpl
    def startup(self):
        self.follow(self.missed, events=["message"], only_missed=True)

    @hookimpl(events=["message"])
    def in_commit(self, tx, events):
        if any(event.message.content == self.wrong for event in events):
            raise RuntimeError("can't write this")
        self.write(tx, events, "along")

    def missed(self, tx, events):
        self.write(tx, events, "later")

    def write(self, tx, events, way):
        rows = [{"room": each.room, "seq": each.seq, "type": way, "text": each.message.content} for each in events]
        tx.executemany("INSERT INTO index_row VALUES (:room, :seq, :type, :text)", rows)
"""


async def test_a_follower_of_what_was_missed_reads_nothing_else(make, tmp_path):
    (tmp_path / "index.py").write_text(BOTH)
    async with make(plugins=(), strict=False) as server:
        bob = await server.account("bob")
        await bob.join("general")
        await bob.says("before")
        await server.reload(["index"])
        await caught_up(server)
        for text in ("one", "two"):
            await bob.says(text)
        plugin(server).wrong = "three"
        for text in ("three", "four"):
            await bob.says(text)
        ways = {}
        for _, _, way, text in await caught_up(server):
            ways.setdefault(text, []).append(way)
        # Where it failed it has to read, and finds what came with that as well.
        assert {text: ways[text] for text in ("before", "one", "two", "three")} == {
            "before": ["later"], "one": ["along"], "two": ["along"], "three": ["later"],
        }  # fmt: skip
        # A stop notes how far it is: nothing comes twice.
        await server.reload([])
        await bob.says("off")
        await server.restart()
        rows = await server.server.services.store.read(
            lambda conn: conn.exec_driver_sql("SELECT text FROM index_row WHERE text = 'off'").all()
        )
        assert rows == []
        await server.reload(["index"])
        rows = await caught_up(server)
        assert [row[2:] for row in rows if row[3] in ("one", "off")] == [("along", "one"), ("later", "off")]


async def test_the_list_of_plugins_tells_what_is_still_to_be_read(make):
    async with make(["basics", "index"], accounts={"ada": "admin"}, strict=False) as server:
        (ada,) = await server.join("general", "ada")
        plugin(server).wrong = "stop"
        for text in ("go", "stop", "more"):
            await ada.says(text)
        async with asyncio.timeout(10):
            while (await plugin(server).following())["index"] != 2:
                await asyncio.sleep(0.01)
        await ada.says("/plugins")
        notices = [each.text for each in await ada.heard("notice")]
        assert any("\n  follow index: 2 events to read" in text for text in notices), notices
