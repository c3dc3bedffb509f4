"""Being added to rooms by whom a user wants, with their word where they want that; and hidden conversations."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused


async def refused(work) -> str:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.code


async def add(server, by, room, user):
    status, answer = await server.api("POST", f"rooms/{room}/members", {"user": user}, token=by.token)
    return status, answer.get("asked", False)


async def rooms_of(client) -> set[str]:
    return {room["name"] for room in (await client.ask("rooms")).rooms if room["joined"]}


async def test_a_user_is_asked_before_they_are_added(chat, on_file):
    async with chat(plugins=["basics"], settings=on_file) as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        device = await server.client(token=ann.token)
        for name in ("tea", "cake"):
            room = {"name": name, "kind": "private", "title": name.title()}
            assert (await server.api("POST", "rooms", room, token=bob.token))[0] == 201
        assert (await ann.ask("profile", added_by="ask")).user["added_by"] == "ask"
        assert "added_by" not in (await bob.ask("profile", user="ann")).user
        assert await add(server, bob, "tea", "ann") == (202, True)
        await bob.says("/invite ann cake", "tea")
        assert (await bob.hears("notice")).text == "ann was asked to come to #cake."
        for own in (ann, device):
            asked = await own.hears("invited")
            assert (asked.room["name"], asked.room["title"], asked.by["id"]) == ("tea", "Tea", bob.id)
        assert await rooms_of(ann) == set()
        # They wait over a restart.
        await server.restart()
        ann, bob = await server.client(token=ann.token), await server.client(token=bob.token)
        found = (await ann.ask("invitations")).invitations
        assert {each["room"]["name"] for each in found} == {"tea", "cake"}
        await ann.ask("invitation", room="tea", accept=True)
        assert (await ann.hears("invitation_gone")).room == "tea"
        assert await rooms_of(ann) == {"tea"}
        (added,) = [e for e in (await bob.ask("sync", room="tea", after=0)).events if e["type"] == "member"]
        assert (added["action"], added["user"]["id"], added["target"]["id"]) == ("added", bob.id, ann.id)
        assert (await server.api("POST", "invitations/cake", {"accept": False}, token=ann.token))[0] == 200
        assert (await ann.ask("invitations")).invitations == []
        assert await rooms_of(ann) == {"tea"}
        for room in ("cake", "tea", "nowhere"):
            assert await refused(ann.ask("invitation", room=room, accept=True)) == "not_found"
        # The one who asked has left meanwhile: no one could add them now.
        await add(server, bob, "cake", "ann")
        await bob.ask("leave", room="cake")
        assert await refused(ann.ask("invitation", room="cake", accept=True)) == "not_found"


async def test_who_may_add_a_user(chat):
    async with chat(settings={"rooms": [{"name": "general"}, {"name": "tea"}]}) as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        await bob.join("tea")
        await ann.ask("profile", added_by="none")
        assert await add(server, bob, "tea", "ann") == (403, False)
        await ann.ask("profile", added_by="shared")
        assert await add(server, bob, "tea", "ann") == (403, False)
        for client in (ann, bob):
            await client.join("general")
        assert await add(server, bob, "tea", "ann") == (201, False)
        assert await rooms_of(ann) == {"general", "tea"}
        assert await refused(ann.ask("profile", added_by="friends")) == "invalid"


async def test_a_hidden_conversation_comes_back_with_a_message(chat, on_file):
    async with chat(settings=on_file) as server:
        ann, bob = await server.account("ann"), await server.account("bob")
        device = await server.client(token=ann.token)
        room = (await ann.says("hello", to="bob")).room

        async def hidden(client) -> bool:
            (direct,) = [each for each in (await client.ask("rooms")).rooms if each["name"] == room]
            return direct.get("hidden", False)

        await ann.ask("hide", room=room)
        for own in (ann, device):
            assert (await own.hears("hidden")).on is True
        assert [await hidden(ann), await hidden(bob)] == [True, False]
        await server.restart()
        ann, bob = await server.client(token=ann.token), await server.client(token=bob.token)
        assert await hidden(ann)
        await ann.ask("hide", room=room, on=False)
        assert not await hidden(ann)
        await ann.ask("hide", room=room)
        await bob.says("are you there?", room)
        assert not await hidden(ann)
        await ann.join("general")
        assert await refused(ann.ask("hide", room="general")) == "invalid"
        carl = await server.account("carl")
        assert await refused(carl.ask("hide", room=room)) == "not_found"
