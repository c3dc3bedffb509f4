"""Messages to a user rather than to a room."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused


async def test_the_first_message_makes_the_room_and_both_hear_of_it_first(chat):
    async with chat() as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        sent = await alice.says("psst", to="bob", nonce="n")
        assert sent.room == "dm:" + "+".join(sorted((alice.id, bob.id)))
        for client, other in ((alice, bob), (bob, alice)):
            message = await client.hears()
            assert (message.content, message.room, message.user["id"]) == ("psst", sent.room, alice.id)
            durable = [e for e in client.everything if e["type"] in ("rooms", "room", "message")]
            assert [e["type"] for e in durable] == ["rooms", "room", "message"]
            (room,) = durable[0]["rooms"]
            assert (room["name"], room["kind"], room["joined"]) == (sent.room, "direct", True)
            assert room["with"]["id"] == other.id
            assert [e["seq"] for e in durable[1:]] == [1, 2]
        again = await alice.says("psst", to=bob.id, nonce="n")
        assert (again.seq, again.dup) == (sent.seq, True)
        await bob.says("what?", sent.room)
        assert (await alice.hears()).content == "what?"
        await bob.says("tell me", to="alice")
        assert (await alice.hears()).seq == 4


async def test_a_user_who_is_away_finds_it_when_they_come_back(chat, on_file):
    async with chat(settings=on_file) as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        await bob.leave()
        sent = await alice.says("later", to=bob.id)
        await alice.says("and more", to=bob.id)
        await server.restart()
        bob = await server.client(token=bob.token)
        room = bob.welcome.rooms[0]
        assert (room["name"], room["unread"], room["head"]) == (sent.room, 2, 3)
        assert room["with"]["id"] == alice.id
        log = (await bob.ask("sync", room=sent.room, after=0)).events
        assert [e.get("content") for e in log] == [None, "later", "and more"]


async def test_both_write_first_at_once(chat):
    async with chat() as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        one, other = await asyncio.gather(alice.says("a", to="bob"), bob.says("b", to="alice"))
        assert one.room == other.room
        assert {one.seq, other.seq} == {2, 3}
        for client in (alice, bob):
            heard = [await client.hears(), await client.hears()]
            assert [e.seq for e in heard] == [2, 3]


async def test_many_first_messages_on_one_connection_keep_their_order(chat):
    async with chat() as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        for n in range(20):
            await alice.send({"type": "message", "id": f"{n}", "to": "bob", "content": f"{n}"})
        heard = [(await bob.hears()).content for _ in range(20)]
        assert heard == [f"{n}" for n in range(20)]


async def test_a_direct_room_is_for_two(chat):
    async with chat(plugins=["basics", "history"]) as server:
        alice, _, eve = [await server.client(name) for name in ("alice", "bob", "eve")]
        sent = await alice.says("psst", to="bob")
        for request in ({"type": "join"}, {"type": "sync", "after": 0}, {"type": "message", "content": "x"},
                        {"type": "members"}, {"type": "history"}, {"type": "leave"}):  # fmt: skip
            with pytest.raises(Refused) as caught:
                await eve.ask(**request, room=sent.room)
            assert caught.value.code == "not_found"
        assert sent.room not in [r["name"] for r in (await eve.ask("rooms")).rooms]
        for work in (alice.ask("leave", room=sent.room), alice.says("/topic x", sent.room)):
            with pytest.raises(Refused) as caught:
                await work
            assert caught.value.code == "forbidden"
        assert not await eve.heard()


async def test_the_user_that_stands_for_the_server_can_not_be_invited(chat):
    async with chat() as server:
        await server.join("general", "alice")
        member = await server.account("mia")
        await member.join("general")
        status, answer = await server.api(
            "POST", "rooms/general/members", {"user": "system"}, token=member.token
        )
        assert (status, answer.error["code"], answer.error["field"]) == (400, "invalid", "user")


async def test_a_first_message_that_is_refused_makes_no_room(chat):
    async with chat(settings={"limits": {"content_chars": 10}}) as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        for content, code in (("x" * 11, "too_large"), ("", "invalid"), (" ", "invalid")):
            with pytest.raises(Refused) as caught:
                await alice.says(content, to="bob")
            assert caught.value.code == code
        assert not await bob.heard("rooms")
        assert not [r for r in (await alice.ask("rooms")).rooms if r["kind"] == "direct"]
