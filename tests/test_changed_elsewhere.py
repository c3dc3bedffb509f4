"""What another program changes of a room in the database counts from the next message on."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused

pytestmark = pytest.mark.storage


@pytest.fixture
def change(elsewhere):
    """Changes the room ``general`` as another server would, with its version."""
    moved = "UPDATE room SET version = version + 1 WHERE name = 'general'"
    return lambda server, statement: elsewhere(server.server.settings, statement, moved)


REMOVE_ALICE = """DELETE FROM member WHERE user_id = (SELECT id FROM "user" WHERE name = 'alice')"""
MUTE_ALICE = """INSERT INTO sanction SELECT 1, id, 'mute', id, '', 0 FROM "user" WHERE name = 'alice'"""
ARCHIVE = r"""UPDATE room SET settings = replace(settings, '"archived"\:false', '"archived"\:true')"""


@pytest.mark.parametrize(
    ("statement", "code"),
    [(REMOVE_ALICE, "not_member"), (MUTE_ALICE, "muted"), (ARCHIVE, "forbidden")],
    ids=["removed", "muted", "archived"],
)
async def test_a_message_is_checked_against_what_was_changed(chat, on_file, change, statement, code):
    async with chat(settings=on_file) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("before")
        change(server, statement)
        with pytest.raises(Refused) as refused:
            await alice.says("after")
        assert refused.value.code == code
        heard = [event["content"] for event in await bob.heard()]
        assert heard == ["before"]


async def test_nothing_is_lost_and_nothing_changes_places(chat, on_file, change):
    async with chat(settings=on_file) as server:
        alice, bob = await server.join("general", "alice", "bob")
        change(server, "UPDATE member SET role = 'owner'")
        await asyncio.gather(*(client.says(f"{n}") for n in range(20) for client in (alice, bob)))
        events = (await bob.ask("sync", room="general", after=0))["events"]
        assert [event["seq"] for event in events] == list(range(2, len(events) + 2))
        for client in (alice, bob):
            said = [e["content"] for e in events if e["user"]["id"] == client.id and e["type"] == "message"]
            assert said == [f"{n}" for n in range(20)]
        assert server.services.rooms.loaded("general").members[alice.id].role == "owner"


async def test_a_change_is_checked_too_and_made_once(chat, on_file, change):
    async with chat(plugins=["basics", "moderation"], settings=on_file) as server:
        mod = await server.account("mod", "moderator")
        alice, bob = await server.join("general", "alice", "bob")
        await mod.join("general")
        change(server, MUTE_ALICE)
        await mod.says("/kick bob", "general")
        assert (await alice.hears("member", action="kicked")).target["name"] == "bob"
        await bob.hears("kicked")
        assert alice.id in server.services.rooms.loaded("general").mutes
        assert [e for e in await alice.heard("member") if e["action"] == "kicked"] == []
