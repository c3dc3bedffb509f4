"""What an invisible user does while others must take them for away is told to no other user."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.delivery.presence import KEPT, Presence
from chatserver.model.values import User

TOLD = ("joined", "left", "presence", "renamed", "typing")


async def noticed(client) -> list[dict]:
    """What the client was told of comings and goings since it was asked last."""
    return [event for type in TOLD for event in await client.heard(type)]


async def stats(server):
    """The server's figures, not those of a second ago."""
    return await server.server.context.info._stats()


async def test_going_invisible_looks_like_leaving_and_coming_back_like_joining(chat):
    async with chat() as server:
        alice, bob, carl = await server.join("general", "alice", "bob", "carl")
        await carl.leave()
        left = await alice.hears("left")
        await bob.ask("presence", status="invisible", text="hiding")
        hidden = await alice.hears("left")
        assert {**hidden, "user": None} == {**left, "user": None}
        assert hidden.user["id"] == bob.id
        assert not await noticed(alice)
        # The user's own windows know.
        own = await bob.hears("presence")
        assert (own.user["id"], own.status, own.text) == (bob.id, "invisible", "hiding")
        await bob.ask("presence", status="busy", text="back")
        joined = await alice.hears("joined")
        assert (joined.user["id"], joined.status, joined.text) == (bob.id, "busy", "back")
        assert not await noticed(alice)


async def test_what_the_invisible_do_is_not_told(chat):
    rooms = [{"name": "general"}, {"name": "tea"}]
    async with chat(plugins=["basics", "moderation"], settings={"rooms": rooms}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.join("tea")
        await bob.ask("presence", status="invisible")
        await noticed(alice)
        await bob.ask("typing", room="general", on=True)
        await bob.ask("typing", room="general", on=False)
        await bob.ask("read", room="general", seq=1)
        await bob.join("tea")
        await bob.ask("leave", room="tea")
        await bob.ask("presence", status="invisible", text="still")
        await bob.says("/nick rob", room="general")
        assert (await bob.hears("renamed")).user["name"] == "rob"
        await alice.says("/who", room="general")
        assert (await alice.hears("notice")).text == "1 here: alice"
        await bob.ask("leave", room="general")
        assert not await noticed(alice)
        # A kick is told as one, and not as a leaving.
        await bob.join("general")
        mona = await server.account("mona", "moderator")
        await mona.join("general")
        await mona.says("/kick rob", room="general")
        assert (await alice.hears("member", action="kicked")).target["id"] == bob.id
        assert [e["user"]["id"] for e in await noticed(alice)] == [mona.id]


async def test_the_invisible_are_not_counted(chat):
    async with chat() as server:
        await server.join("general", "alice", "bob")
        bob = await server.client("carl")
        before = await stats(server)
        assert (before["users_online"], before["connections"]) == (3, 3)
        await server.client(token=bob.token)
        await bob.ask("presence", status="invisible")
        after = await stats(server)
        assert (after["users_online"], after["connections"]) == (2, 2)


@pytest.mark.parametrize("restart", [False, True])
async def test_who_left_invisible_comes_back_invisible(chat, on_file, eventually, restart):
    async with chat(settings=on_file, plugins=["basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.ask("presence", status="invisible")
        await noticed(alice)
        fields = {}
        if restart:
            # The server has forgotten; a client that cares says it.
            await server.restart()
            alice = await server.client(token=alice.token)
            await noticed(alice)
            fields = {"status": "invisible"}
        else:
            await bob.leave()
            await eventually(lambda: not server.services.presence.is_here(bob.id))
        bob = await server.client(token=bob.token, **fields)
        await alice.says("/who", room="general")
        assert (await alice.hears("notice")).text == "1 here: alice"
        assert not await noticed(alice)
        await bob.leave()
        assert not await noticed(alice)
        await eventually(lambda: not server.services.presence.is_here(bob.id))
        bob = await server.client(token=bob.token, status="online")
        assert (await alice.hears("joined")).user["id"] == bob.id
        # Once online, another hello changes nothing.
        await server.client(token=bob.token, status="invisible")
        assert not await noticed(alice)


QUIET = """
from chatserver import Plugin, hookimpl


class Quiet(Plugin):
    @hookimpl
    def may(self, permission):
        return permission != "user.status"
"""


async def test_a_state_at_hello_needs_the_permission(chat, tmp_path):
    (tmp_path / "quiet.py").write_text(QUIET)
    async with chat(plugins=["quiet"], dirs=[tmp_path]) as server:
        (alice,) = await server.join("general", "alice")
        bob = await server.client("bob", status="away")
        await bob.join("general")
        assert (await alice.hears("joined")).status == "online"


def test_how_many_are_remembered_as_invisible_has_a_limit(io_loop):
    async def play():
        presence = Presence(lambda user, rooms: None, grace=0.0)
        users = [User(f"u{n}", "x", "x") for n in range(KEPT + 1)]
        for user in users:
            presence.connected(user)
            presence.set_status(user, "invisible")
            presence.disconnected(user)
        while presence.online():  # noqa: ASYNC110
            await asyncio.sleep(0)
        seen = []
        for user in (users[0], users[1], users[-1]):
            presence.connected(user)
            seen.append(presence.status(user.id)[0])
        assert seen == ["online", "offline", "offline"]
        presence.stop()

    io_loop.run_sync(play)
