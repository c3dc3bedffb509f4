"""Coming back: what was missed arrives once, in order, whatever goes on meanwhile."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from chatserver.sessions import resume as opening
from chatserver.sessions.connection import Connection
from chatserver.testing import Refused

pytestmark = [pytest.mark.transport, pytest.mark.sending, pytest.mark.storage]

HISTORY = ["history"]


class Replica:
    """What a client that follows the live rule knows of one room."""

    def __init__(self) -> None:
        self.last = 0
        self.messages: dict[str, tuple] = {}

    def apply(self, event: dict) -> None:
        if event["seq"] <= self.last:
            return
        assert event["seq"] == self.last + 1, f"a hole: {self.last} is followed by {event['seq']}"
        self.last = event["seq"]
        match event["type"]:
            case "message":
                shown = (event["rev"], event["content"], event["html"], event.get("deleted", False))
                self.messages[event["message_id"]] = shown
            case "edited":
                known = self.messages[event["message_id"]]
                if event["rev"] > known[0] and not known[3]:
                    self.messages[event["message_id"]] = (
                        event["rev"], event["content"], event["html"], False,
                    )  # fmt: skip
            case "deleted":
                self.messages[event["message_id"]] = (self.messages[event["message_id"]][0], "", "", True)


def durable(client, room="general", after=0):
    """The room's log as it came in, in the order of arrival."""
    return [e for e in client.everything if e.get("room") == room and "seq" in e and "user" in e]


async def whole_log(client, room="general", limit=500, after=0):
    """The log, page by page."""
    events, more = [], True
    while more:
        page = await client.ask("sync", room=room, after=after, limit=limit)
        events += page.events
        more = page.more
        after = events[-1]["seq"] if events else after
    return events


async def come_back(server, client, epoch=None, **fields):
    """The same person on a new connection, from where they were."""
    resume = {"epoch": epoch or client.welcome.epoch, "rooms": dict(client.seen)}
    again = await server.client(token=client.token, resume=resume, **fields)
    again.token = client.token
    return again


async def test_what_was_missed_comes_between_welcome_and_live(chat):
    async with chat(plugins=HISTORY) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("before")
        await bob.hears(content="before")
        await bob.leave()
        first = await alice.says("one")
        await alice.says("two")
        await alice.ask("edit", message_id=first.message_id, content="one, again")
        again = await come_back(server, bob)
        types = [e["type"] for e in again.everything if e["type"] not in ("joined", "left")]
        assert types == ["welcome", "message", "message", "edited", "live"]
        shown = [e for e in again.everything if e["type"] == "message"]
        assert [(e["content"], e["rev"]) for e in shown] == [("one, again", 2), ("two", 1)]
        assert [e["seq"] for e in durable(again)] == list(
            range(bob.seen["general"] + 1, again.seen["general"] + 1)
        )


async def test_nothing_missed_means_nothing_sent(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("hello")
        await bob.hears()
        await bob.leave()
        again = await come_back(server, bob)
        assert not durable(again)
        await alice.says("live")
        assert (await again.hears()).content == "live"


@pytest.mark.parametrize("case", ["epoch", "beyond"])
async def test_another_lineage_sends_nothing_and_goes_live(chat, case):
    async with chat(plugins=HISTORY) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for n in range(3):
            await alice.says(f"{n}")
        await bob.hears(content="2")
        head = bob.seen["general"]
        await bob.leave()
        await alice.says("missed")
        bob.seen["general"] = 1 if case == "epoch" else head + 1000
        again = await come_back(server, bob, epoch="e0" if case == "epoch" else None)
        assert again.welcome.epoch == bob.welcome.epoch
        general = next(r for r in again.welcome.rooms if r["name"] == "general")
        assert general["head"] == head + 1
        assert not durable(again)
        await alice.says("live")
        assert (await again.hears()).content == "live"


async def test_too_much_in_a_room_is_a_gap_and_sync_fills_it(chat):
    async with chat(plugins=HISTORY, sizes={"resume_room": 20}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        start = bob.seen.get("general", 0) or (await whole_log(bob))[-1]["seq"]
        bob.seen["general"] = start
        await bob.leave()
        for n in range(20):
            await alice.says(f"{n}")
        exact = await come_back(server, bob)
        assert len(durable(exact)) == 20
        await exact.leave()
        await alice.says("one too many")
        again = await come_back(server, bob)
        gap = await again.hears("gap")
        assert dict(gap) == {"type": "gap", "room": "general", "from": start + 1, "to": start + 21}
        assert not durable(again)
        filled = await whole_log(again, after=start, limit=7)
        assert [e["seq"] for e in filled] == list(range(start + 1, start + 22))
        await alice.says("live")
        assert (await again.hears()).seq == start + 22


async def test_too_much_in_all_gaps_the_rooms_that_no_longer_fit(chat):
    rooms = [{"name": name} for name in ("a", "b", "c")]
    async with chat(plugins=HISTORY, settings={"rooms": rooms}, sizes={"resume_all": 30}) as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        for room in ("a", "b", "c"):
            await alice.join(room)
            bob.seen[room] = (await bob.join(room)).room["head"]
        await bob.leave()
        for room, count in (("a", 20), ("b", 15), ("c", 10)):
            for n in range(count):
                await alice.says(f"{n}", room)
        again = await come_back(server, bob)
        assert len(durable(again, "a")) == 20
        assert len(durable(again, "b")) == 0
        assert len(durable(again, "c")) == 10
        assert [e["room"] for e in again.everything if e["type"] == "gap"] == ["b"]


async def test_sync_shows_every_seq_in_pages(chat):
    async with chat(plugins=["history", "moderation"]) as server:
        alice = (await server.join("general", "alice"))[0]
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        sent = [await alice.says(f"{n}") for n in range(5)]
        await alice.ask("edit", message_id=sent[0].message_id, content="edited")
        await alice.ask("delete", message_id=sent[1].message_id)
        await mod.says("/mute alice 1")
        log = await whole_log(alice, limit=2)
        assert [e["seq"] for e in log] == list(range(1, len(log) + 1))
        assert [e["type"] for e in log] == ["room"] + ["message"] * 5 + ["edited", "deleted", "member"]
        by_id = {e["message_id"]: e for e in log if e["type"] == "message"}
        assert (by_id[sent[0].message_id]["content"], by_id[sent[0].message_id]["rev"]) == ("edited", 2)
        gone = by_id[sent[1].message_id]
        assert (gone["content"], gone["html"], gone["deleted"]) == ("", "", True)
        assert set(log[-2]) == {"type", "room", "seq", "ts", "user", "message_id"}
        page = await alice.ask("sync", room="general", after=10_000)
        assert (page.events, page.more) == ([], False)


async def busy(server, names, stop, rng):
    """People who post, edit and delete until told to stop."""

    async def one(client):
        mine = []
        while not stop.is_set():
            what = rng.random()
            try:
                if what < 0.6 or not mine:
                    mine.append((await client.says(f"{client.name} {len(mine)}")).message_id)
                elif what < 0.85:
                    await client.ask("edit", message_id=rng.choice(mine), content=f"edited {rng.random()}")
                else:
                    await client.ask("delete", message_id=mine.pop(rng.randrange(len(mine))))
            except Refused as refused:
                assert refused.code == "not_found", refused  # noqa: PT017 - an edit of what was deleted

    clients = await server.join("general", *names)
    return [asyncio.ensure_future(one(client)) for client in clients]


@pytest.mark.parametrize("where", ["memory", "file"])
async def test_coming_back_while_all_talk_loses_and_doubles_nothing(chat, on_file, where):
    rng = random.Random(7)
    settings = on_file if where == "file" else {}
    # Small pages: catching up takes several, with the log moving between them. However much is missed is sent.
    sizes = {"resume_page": 50, "resume_room": 100_000, "resume_all": 100_000}
    async with chat(plugins=HISTORY, settings=settings, sizes=sizes) as server:
        stop = asyncio.Event()
        watcher = (await server.join("general", "watcher"))[0]
        for event in await whole_log(watcher):
            watcher.seen["general"] = event["seq"]
        writers = await busy(server, ["w1", "w2", "w3"], stop, rng)
        seen = dict(watcher.seen)
        arrived = []
        for _ in range(12):
            await watcher.leave()
            arrived += durable(watcher)
            assert not [e for e in watcher.everything if e["type"] == "gap"]
            await asyncio.sleep(rng.random() * 0.05)
            watcher.seen = seen
            watcher = await come_back(server, watcher)
            await asyncio.sleep(rng.random() * 0.03)
            # A client that only ever counts on what it got, in order.
            seen = {"general": max([seen["general"], *(e["seq"] for e in durable(watcher))])}
        stop.set()
        await asyncio.gather(*writers)
        await watcher.ask("ping")
        arrived += durable(watcher)
        assert not [e for e in watcher.everything if e["type"] == "gap"]
        replica, fresh = Replica(), Replica()
        log = await whole_log(watcher)
        for event in log:
            fresh.apply(event)
        replica.apply(log[0])
        for event in arrived:
            replica.apply(event)
        assert replica.last == fresh.last
        assert replica.messages == fresh.messages
        assert len(fresh.messages) > 50


async def test_each_connection_gets_each_event_once(chat):
    """Within one connection there is no double either, though replay and live meet under load."""
    async with chat(plugins=HISTORY) as server:
        bob = (await server.join("general", "bob"))[0]
        bob.seen["general"] = (await whole_log(bob))[-1]["seq"]
        await bob.leave()
        stop = asyncio.Event()
        writers = await busy(server, ["w1", "w2"], stop, random.Random(1))
        for _ in range(5):
            again = await come_back(server, bob)
            await again.hears(type="message")
            await again.leave()
            seqs = [e["seq"] for e in durable(again)]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            assert seqs[0] == bob.seen["general"] + 1
        stop.set()
        await asyncio.gather(*writers)


async def test_resume_over_a_restart(chat, on_file):
    async with chat(plugins=HISTORY, settings=on_file) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("one")
        await bob.hears()
        await bob.leave()
        await alice.says("two")
        await server.restart()
        again = await come_back(server, bob)
        assert again.welcome.epoch == bob.welcome.epoch
        assert again.id == bob.id
        assert [e["content"] for e in durable(again)] == ["two"]


async def test_without_history_resume_still_works(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("seen")
        await bob.hears()
        await bob.leave()
        await alice.says("missed")
        again = await come_back(server, bob)
        assert [e["content"] for e in durable(again)] == ["missed"]


async def test_a_cursor_from_before_ones_own_joining_shows_nothing_older(chat):
    async with chat() as server:
        alice = (await server.join("general", "alice"))[0]
        await alice.says("secret")
        bob = await server.client("bob")
        head = (await bob.join("general")).room["head"]
        await bob.leave()
        await alice.says("public")
        bob.seen["general"] = 0
        again = await come_back(server, bob)
        assert (await again.hears("gap"))["from"] == 1
        events = await whole_log(again)
        assert [e["seq"] for e in events] == [head + 1]


@pytest.fixture
def halfway(monkeypatch):
    """Holds catching up after its first page: ``reached`` is set then, and it goes on when ``go`` is set."""
    drained = Connection.drained

    class Halfway:
        reached = asyncio.Event()
        go = asyncio.Event()

    async def held(self):
        await drained(self)
        if not Halfway.go.is_set():
            Halfway.reached.set()
            await Halfway.go.wait()

    monkeypatch.setattr(Connection, "drained", held)
    return Halfway


async def test_a_user_removed_while_catching_up_gets_nothing_more(chat, halfway):
    async with chat(plugins=["moderation"], sizes={"resume_page": 1}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        bob.seen["general"] = 1
        await bob.leave()
        for n in range(10):
            await alice.says(f"{n}")
        back = await server.connect()
        resume = {"epoch": bob.welcome.epoch, "rooms": bob.seen}
        coming = asyncio.ensure_future(back.hello(token=bob.token, resume=resume))
        await halfway.reached.wait()
        await mod.says("/kick bob")
        await alice.says("after the kick")
        halfway.go.set()
        await coming
        await back.ask("ping")
        assert "kicked" in [e["type"] for e in back.everything]
        assert [e["content"] for e in durable(back)] == ["0"]


async def test_a_resume_that_fails_leaves_no_session(chat, monkeypatch, eventually):
    async with chat(plugins=HISTORY) as server:
        alice, bob = await server.join("general", "alice", "bob")
        bob.seen["general"] = 1
        await bob.leave()
        await alice.says("missed")
        await eventually(lambda: server.services.presence.online() == 1)

        def broken(*args, **kwargs):
            raise OSError("the disk is gone")

        monkeypatch.setattr(opening.reading, "events_after", broken)
        back = await server.connect()
        await back.send({"type": "hello", "token": bob.token,
                         "resume": {"epoch": bob.welcome.epoch, "rooms": bob.seen}})  # fmt: skip
        assert await back.closed() == 4000
        await eventually(lambda: server.services.presence.online() == 1)
        assert len(list(server.services.hub.subscribers("general"))) == 1


async def test_a_resume_that_takes_its_time_is_not_taken_for_silence(chat, halfway, eventually):
    async with chat(plugins=HISTORY, timeouts={"hello": 0.3}, sizes={"resume_page": 1}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        bob.seen["general"] = 1
        await bob.leave()
        await alice.says("missed")
        back = await server.connect()
        resume = {"epoch": bob.welcome.epoch, "rooms": bob.seen}
        coming = asyncio.ensure_future(back.hello(token=bob.token, resume=resume))
        await halfway.reached.wait()
        reached = time.monotonic()
        await eventually(lambda: time.monotonic() > reached + 0.3)
        server.server.context.keepalive.tick()
        halfway.go.set()
        await coming
        assert await back.ask("ping")
