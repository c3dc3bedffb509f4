"""Who is here: tabs, reloads, the invisible, large rooms; who writes just now."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.delivery.presence import Presence
from chatserver.model.values import User
from chatserver.testing import Refused


async def test_a_second_tab_is_not_a_second_person(chat, eventually):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        tab = await server.client(token=bob.token)
        assert not await alice.heard("joined")
        _, stats = await server.api("GET", "stats")
        assert (stats.users_online, stats.connections) == (2, 3)
        await tab.leave()
        await alice.ask("ping")
        assert not await alice.heard("left")
        await bob.leave()
        left = await alice.hears("left")
        assert dict(left) == {"type": "left", "room": "general", "user": left.user}
        assert left.user == {"id": bob.id, "name": "bob", "display_name": "bob", "guest": True}


async def test_a_reload_is_neither_a_leave_nor_a_join(chat, eventually):
    async with chat(timeouts={"presence_grace": 0.3}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.leave()
        bob = await server.client(token=bob.token)
        assert not await alice.heard("left")
        assert not await alice.heard("joined")
        await bob.leave()
        await alice.hears("left")
        again = await server.client(token=bob.token)
        assert (await alice.hears("joined")).user["id"] == again.id


async def test_what_others_see_of_a_state(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        for status in ("away", "busy", "online"):
            await bob.ask("presence", status=status, text="lunch")
            event = await alice.hears("presence")
            assert (event.user["id"], event.status, event.text) == (bob.id, status, "lunch")
        await bob.ask("presence", status="online", text="lunch")
        assert not await alice.heard("presence")
        await bob.ask("presence", status="away")
        with pytest.raises(Refused) as caught:
            await bob.ask("presence", status="away")
        assert caught.value.code == "rate_limited"


async def test_the_invisible_come_and_go_unseen(chat, eventually):
    async with chat(timeouts={"presence_grace": 0.05}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.ask("presence", status="invisible")
        assert (await alice.hears("left")).user["id"] == bob.id
        listed = (await alice.ask("members", room="general")).members
        assert bob.id not in [m["user"]["id"] for m in listed]
        tab = await server.client(token=bob.token)
        await bob.leave()
        await tab.leave()
        await eventually(lambda: server.services.presence.online() == 1)
        assert not await alice.heard("left")
        assert not await alice.heard("joined")


async def test_large_rooms_are_not_told_who_comes_and_goes(chat, eventually):
    async with chat(settings={"limits": {"presence_members": 2}}) as server:
        alice, bob, carl = await server.join("general", "alice", "bob", "carl")
        for client in (alice, bob, carl):
            await client.heard("joined")
        await carl.ask("presence", status="away")
        await carl.leave()
        await eventually(lambda: server.services.presence.online() == 2)
        dora = await server.client("dora")
        await dora.join("general")
        for type in ("joined", "left", "presence"):
            assert not await alice.heard(type), type
        # What is said is told to all, however many they are.
        await dora.says("hello")
        assert (await alice.hears()).content == "hello"
        assert (await alice.ask("members", room="general")).count == 3


async def test_a_new_name_is_told(chat):
    async with chat(plugins=["basics"], settings={"limits": {"presence_members": 1}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.says("/nick robert")
        event = await alice.hears("renamed")
        assert (event.user["name"], event.user["id"], event.old) == ("robert", bob.id, "bob")
        await bob.says("it is me")
        assert (await alice.hears()).user["name"] == "robert"
        members = (await alice.ask("members", room="general")).members
        assert {m["user"]["name"] for m in members} == {"alice", "robert"}


async def test_after_a_restart_coming_going_and_writing_are_told_as_before(chat, on_file):
    async with chat(settings=on_file) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await server.restart()
        alice = await server.client(token=alice.token)
        bob = await server.client(token=bob.token)
        assert (
            await alice.hears(
                "joined", user={"id": bob.id, "name": "bob", "display_name": "bob", "guest": True}
            )
        ).room
        # There was no message since the start.
        await bob.ask("typing", room="general", on=True)
        assert (await alice.hears("typing")).on is True
        await bob.leave()
        assert (await alice.hears("left")).user["id"] == bob.id


async def test_typing_is_told_and_bounded(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.ask("typing", room="general", on=True)
        await bob.ask("typing", room="general", on=False)
        first, second = await alice.hears("typing"), await alice.hears("typing")
        assert (first.on, second.on, first.user["id"], first.room) == (True, False, bob.id, "general")
        assert "seq" not in first
        for _ in range(50):
            await bob.ask("typing", room="general", on=True)
        assert len(await alice.heard("typing")) <= 12
        carl = await server.client("carl")
        for room, code in (("general", "not_member"), ("nowhere", "not_found")):
            with pytest.raises(Refused) as caught:
                await carl.ask("typing", room=room, on=True)
            assert caught.value.code == code


def test_the_table_of_who_is_here_in_every_order(io_loop):
    """Tabs that come and go in any order: gone is told once, after the last of them."""
    gone = []

    async def play():
        presence = Presence(lambda user, rooms: gone.append((user.id, sorted(rooms))), grace=0.0)
        user = User("u1", "alice", "alice")
        assert [presence.connected(user), presence.connected(user)] == [True, False]
        assert [presence.enter(user, "a"), presence.enter(user, "a"), presence.enter(user, "b")] == [
            True,
            False,
            True,
        ]
        assert presence.exit(user, "b")
        assert not presence.exit(user, "b")
        presence.disconnected(user)
        await asyncio.sleep(0)
        assert presence.is_here("u1")
        presence.disconnected(user)
        presence.disconnected(User("u2", "nobody", "nobody"))
        assert presence.connected(user) is False  # within the grace
        presence.disconnected(user)
        while presence.online():  # noqa: ASYNC110
            await asyncio.sleep(0)
        presence.stop()

    io_loop.run_sync(play)
    assert gone == [("u1", ["a"])]
