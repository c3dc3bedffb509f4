"""A client that reads too slowly is closed and resumes without loss; no other client notices."""

from __future__ import annotations

import asyncio
import json

import pytest

pytestmark = [pytest.mark.transport, pytest.mark.sending]

LIMIT = 65_536
SETTINGS = {"limits": {"send_buffer_bytes": LIMIT}}
TEXT = "x" * 4000


def connection_of(server, name):
    user = next(
        m.user for m in server.services.rooms.loaded("general").members.values() if m.user.name == name
    )
    (session,) = server.services.after_commit.sessions.of(user.id)
    return session.connection


async def slow(server, socket, name="sleepy", **hello):
    """A user in the room who stops reading here."""
    await socket.upgrade()
    await socket.say(type="hello", name=name, **hello)
    welcome = await socket.until("welcome")
    await socket.until("live")
    await socket.say(type="join", id="join", room="general")
    reply = await socket.until("ok")
    return welcome, reply["room"]["head"]


async def test_a_slow_reader_gets_4013_and_resumes_without_loss(chat, raw, quiet, eventually):
    async with (
        chat(settings=SETTINGS, plugins=["history"]) as server,
        raw(server, receive_buffer=4096) as socket,
    ):
        alice, bob = await server.join("general", "alice", "bob")
        welcome, head = await slow(server, socket)
        sent = 0
        # What the kernel takes is not known; at some point the buffer is full.
        while len(server.server.context.keepalive) == 3:
            await alice.says(f"{sent} {TEXT}")
            sent += 1
            assert sent < 5000
        heard = await bob.heard()
        assert [e["content"].split()[0] for e in heard] == [f"{n}" for n in range(sent)]
        events, code = await socket.to_the_end()
        assert code == 4013
        got = [e["seq"] for e in events if e["type"] == "message"]
        assert got == list(range(head + 1, head + 1 + len(got)))
        assert len(got) < sent
        await alice.says("last")
        again = await server.client(
            token=welcome["token"], resume={"epoch": welcome["epoch"], "rooms": {"general": got[-1]}}
        )
        missed = [e for e in again.everything if e["type"] == "message"]
        assert [e["seq"] for e in missed] == list(range(got[-1] + 1, head + sent + 2))
        assert missed[-1]["content"] == "last"


async def test_past_half_of_the_buffer_only_what_lasts_is_sent(chat, raw, quiet):
    async with chat(settings=SETTINGS) as server, raw(server, receive_buffer=4096) as socket:
        alice, bob = await server.join("general", "alice", "bob")
        await slow(server, socket)
        connection = connection_of(server, "sleepy")
        while connection._transport.buffered < LIMIT * 0.6:
            await alice.says(TEXT)
        await alice.ask("typing", room="general", on=True)
        await bob.hears("typing")
        await alice.says("the last one")
        await socket.say(type="ping", id="end")
        seen = []
        while not (seen and seen[-1].get("re") == "end"):
            opcode, payload = await socket.read_frame()
            assert opcode == 1
            seen.append(json.loads(payload))
        assert [e["content"] for e in seen if e["type"] == "message"][-1] == "the last one"
        assert not [e for e in seen if e["type"] == "typing"]


async def test_who_asks_without_reading_is_not_read_any_more(chat, raw, eventually):
    """Otherwise a few requests a second could fill the server's memory with answers."""
    async with (
        chat(settings=SETTINGS, plugins=["history"]) as server,
        raw(server, receive_buffer=4096) as socket,
    ):
        alice = (await server.join("general", "alice"))[0]
        for _ in range(100):
            await alice.says(TEXT)
        await slow(server, socket)
        connection = connection_of(server, "sleepy")
        for n in range(60):
            await socket.say(type="sync", id=f"s{n}", room="general", after=0, limit=500)
        page = len(json.dumps((await alice.ask("sync", room="general", after=0, limit=500)).events))
        await eventually(lambda: connection._transport.buffered > LIMIT)
        for _ in range(20):
            await alice.ask("ping")
        assert connection._transport.buffered < 3 * page
        # Its own answers don't make it a slow reader.
        await alice.says("live")
        for n in range(60):
            reply = await socket.until("ok")
            assert reply["re"] == f"s{n}"
        assert not connection.closed


async def test_a_long_replay_is_paced_and_closes_no_connection(chat, raw, eventually):
    async with chat(settings=SETTINGS, plugins=["history"]) as server:
        alice = (await server.join("general", "alice"))[0]
        bob = await server.client("bob")
        head = (await bob.join("general")).room["head"]
        await bob.ask("join", room="general")
        await bob.leave()
        # More than the kernel takes.
        for n in range(450):
            await alice.says(f"{n} {TEXT}{TEXT}"[:8000])
        async with raw(server, receive_buffer=4096) as socket:
            await socket.upgrade()
            resume = {"epoch": bob.welcome.epoch, "rooms": {"general": head}}
            await socket.say(type="hello", token=bob.token, resume=resume)
            await socket.until("welcome")
            for _ in range(50):
                await alice.ask("ping")
            (session,) = server.services.after_commit.sessions.of(bob.id)
            assert 0 < session.connection._transport.buffered < 3 * LIMIT
            # What comes for the person rather than the room comes meanwhile.
            for n in range(20):
                await alice.says(f"@bob {n}")
            events = []
            while not (events and events[-1].get("content") == "@bob 19"):
                opcode, payload = await socket.read_frame()
                assert opcode == 1, payload
                events.append(json.loads(payload))
            seqs = [e["seq"] for e in events if e["type"] == "message"]
            assert seqs == list(range(head + 1, head + 471))
            assert len([e for e in events if e["type"] == "mention"]) == 20


async def test_posting_on_and_on_without_reading_stops_being_read(chat, raw, eventually):
    async with chat(settings=SETTINGS) as server, raw(server, receive_buffer=4096) as socket:
        bob = (await server.join("general", "bob"))[0]
        await slow(server, socket)

        async def flood():
            n = 0
            while True:
                await socket.say(type="message", id=f"m{n}", room="general", content=TEXT)
                n += 1

        flooding = asyncio.ensure_future(flood())
        await eventually(lambda: len(server.server.context.keepalive) == 1)
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        assert await bob.ask("ping")
