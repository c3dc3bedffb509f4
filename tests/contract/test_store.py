"""What every store promises its rooms, checked against a model that is too simple to be wrong."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chatserver.model.errors import Reject
from chatserver.model.values import Room, User
from chatserver.store import Batch, Committed, Store, room_lists
from chatserver.store import accounts as people
from chatserver.store import queries as reading
from chatserver.store.changes import (
    Append,
    ChangeMember,
    ChangeRoom,
    CreateRoom,
    Delete,
    Edit,
    Post,
    StaleRoom,
)
from chatserver.store.members import move_mark
from chatserver.store.plugin_tables import Contributions
from chatserver.testing.postgresql import NoPostgresql, postgresql

USERS = [User(f"u{n}", f"name{n}", f"name{n}") for n in range(2)]
MEMBERS = tuple((user, "member") for user in USERS)
ROOMS = ["a", "b"]
TEXTS = st.sampled_from(["one", "two"])


async def append(store, room, *changes):
    """Append a batch that was checked against the room as it is; its outcomes."""
    return (await append_all(store, Batch(room, 1.0, list(changes), await version(store, room))))[0]


async def version(store, room):
    state = await store.read(lambda conn: reading.room_state(conn, room, 0.0))
    return state.position.version if state is not None else 0


async def append_all(store, *batches):
    """Append batches that are waiting together, so that they share a transaction."""
    futures = [asyncio.get_running_loop().create_future() for _ in batches]
    for batch, future in zip(batches, futures, strict=True):
        store.append(batch, future.set_result)
    return await asyncio.gather(*futures)


@contextmanager
def place(where, folder):
    """The ``store.url`` of a new store in memory, in a file, or in PostgreSQL; skips where that can't be had."""
    if where == "postgresql":
        try:
            server = postgresql()
        except NoPostgresql as error:
            pytest.skip(f"PostgreSQL is not tested: {error}")
        url = server.make()
        yield url
        server.drop(url)
    elif where == "file":
        with tempfile.TemporaryDirectory(dir=folder) as own:
            yield f"sqlite:{own}/chat.db"
    else:
        yield "memory:"


async def opened(url: str, folder: Path = Path("/nonexistent")) -> Store:
    store = Store.open(url, folder, "normal")

    def make(conn):
        for user in USERS:
            people.ensure_user(conn, user, user.name, 0.0)

    await store.write(make)
    return store


class Model:
    """A room: its events, its messages, which nonces were used, how far each user has read."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.read = {user.id: 0 for user in USERS}
        self.events: list[tuple[str, str | None]] = [("room", None)]
        self.messages: dict[str, dict] = {}
        self.nonces: dict[tuple[str, str], tuple[str, int]] = {}

    def take(self, type: str, message_id: str | None = None) -> tuple:
        seq = len(self.events) + 1
        self.events.append((type, message_id or f"m{self.number:x}z{seq:x}"))
        return ("done", seq, False)

    def apply(self, entry: Post | Edit | Delete) -> tuple:
        if isinstance(entry, Post):
            return self.post(entry)
        message = self.messages.get(entry.message_id)
        if message is None or message["deleted"]:
            return ("not_found",)
        if isinstance(entry, Delete):
            message |= {"deleted": True, "content": "", "names": {}}
            return self.take("deleted", entry.message_id)
        if entry.rev is not None and entry.rev != message["rev"] + 1:
            if (entry.rev, entry.content) == (message["rev"], message["edited"]):
                return ("done", message["edit_seq"], True)
            return ("rev_conflict",)
        done = self.take("edited", entry.message_id)
        # Who was named before counts from then on, who is named anew from here.
        names = {user_id: message["names"].get(user_id, done[1]) for user_id in entry.mentions}
        message |= {"content": entry.content, "rev": message["rev"] + 1, "edited": entry.content,
                    "edit_seq": done[1], "names": names}  # fmt: skip
        return done

    def post(self, entry: Post) -> tuple:
        key = (entry.user.id, entry.nonce or "")
        if entry.nonce and key in self.nonces:
            content, seq = self.nonces[key]
            return ("done", seq, True) if content == entry.content else ("nonce_conflict",)
        done = self.take("message")
        if entry.nonce:
            self.nonces[key] = entry.content, done[1]
        self.read[entry.user.id] = done[1]
        self.messages[self.events[-1][1]] = {
            "seq": done[1], "content": entry.content, "rev": 1, "deleted": False, "edited": None, "edit_seq": 0,
            "names": dict.fromkeys(entry.mentions, done[1]),
        }  # fmt: skip
        return done

    def counts(self, user: User) -> tuple[int, int, int]:
        """The read mark, and what is unread and names the user after it."""
        mark, there = self.read[user.id], [each for each in self.messages.values() if not each["deleted"]]
        unread = sum(each["seq"] > mark for each in there)
        return mark, unread, sum(each["names"].get(user.id, 0) > mark for each in there)


def shape(outcome) -> tuple:
    if isinstance(outcome, Reject):
        return (outcome.code,)
    assert isinstance(outcome, Committed), outcome
    return ("done", outcome.event.seq, outcome.dup)


MENTIONS = st.sampled_from([(), ("u0",), ("u1",), ("u1", "u0")])
wishes = st.lists(
    st.one_of(
        st.tuples(
            st.just("post"), st.sampled_from(USERS), TEXTS, st.sampled_from([None, "n1", "n2"]), MENTIONS
        ),
        st.tuples(st.just("edit"), st.integers(0, 5), TEXTS, st.sampled_from([None, 2, 3]), MENTIONS),
        st.tuples(st.just("delete"), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=6,
)


class Log(RuleBasedStateMachine):
    """Batches of posts, edits and deletes in two rooms, each followed by a look at all of it."""

    url = "memory:"

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = self.loop.run_until_complete(opened(self.url))
        self.models = {room: Model(number) for number, room in enumerate(ROOMS, 1)}

    def run(self, work):
        return self.loop.run_until_complete(work)

    @initialize()
    def rooms(self) -> None:
        for room in ROOMS:
            (made,) = self.run(append(self.store, room, CreateRoom(USERS[0], Room(room), MEMBERS)))
            assert shape(made) == ("done", 1, False)

    def entries(self, room, wished) -> list:
        # Ids are known once they are committed, so that only earlier messages can be meant.
        known = list(self.models[room].messages)
        made = []
        for what, *wish in wished:
            if what == "post":
                user, text, nonce, mentions = wish
                made.append(Post(user, text, text, nonce=nonce, request_hash=text, mentions=mentions))
            else:
                target = known[wish[0] % len(known)] if known and wish[0] < 5 else "nosuch"
                user = USERS[0]
                made.append(
                    Delete(user, target)
                    if what == "delete"
                    else Edit(user, target, wish[1], wish[1], wish[2], wish[1], wish[3])
                )
        return made

    @rule(first=wishes, second=wishes)
    def both_rooms_in_one_transaction(self, first, second) -> None:
        batches = [
            Batch(room, 1.0, self.entries(room, w), 1) for room, w in zip(ROOMS, (first, second), strict=True)
        ]
        results = self.run(append_all(self.store, *batches))
        for batch, outcomes in zip(batches, results, strict=True):
            expected = [self.models[batch.room].apply(entry) for entry in batch.changes]
            assert [shape(outcome) for outcome in outcomes] == expected

    @rule(room=st.sampled_from(ROOMS), user=st.sampled_from(USERS), back=st.integers(0, 8))
    def one_reads(self, room, user, back) -> None:
        model = self.models[room]
        seq = max(0, len(model.events) - back)
        moved = self.run(self.store.write(lambda conn: move_mark(conn, room, user.id, seq)))
        assert moved == (seq > model.read[user.id]) or seq == 0
        model.read[user.id] = max(seq, model.read[user.id])

    @invariant()
    def the_counts_are_those_of_a_recount(self) -> None:
        for user in USERS:
            listed = self.run(self.store.read(lambda conn, user=user: room_lists.room_list(conn, user.id, 9)))
            for entry in listed.mine:
                counted = entry.read, entry.unread, entry.mentions
                assert counted == self.models[entry.room.name].counts(user)

    @invariant()
    def the_log_is_the_models(self) -> None:
        for room, model in self.models.items():
            events = self.run(
                self.store.read(lambda conn, room=room: reading.events_after(conn, room, 0, 1000))
            )
            if not events:
                continue  # before the rooms are made
            assert [e.seq for e in events] == list(range(1, len(model.events) + 1))
            assert [(e.type, e.message_id) for e in events] == model.events
            for event in events:
                if event.type == "message":
                    known = model.messages[event.message_id]
                    shown = event.message
                    assert (shown.content, shown.rev, shown.deleted) == (
                        known["content"], known["rev"], known["deleted"],
                    )  # fmt: skip
            state = self.run(self.store.read(lambda conn, room=room: reading.room_state(conn, room, 0.0)))
            assert (state.position.seq, state.position.messages) == (len(events), len(model.messages))

    def teardown(self) -> None:
        self.store.close()
        self.loop.close()


@pytest.mark.parametrize("where", ["memory", "file", "postgresql"])
def test_the_log_behaves_like_the_model(where, tmp_path):
    with ExitStack() as made:

        class Here(Log):
            @property
            def url(self):
                return made.enter_context(place(where, tmp_path))

        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=15, stateful_step_count=8, deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )  # fmt: skip


@pytest.fixture(params=["memory", "file", "postgresql"])
def store(request, io_loop, tmp_path):
    """A store with two people and a room."""
    with place(request.param, tmp_path) as url:
        opened_store = io_loop.run_sync(lambda: opened(url))
        io_loop.run_sync(lambda: append(opened_store, "a", CreateRoom(USERS[0], Room("a"))))
        yield opened_store
        opened_store.close()


on_sqlite = pytest.mark.parametrize("store", ["memory", "file"], indirect=True)
"""For what can't be brought about in PostgreSQL from within, such as a full disk."""


async def test_a_room_is_made_once_and_others_are_not_there(store):
    (again,) = await append(store, "a", CreateRoom(USERS[0], Room("a")))
    (missing,) = await append(store, "b", Post(USERS[0], "x", "x"))
    assert (again.code, missing.code) == ("name_taken", "not_found")


async def test_a_room_that_is_there_already_takes_nothing_of_what_should_make_it(store):
    make = Batch("a", 1.0, [CreateRoom(USERS[0], Room("a")), Post(USERS[0], "x", "x")])
    ((made, posted),) = await append_all(store, make)
    assert (made.code, posted.code) == ("name_taken", "name_taken")
    assert await log_of(store) == [1]


async def test_what_was_checked_against_an_older_state_is_refused_with_the_state_of_now(store):
    alice, bob = USERS
    joined = Batch("a", 1.0, [ChangeMember(alice, alice, "joined")], 1)
    late = Batch("a", 2.0, [Post(alice, "x", "x"), ChangeRoom(alice, {"topic": "tea"})], 1)
    ((done,),) = await append_all(store, joined)
    assert done.position.version == 2
    await append(store, "b", CreateRoom(alice, Room("b")))
    other = Batch("b", 2.0, [Post(bob, "x", "x")], 1)
    stale, (posted,) = await append_all(store, late, other)
    assert [type(outcome) for outcome in stale] == [StaleRoom, StaleRoom]
    state = stale[0].state
    assert (list(state.members), state.room.topic, state.position.version) == ([alice.id], "", 2)
    assert shape(posted) == ("done", 2, False)
    late.version = 2
    _, changed = (await append_all(store, late))[0]
    assert changed.position.version == 3


async def test_guests_who_are_forgotten_leave_another_version(store):
    await append(store, "a", ChangeMember(USERS[0], USERS[0], "joined"))
    before = await version(store, "a")
    assert await store.write(lambda conn: people.forget_guests(conn, 1.0)) == [USERS[0].id]
    assert await version(store, "a") == before + 1


async def test_a_failing_batch_does_not_take_others_with_it(store):
    await append(store, "b", CreateRoom(USERS[0], Room("b")))
    broken = Append(USERS[0], "karma:given", {"not": object()})
    bad, good = await append_all(
        store,
        Batch("a", 1.0, [broken, Post(USERS[0], "z", "z")], 1),
        Batch("b", 1.0, [Post(USERS[0], "x", "x")], 1),
    )
    assert isinstance(bad[0], Exception)
    assert not isinstance(bad[0], Reject)
    assert shape(bad[1]) == ("done", 2, False)
    assert shape(good[0]) == ("done", 2, False)


async def test_a_change_that_raises_undoes_only_itself(store):
    def wrong(conn):
        people.create_user(conn, User("u9", "nine", "nine"), "nine", 0.0)
        raise Reject("no", "forbidden")

    jobs = [
        store.write(wrong),
        store.write(lambda conn: people.create_user(conn, User("u8", "8", "8"), "8", 0.0)),
    ]
    first, second = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(first, Reject)
    assert second is None
    there = await store.read(lambda conn: [people.user_by_id(conn, id) for id in ("u8", "u9")])
    assert [user and user.id for user in there] == ["u8", None]


def fill(conn, pages=4):
    """Let the database grow by so many pages at most."""
    count = conn.exec_driver_sql("PRAGMA page_count").scalar()
    conn.exec_driver_sql(f"PRAGMA max_page_count = {count + pages}")


def write_much(conn):
    conn.exec_driver_sql("INSERT INTO meta VALUES ('much', zeroblob(500000))")


@on_sqlite
async def test_when_the_disk_is_full_only_what_has_no_room_is_refused(store):
    """SQLite then undoes the whole transaction by itself: nothing in it may count as written."""
    await store.write(fill)
    message = asyncio.get_running_loop().create_future()
    small = store.write(lambda conn: conn.exec_driver_sql("INSERT INTO meta VALUES ('little', 'x')").rowcount)
    jobs = asyncio.gather(small, store.write(write_much), return_exceptions=True)
    await asyncio.sleep(0)  # Both are with the writer now; the message shares their transaction.
    store.append(Batch("a", 1.0, [Post(USERS[0], "x", "x")], 1), message.set_result)
    little, much = await jobs
    assert (little, much.code) == (1, "unavailable")
    assert [shape(outcome) for outcome in await message] == [("done", 2, False)]
    await store.write(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 100000"))
    await append(store, "a", Post(USERS[0], "x", "x"))
    written = await store.read(
        lambda conn: (
            conn.exec_driver_sql("SELECT key FROM meta WHERE key IN ('little', 'much')").scalars().all()
        )
    )
    assert written == ["little"]
    assert await log_of(store) == [1, 2, 3]


HUGE = "x" * 500_000


@on_sqlite
async def test_nothing_of_a_room_is_taken_after_what_the_storage_failed_at(store):
    await append(store, "b", CreateRoom(USERS[0], Room("b")))
    alice, bob = USERS
    await store.write(fill)
    first, other = await append_all(
        store,
        Batch("a", 1.0, [
            Post(alice, "x", "x", nonce="n1"), Delete(alice, "nosuch"), Post(bob, "x", "x"),
            Post(alice, HUGE, ""), Delete(alice, "nosuch"), Post(alice, "x", "x"),
        ], 1),
        Batch("b", 1.0, [Post(bob, "x", "x")], 1),
    )  # fmt: skip
    assert [shape(outcome) for outcome in first[:3]] == [
        ("done", 2, False),
        ("not_found",),
        ("done", 3, False),
    ]
    assert all(isinstance(outcome, Exception) and not isinstance(outcome, Reject) for outcome in first[3:])
    assert [shape(outcome) for outcome in other] == [("done", 2, False)]
    assert await log_of(store) == [1, 2, 3]


async def test_while_another_program_writes_all_fail_after_one_wait(io_loop, tmp_path):
    store = await opened(f"sqlite:{tmp_path / 'chat.db'}")
    try:
        for room in ROOMS:
            await append(store, room, CreateRoom(USERS[0], Room(room)))
        await store.write(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 300").all())
        with closing(sqlite3.connect(tmp_path / "chat.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            started = time.monotonic()
            batches = [
                Batch(room, 1.0, [Post(USERS[n % 2], "x", "x") for n in range(20)], 1) for room in ROOMS
            ]
            job = asyncio.ensure_future(
                store.write(lambda conn: people.ensure_user(conn, USERS[0], "x", 0.0))
            )
            results = await append_all(store, *batches)
            assert (await asyncio.gather(job, return_exceptions=True))[0].code == "unavailable"
            assert time.monotonic() - started < 1.5
        assert all(
            isinstance(each, Exception) and not isinstance(each, Reject) for r in results for each in r
        )
        assert await log_of(store) == [1]
        assert [shape(each) for each in await append(store, "a", Post(USERS[0], "x", "x"))] == [
            ("done", 2, False)
        ]
    finally:
        store.close()


async def log_of(store):
    return [event.seq for event in await store.read(lambda conn: reading.events_after(conn, "a", 0, 10))]


async def test_a_plugin_that_fills_the_disk_within_a_commit_lets_nothing_count_as_committed(tmp_path):
    class Greedy:
        plugin, on_error = "greedy", "skip"

        def wanted(self, events):
            return events

        def call(self, tx, events):
            tx.execute("INSERT INTO greedy_much VALUES (zeroblob(500000))")

    greedy = [Greedy()]
    store = Store.open("sqlite:", tmp_path, "normal", Contributions(lambda: greedy))
    try:
        await store.write(lambda conn: people.ensure_user(conn, USERS[0], USERS[0].name, 0.0))
        await store.write(lambda conn: conn.exec_driver_sql("CREATE TABLE greedy_much (much BLOB)"))
        contributors, greedy[:] = greedy[:], []
        await append(store, "a", CreateRoom(USERS[0], Room("a")))
        await store.write(fill)
        greedy[:] = contributors
        (refused,) = await append(store, "a", Post(USERS[0], "x", "x"))
        assert isinstance(refused, Exception)
        assert await log_of(store) == [1]
        greedy.clear()
        assert [shape(each) for each in await append(store, "a", Post(USERS[0], "x", "x"))] == [
            ("done", 2, False)
        ]
        assert await log_of(store) == [1, 2]
    finally:
        store.close()


async def test_membership_has_its_rows_and_its_events(store):
    alice, bob = USERS
    outcomes = await append(
        store, "a", ChangeMember(alice, alice, "joined"), Post(alice, "x", "x"),
        ChangeMember(alice, bob, "added"), ChangeMember(alice, bob, "added"),
        ChangeMember(alice, bob, "muted", "loud", 100.0), ChangeMember(alice, bob, "banned", "", 0.0),
        ChangeMember(alice, bob, "unmuted"), ChangeMember(alice, bob, "unmuted"), ChangeMember(alice, alice, "left"),
    )  # fmt: skip
    seqs = [outcome.event.seq if outcome.event else None for outcome in outcomes]
    assert seqs == [None, 2, 3, None, 4, 5, 6, None, None]
    state = await store.read(lambda conn: reading.room_state(conn, "a", 50.0))
    assert (state.members, state.mutes, state.bans) == ({}, {}, {"u1": float("inf")})
    events = await store.read(lambda conn: reading.events_after(conn, "a", 2, 10))
    assert [e.data["action"] for e in events] == ["added", "muted", "banned", "unmuted"]
    assert events[1].data == {"action": "muted", "target": bob.public(), "reason": "loud", "until": 100.0}


async def test_what_changes_nothing_takes_no_seq(store):
    (one,) = await append(store, "a", ChangeRoom(USERS[0], {"topic": "tea", "archived": True}))
    (same,) = await append(store, "a", ChangeRoom(USERS[0], {"topic": "tea"}))
    assert one.event.data == {"action": "changed", "topic": "tea", "archived": True}
    assert same.event is None


async def test_the_same_edit_twice_in_one_batch_is_told_the_same(store):
    await append(store, "a", Post(USERS[0], "x", "x"))
    edit = Edit(USERS[0], "m1z2", "y", "y", 2, "h")
    first, second = await append(store, "a", edit, edit)
    assert (shape(first), shape(second)) == (("done", 3, False), ("done", 3, True))
    assert second.event.message.rev == 2


# The file


async def test_the_epoch_tells_a_log_that_may_have_lost_something(tmp_path, monkeypatch):
    url = f"sqlite:{tmp_path / 'chat.db'}"

    def epoch(durability, *, boot="b1", crash=False):
        monkeypatch.setattr("chatserver.store.sqlite.boot_id", lambda: boot)
        if crash:
            monkeypatch.setattr("chatserver.store.store.mark_stopped", lambda conn: None)
        store = Store.open(url, tmp_path, durability)
        store.close()
        monkeypatch.undo()
        return store.epoch

    first = epoch("full")
    assert epoch("full", crash=True) == first
    assert epoch("full", boot="b2") == first  # all that was acknowledged is on the disk
    assert epoch("normal", boot="b2", crash=True) == first
    assert epoch("normal", boot="b2", crash=True) == first  # a crash of the program alone loses nothing
    lost = epoch("normal", boot="b3")
    assert lost != first
    assert epoch("normal", boot="b4") == lost  # it was stopped properly


async def test_a_deleted_text_is_not_in_the_file_any_more(tmp_path):
    store = await opened(f"sqlite:{tmp_path / 'chat.db'}")
    await append(store, "a", CreateRoom(USERS[0], Room("a")))
    await append(store, "a", Post(USERS[0], "needle in a haystack", "needle in a haystack"))
    await append(store, "a", Delete(USERS[0], "m1z2"))
    store.close()
    for path in tmp_path.iterdir():
        assert b"needle" not in path.read_bytes(), path
