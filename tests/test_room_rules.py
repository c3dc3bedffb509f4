"""What a room's settings and roles mean: slow mode, announcements, hidden from lists, guests, owners."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused


async def refusal(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value


async def code(work):
    return (await refusal(work)).code


async def den(server, **settings):
    """An owner, a member and a guest in the room ``den``."""
    olga, mia = await server.account("olga", "member"), await server.account("mia", "member")
    gus = await server.client("gus")
    status, _ = await server.api("POST", "rooms", {"name": "den", **settings}, token=olga.token)
    assert status == 201
    await olga.join("den")
    await mia.join("den")
    return olga, mia, gus


async def test_slow_mode_lets_a_member_write_once_in_a_while(chat, clock):
    async with chat(clock=clock) as server:
        olga, mia, _ = await den(server, slow_mode=30)
        sent = await mia.says("one", "den", nonce="n1")
        refused = await refusal(mia.says("two", "den"))
        assert refused.code == "slow_mode"
        assert 25 < refused.error.retry_after <= 30
        # The same message once more has its first answer.
        again = await mia.says("one", "den", nonce="n1")
        assert (again.seq, again.dup) == (sent.seq, True)
        status, answer = await server.api("POST", "rooms/den/messages", {"content": "x"}, token=mia.token)
        assert (status, answer.error["code"]) == (429, "slow_mode")
        # Editing is no new message, and who runs the room is not slowed down.
        await mia.ask("edit", message_id=sent.message_id, content="one!")
        await olga.says("a", "den")
        await olga.says("b", "den")
        clock.seconds = 31
        await mia.says("two", "den")
        await olga.ask("set_room", room="den", slow_mode=0)
        await mia.says("three", "den")


async def test_two_at_once_are_one_in_slow_mode(chat):
    async with chat() as server:
        _, mia, _ = await den(server, slow_mode=30)
        outcomes = await asyncio.gather(
            *(mia.says(str(number), "den") for number in range(5)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in outcomes) == ["Heard", *["Refused"] * 4]


async def test_slow_mode_outlives_a_restart(chat, on_file, clock):
    async with chat(settings=on_file, clock=clock) as server:
        _, mia, _ = await den(server, slow_mode=3600)
        token = mia.token or await server.services.accounts.tokens.issue(
            await server.services.accounts.find("mia"), "session"
        )
        await mia.says("one", "den")
        await server.restart()
        mia = await server.client(token=token)
        assert await code(mia.says("two", "den")) == "slow_mode"


async def test_only_some_write_in_a_room_for_announcements(chat):
    async with chat(plugins=["reactions"]) as server:
        olga, mia, _ = await den(server, read_only=True)
        sent = await olga.says("news", "den")
        assert await code(mia.says("but", "den")) == "forbidden"
        status, _ = await server.api("POST", "rooms/den/messages", {"content": "x"}, token=mia.token)
        assert status == 403
        # To react is less than to write.
        await mia.ask("react", message_id=sent.message_id, emoji="🎉")
        await olga.ask("room_role", room="den", user="mia", role="moderator")
        await mia.says("now", "den")


async def test_an_unlisted_room_is_joined_by_its_name_alone(chat):
    async with chat() as server:
        listener = await server.client("listener")
        olga, _, gus = await den(server, unlisted=True)
        assert "den" not in {room["name"] for room in (await gus.ask("rooms")).rooms}
        assert (await gus.ask("rooms", search="den")).rooms == []
        assert await listener.heard("rooms") == []
        await gus.join("den")
        assert "den" in {room["name"] for room in (await gus.ask("rooms")).rooms}
        await olga.ask("set_room", room="den", unlisted=False)
        assert [room["name"] for room in (await listener.ask("rooms", search="den")).rooms] == ["den"]


async def test_a_room_without_guests(chat):
    async with chat() as server:
        olga, _, gus = await den(server)
        await gus.join("den")
        await olga.ask("set_room", room="den", guests=False)
        # Who is in it reads on.
        assert await code(gus.says("hm", "den")) == "forbidden"
        await gus.ask("leave", room="den")
        for work in (gus.join("den"), gus.ask("sync", room="den", after=0), olga_invites(server, olga)):
            assert await code(work) == "forbidden"
        status, _ = await server.api("GET", "rooms/den/messages", token=gus.token)
        assert status == 403


async def olga_invites(server, olga):
    status, answer = await server.api("POST", "rooms/den/members", {"user": "gus"}, token=olga.token)
    assert status == 403
    raise Refused({"type": "error", "message": "", **answer.error})


async def test_roles_in_a_room_are_given_by_its_owners(chat):
    async with chat(plugins=["basics", "moderation"]) as server:
        olga, mia, gus = await den(server)
        await gus.join("den")
        seq = (await olga.ask("room_role", room="den", user="mia", role="moderator")).seq
        heard = await gus.hears("member", action="role")
        assert (heard.seq, heard.role, heard.target["name"]) == (seq, "moderator", "mia")
        assert (await olga.ask("room_role", room="den", user="mia", role="moderator")).seq == 0
        members = (await gus.ask("members", room="den")).members
        assert {each["user"]["name"]: each["role"] for each in members} == {
            "olga": "owner",
            "mia": "moderator",
            "gus": "member",
        }
        await mia.says("/mute gus 5", "den")
        # A moderator gives no roles, and does nothing to an owner; an owner may.
        assert await code(mia.ask("room_role", room="den", user="gus", role="moderator")) == "forbidden"
        assert await code(mia.ask("room_role", room="den", user="mia", role="owner")) == "forbidden"
        assert await code(mia.says("/kick olga", "den")) == "forbidden"
        assert await code(mia.ask("room_role", room="den", user="olga", role="member")) == "forbidden"
        await olga.says("/mute mia 5", "den")
        status, _ = await server.api("PATCH", "rooms/den/members/mia", {"role": "owner"}, token=olga.token)
        assert status == 200
        # Owners are equals.
        assert await code(olga.ask("room_role", room="den", user="mia", role="member")) == "forbidden"
        await olga.says("/role olga member", "den")
        assert (await olga.hears("notice", text="olga is a member of #den now.")).level == "info"
        assert await code(olga.ask("room_role", room="den", user="gus", role="moderator")) == "forbidden"


async def test_the_last_owner_hands_over_first(chat):
    async with chat() as server:
        olga, mia, _ = await den(server)
        assert await code(olga.ask("leave", room="den")) == "forbidden"
        assert await code(olga.ask("room_role", room="den", user="olga", role="member")) == "forbidden"
        status, _ = await server.api("DELETE", "rooms/den/members/olga", token=olga.token)
        assert status == 403
        await olga.ask("room_role", room="den", user="mia", role="owner")
        # Two owners, two who leave at once: one stays.
        outcomes = await asyncio.gather(
            *(each.ask("leave", room="den") for each in (olga, mia)), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in outcomes) in (["Heard", "Heard"], ["Heard", "Refused"])
        live = await server.services.rooms.get("den")
        assert [each.role for each in live.members.values()] in ([], ["owner"])


async def test_an_owner_alone_may_leave(chat):
    async with chat() as server:
        olga, mia, _ = await den(server)
        await mia.ask("leave", room="den")
        await olga.ask("leave", room="den")


async def test_a_server_moderator_stands_above_a_rooms_owner(chat):
    async with chat(plugins=["moderation"]) as server:
        olga, _, _ = await den(server)
        mona = await server.account("mona", "moderator")
        await mona.join("den")
        await mona.says("/mute olga 5", "den")
        assert await code(olga.says("/mute mona 5", "den")) == "forbidden"
        # Only its owners and admins give roles.
        assert await code(mona.ask("room_role", room="den", user="mia", role="owner")) == "forbidden"


async def test_what_can_not_be(chat):
    async with chat() as server:
        olga, mia, gus = await den(server)
        await gus.join("den")
        root = await server.account("root", "admin")
        for fields, wrong in (
            ({"room": "den", "user": "gus", "role": "owner"}, "invalid"),
            ({"room": "den", "user": "gus", "role": "king"}, "invalid"),
            ({"room": "den", "user": "gus"}, "invalid"),
            ({"room": "den", "user": 7, "role": "member"}, "invalid"),
            ({"room": "den", "user": "nemo", "role": "member"}, "not_found"),
            ({"room": "den", "user": "root", "role": "member"}, "forbidden"),
            ({"room": "nowhere", "user": "mia", "role": "member"}, "not_found"),
        ):
            assert await code(olga.ask("room_role", **fields)) == wrong, fields
        assert await code(root.ask("room_role", room="den", user="root", role="owner")) == "not_found"
        for fields, field in (
            ({"slow_mode": -1}, "slow_mode"),
            ({"slow_mode": 21601}, "slow_mode"),
            ({"slow_mode": "5"}, "slow_mode"),
            ({"read_only": 1}, "read_only"),
            ({"guests": "no"}, "guests"),
            ({"notify": "loud"}, "notify"),
        ):
            refused = await refusal(olga.ask("set_room", room="den", **fields))
            assert (refused.code, refused.field) == ("invalid", field)
            status, _ = await server.api("PATCH", "rooms/den", fields, token=olga.token)
            assert status == 400
        assert await code(mia.ask("set_room", room="den", slow_mode=5)) == "forbidden"
        assert await code(gus.ask("set_room", room="nowhere", slow_mode=5)) == "not_found"
        sent = await gus.says("x", to=mia.id)
        assert await code(gus.ask("room_role", room=sent.room, user="mia", role="owner")) == "forbidden"


async def test_rooms_invitations_and_conversations_have_limits_of_their_own(chat):
    limits = {"rooms_per_hour": 2, "invitations_per_hour": 2, "directs_per_hour": 2}
    async with chat(plugins=["basics"], settings={"limits": limits}) as server:
        mia, mona = await server.account("mia", "member"), await server.account("mona", "moderator")
        others = [await server.client(f"other{number}") for number in range(3)]
        for number in range(2):
            status, _ = await server.api("POST", "rooms", {"name": f"r{number}"}, token=mia.token)
            assert status == 201
        status, answer = await server.api("POST", "rooms", {"name": "r2"}, token=mia.token)
        assert (status, answer.error["code"]) == (429, "rate_limited")
        assert answer.error["retry_after"] > 60
        for each in others[:2]:
            await mia.says(f"/invite {each.name}", "r0")
            await mia.says("hi", to=each.id)
        # Once more is no new one.
        await mia.says(f"/invite {others[0].name}", "r0")
        await mia.says("hi again", to=others[0].id)
        assert await code(mia.says(f"/invite {others[2].name}", "r0")) == "rate_limited"
        assert await code(mia.says("hi", to=others[2].id)) == "rate_limited"
        assert await code(mia.says(f"/msg {others[2].name} hi")) == "rate_limited"
        for number in range(4):
            status, _ = await server.api("POST", "rooms", {"name": f"m{number}"}, token=mona.token)
            assert status == 201
