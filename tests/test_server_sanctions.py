"""Mutes and bans of the whole server: whatever way the user comes, and whatever others would see of them."""

from __future__ import annotations

import asyncio

import pytest

from chatserver.testing import Refused
from chatserver.testing.harness import PASSWORD

PLUGINS = ["basics", "moderation", "reactions"]


async def code(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


async def cast(server):
    mona, bob = await server.account("mona", "moderator"), await server.client("bob")
    for client in (mona, bob):
        await client.join("general")
    return mona, bob


async def test_a_ban_closes_and_keeps_out_by_every_way(chat):
    async with chat(plugins=PLUGINS, accounts={"ann": "member"}) as server:
        mona, _ = await cast(server)
        ann = await server.client("ann")
        await ann.join("general")
        _, login = await server.api("POST", "login", {"name": "ann", "password": PASSWORD})
        await mona.says("/server ban ann 1d spam", "general")
        assert (await mona.hears("notice")).text == "ann is banned from this server for 1 day."
        assert await ann.closed() == 4004
        again = await server.connect()
        assert await code(again.hello(token=login.token)) == "banned"
        assert await again.closed() == 4004
        for method, path, body in (
            ("GET", "me", None),
            ("GET", "rooms", None),
            ("POST", "rooms/general/messages", {"content": "x"}),
        ):
            status, answer = await server.api(method, path, body, token=login.token)
            assert (status, answer.error["code"]) == (403, "banned")
        status, answer = await server.api("POST", "login", {"name": "ann", "password": PASSWORD})
        assert (status, answer.error["code"]) == (403, "banned")
        (listed,) = await server.plugin("moderation").chat.server_bans()
        await mona.says("/server bans", "general")
        assert (await mona.hears("notice")).text.endswith(f": spam ({listed.user.id})")
        await mona.says(f"/server unban {listed.user.id}", "general")
        await (await server.connect()).hello(token=login.token)
        assert await code(mona.says("/server unban ann", "general")) == "not_found"
        entries = (await mona.ask("audit", action="banned")).entries
        assert [(each["user"]["name"], each["reason"], each["detail"]) for each in entries] == [
            ("ann", "spam", "server")
        ]


async def test_a_banned_guest_is_not_back_under_another_name(chat, clock):
    async with chat(plugins={"basics": {}, "moderation": {"guest_address_hours": 2}}, clock=clock) as server:
        mona, bob = await cast(server)
        other = await server.client("other")
        await other.join("general")
        await mona.says("/server ban bob", "general")
        assert await bob.closed() == 4004
        newcomer = await server.connect()
        assert await code(newcomer.hello(name="bobby")) == "banned"
        status, _ = await server.api("POST", "guest", {"name": "bobby"})
        assert status == 403
        # Another guest from there who is here already goes on, accounts come in.
        await other.says("hello")
        await server.account("ann", "member")
        clock.seconds = 2 * 3600 + 1
        await server.client("bobby")
        assert await code((await server.connect()).hello(token=bob.token)) == "banned"


async def test_a_ban_outlives_a_restart_and_ends_with_its_time(chat, on_file, clock):
    async with chat(plugins=PLUGINS, settings=on_file, clock=clock) as server:
        mona, bob = await cast(server)
        await mona.says("/server ban bob 10", "general")
        await bob.closed()
        await server.restart()
        assert await code((await server.connect()).hello(token=bob.token)) == "banned"
        clock.seconds = 601
        await (await server.connect()).hello(token=bob.token)


async def test_a_mute_covers_all_that_others_see(chat):
    async with chat(plugins=PLUGINS, accounts={"ann": "member"}) as server:
        mona, bob = await cast(server)
        ann = await server.client("ann")
        await ann.join("general")
        said = await mona.says("hello", "general")
        own = await ann.says("mine", "general")
        for mute, lift in (
            ("/server mute ann 5 loud", "/server unmute ann"),
            ("/mute ann 5 loud", "/unmute ann"),
        ):
            await mona.says(mute, "general")
            for work in (
                lambda: ann.says("x", "general"),
                lambda: ann.ask("edit", message_id=own.message_id, content="y"),
                lambda: ann.ask("react", message_id=said.message_id, emoji="🎉"),
                lambda: ann.ask("set_room", room="general", topic="shout"),
                lambda: ann.says("/invite bob", "general"),
                lambda: ann.says("/nick shout", "general"),
                lambda: ann.ask("presence", status="online", text="shout"),
                lambda: ann.says("/me shouts", "general"),
            ):
                assert await code(work()) == "muted", mute
            if mute.startswith("/server"):
                assert await code(ann.says("psst", to=bob.id)) == "muted"
            await ann.ask("presence", status="away")
            await mona.says(lift, "general")
        await ann.says("thanks", "general")


async def test_a_kick_ends_the_connections(chat):
    async with chat(plugins=PLUGINS) as server:
        mona, bob = await cast(server)
        await mona.says("/server kick bob shouting", "general")
        assert await bob.closed() == 4010
        assert await code(mona.says("/server kick bob", "general")) == "not_found"
        await (await server.connect()).hello(token=bob.token)


async def test_rank_counts_and_who_runs_a_room_has_no_say(chat):
    async with chat(
        plugins=PLUGINS, accounts={"olga": "member", "root": "admin", "max": "moderator"}
    ) as server:
        mona, bob = await cast(server)
        olga, root = await server.client("olga"), await server.client("root")
        live = await server.services.room_service.create(
            await server.services.accounts.find("olga"), "den", {}
        )
        for act in ("kick", "mute", "ban"):
            assert await code(olga.says(f"/server {act} bob", live.room.name)) == "forbidden"
            assert await code(mona.says(f"/server {act} root", "general")) == "forbidden"
            assert await code(mona.says(f"/server {act} max", "general")) == "forbidden"
            assert await code(mona.says(f"/server {act} mona", "general")) == "invalid"
            assert await code(bob.says(f"/server {act} olga", "general")) == "forbidden"
        assert await code(olga.says("/server bans", live.room.name)) == "forbidden"
        await root.join("general")
        await root.says("/server ban mona", "general")
        assert await mona.closed() == 4004
        # A banned moderator acts no more, by no way.
        user = await server.services.accounts.find("mona")
        target = await server.services.accounts.find("bob")
        chat_of = server.plugin("moderation").chat
        assert not await chat_of.may(user, "moderation.ban")
        for act in (chat_of.kick, chat_of.mute, chat_of.ban):
            with pytest.raises(Exception, match="banned"):
                await act("general", target, by=user)
        with pytest.raises(Exception, match="banned"):
            await chat_of.server_ban(target, by=user)


async def test_a_moderator_banned_from_a_room_acts_there_no_more(chat):
    async with chat(plugins=PLUGINS, accounts={"root": "admin"}) as server:
        mona, bob = await cast(server)
        root = await server.client("root")
        said = await bob.says("x", "general")
        await root.join("general")
        await root.says("/ban mona", "general")
        for work in (
            lambda: mona.says("/mute bob", "general"),
            lambda: mona.ask("delete", message_id=said.message_id),
            lambda: mona.ask("set_room", room="general", title="Mine"),
            lambda: mona.ask("room_role", room="general", user="bob", role="moderator"),
        ):
            assert await code(work()) in ("banned", "not_found")
        status, _ = await server.api("DELETE", f"rooms/general/members/{bob.id}", token=mona.token)
        assert status in (401, 403)


async def test_a_ban_at_the_moment_of_a_hello(chat):
    async with chat(plugins=PLUGINS) as server:
        mona, bob = await cast(server)
        comers = [await server.connect() for _ in range(5)]
        await asyncio.gather(
            mona.says("/server ban bob", "general"),
            *(each.hello(token=bob.token) for each in comers),
            return_exceptions=True,
        )
        assert [await each.closed() for each in comers] == [4004] * 5
