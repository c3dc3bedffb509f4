"""Pins: what is pinned, by whom, and that it goes with its message."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused

pytestmark = pytest.mark.storage


async def pinned(client, room="general"):
    return [each["content"] for each in (await client.ask("pins", room=room)).messages]


async def refused(client, type, **fields):
    with pytest.raises(Refused) as refusal:
        await client.ask(type, **fields)
    return refusal.value.code, refusal.value.field


async def test_members_pin_and_everybody_sees_it(chat):
    async with chat(plugins=["pins", "history"]) as server:
        alice = await server.account("alice", "member")
        bob = await server.client("bob")
        for client in (alice, bob):
            await client.join("general")
        ids = [(await bob.says(text)).message_id for text in ("one", "two", "three")]
        for id in (ids[2], ids[0]):
            seq = (await alice.ask("pin", message_id=id)).seq
            heard = await bob.hears("pinned")
            assert (heard.seq, heard.message_id, heard.on) == (seq, id, True)
            assert (heard.pinned, heard.pinned_by) == (True, {"id": alice.id, "name": "alice"})
        assert "seq" not in await alice.ask("pin", message_id=ids[0])
        # The last one pinned comes first.
        assert await pinned(bob) == ["one", "three"]
        assert (await bob.ask("pins:ids", room="general")).message_ids == [ids[0], ids[2]]
        await bob.ask("edit", message_id=ids[2], content="three!")
        assert await pinned(bob) == ["one", "three!"]
        await bob.says("/pins")
        assert (await bob.hears("notice")).text == "bob: one\nbob: three!"
        await bob.ask("delete", message_id=ids[0])
        assert await pinned(bob) == ["three!"]
        await alice.ask("pin", message_id=ids[2], on=False)
        assert (await bob.hears("pinned", on=False)).pinned_by is None
        assert await pinned(bob) == []


async def test_what_may_not_be_pinned_is_refused(chat):
    rooms = [{"name": "general"}, {"name": "cellar", "kind": "private"}]
    async with chat(plugins={"pins": {"most": 2}, "history": {}}, settings={"rooms": rooms}) as server:
        root, guest = await server.account("root", "admin"), await server.client("guest")
        for client in (root, guest):
            await client.join("general")
        await root.join("cellar")
        ids = [(await root.says(text, "general")).message_id for text in ("one", "two", "three")]
        hidden = (await root.says("hidden", "cellar")).message_id
        assert await refused(guest, "pin", message_id=ids[0]) == ("forbidden", None)
        assert await refused(guest, "pin", message_id=hidden) == ("not_found", "message_id")
        assert await refused(guest, "pins", room="cellar") == ("not_found", "room")
        assert await refused(guest, "pins:ids", room="cellar") == ("not_found", "room")
        assert await refused(guest, "pins", room="nowhere") == ("not_found", "room")
        assert await refused(root, "pin", message_id="m0z0") == ("not_found", "message_id")
        assert await refused(root, "pin", message_id=ids[0], on="yes") == ("invalid", "on")
        for id in ids[:2]:
            await root.ask("pin", message_id=id)
        assert await refused(root, "pin", message_id=ids[2]) == ("invalid", "message_id")
        await root.ask("pin", message_id=ids[0], on=False)
        await root.ask("pin", message_id=ids[2])
        assert await pinned(guest) == ["three", "two"]


async def test_two_at_once_make_one_pin(chat):
    async with chat(plugins=["pins", "history"]) as server:
        alice, bob = await server.account("alice", "member"), await server.account("bob", "member")
        for client in (alice, bob):
            await client.join("general")
        id = (await bob.says("one")).message_id
        replies = await asyncio.gather(*(client.ask("pin", message_id=id) for client in (alice, bob)))
        assert len([each for each in replies if "seq" in each]) == 1
        assert await pinned(bob) == ["one"]
