"""What roles may do in one room in particular."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused

PLUGINS = ["basics", "history", "moderation"]


async def code(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


async def den(server):
    olga, mia = await server.account("olga", "member"), await server.account("mia", "member")
    mona, gus = await server.account("mona", "moderator"), await server.client("gus")
    assert (await server.api("POST", "rooms", {"name": "den"}, token=olga.token))[0] == 201
    for each in (olga, mia, mona, gus):
        await each.join("den")
    return olga, mia, mona, gus


async def permit(client, **permissions):
    await client.ask("set_room", room="den", permissions=permissions)


async def test_a_room_denies_and_allows(chat):
    async with chat(plugins=PLUGINS) as server:
        olga, mia, mona, gus = await den(server)
        await permit(
            olga,
            guest={"deny": ["message.post"]},
            member={"deny": ["message.post"], "allow": ["room.change"]},
        )
        changed = await mia.hears("room", action="changed")
        assert changed.permissions["guest"] == {"deny": ["message.post"]}
        for each in (mia, gus):
            assert await code(each.says("x", "den")) == "forbidden"
        # Who runs the room is not concerned, and a higher role has answers of its own.
        await olga.says("x", "den")
        await mona.says("x", "den")
        await mia.ask("set_room", room="den", title="Mia's")
        # Elsewhere it is as before.
        await gus.join("general")
        await gus.says("x", "general")
        assert await code(mia.ask("set_room", room="general", title="x")) in ("not_member", "forbidden")
        # What is both allowed and denied is denied.
        await permit(olga, guest={"allow": ["message.post"], "deny": ["message.post"]})
        assert await code(gus.says("x", "den")) == "forbidden"
        await permit(olga)
        await gus.says("x", "den")


async def test_reading_the_past_can_be_denied(chat):
    async with chat(plugins=PLUGINS) as server:
        olga, _, _, gus = await den(server)
        said = await olga.says("before", "den")
        await permit(olga, guest={"deny": ["history.read"]})
        ann = await server.client("ann")
        await ann.join("den")
        after = await olga.says("after", "den")
        events = (await ann.ask("history", room="den")).events
        assert [event["content"] for event in events if event["type"] == "message"] == ["after"]
        # Nor by an edit of what was said before.
        await olga.ask("edit", message_id=said.message_id, content="a secret")
        assert "content" not in await ann.hears("edited")
        await olga.ask("edit", message_id=after.message_id, content="open")
        assert (await ann.hears("edited")).content == "open"
        assert (await gus.hears("edited")).rev == 2


async def test_it_is_the_owners_and_no_one_gives_what_they_lack(chat):
    roles = {"press": {"inherits": "member", "denies": ["room.topic"]}}
    async with chat(plugins=PLUGINS, settings={"auth": {"roles": roles}}) as server:
        olga, mia, mona, _ = await den(server)
        await olga.ask("room_role", room="den", user=mia.id, role="moderator")
        for each in (mia, mona):
            assert await code(permit(each, guest={"deny": ["message.post"]})) == "forbidden"
        for wrong, error in [
            ({"guest": {"allow": ["server.accounts"]}}, "forbidden"),
            ({"guest": {"allow": ["no.such"]}}, "invalid"),
            ({"guest": {"deny": ["no.such"]}}, "invalid"),
            ({"nobody": {"deny": ["message.post"]}}, "invalid"),
            ({"admin": {"deny": ["message.post"]}}, "invalid"),
            ({"guest": ["message.post"]}, "invalid"),
            ({"guest": {"forbid": []}}, "invalid"),
            ({"guest": {"deny": "message.post"}}, "invalid"),
        ]:
            assert await code(olga.ask("set_room", room="den", permissions=wrong)) == error, wrong
            new = {"name": "new", "permissions": wrong}
            status, answer = await server.api("POST", "rooms", new, token=olga.token)
            assert (status >= 400, answer["error"]["code"]) == (True, error), wrong
        await permit(olga, press={"allow": ["room.topic"]}, member={"deny": ["room.invite"]})
        pat = await server.account("pat", "press")
        await pat.join("den")
        # What a role is denied in the settings no room gives back; and it has what holds for the role it inherits from.
        assert await code(pat.ask("set_room", room="den", topic="x")) == "forbidden"
        assert await code(pat.says("/invite mia", "den")) == "forbidden"


async def test_why(chat):
    async with chat(plugins=PLUGINS) as server:
        olga, _, _, gus = await den(server)
        await permit(olga, guest={"deny": ["message.post"], "allow": ["room.topic"]})
        services = server.services
        live = await services.rooms.get("den")
        user = await services.accounts.find(gus.id)
        assert "may not message.post in den: the room denies it" in await services.access.why(
            user, "message.post", live
        )
        assert "may room.topic in den: the room allows it" in await services.access.why(
            user, "room.topic", live
        )
        assert "may message.post: the role has it" in await services.access.why(user, "message.post")


async def test_by_command(chat):
    async with chat(plugins=PLUGINS) as server:
        olga, mia, _, gus = await den(server)
        await olga.says("/permit guest message.post no", "den")
        assert (await olga.hears("notice")).text == "guest: may not message.post"
        assert await code(gus.says("x", "den")) == "forbidden"
        await olga.says("/permit member room.change yes", "den")
        assert "member: may room.change" in (await olga.hears("notice")).text
        await olga.says("/permit guest message.post", "den")
        assert (await olga.hears("notice")).text == "guest may do here what it may do elsewhere."
        await gus.says("x", "den")
        assert await code(mia.says("/permit guest message.post no", "den")) == "forbidden"
        await olga.says("/permit", "den")
        assert (await olga.hears("notice")).text == "member: may room.change"
