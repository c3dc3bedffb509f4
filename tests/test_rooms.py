"""Rooms: who sees which, who may change them, and how much of the past is shown to whom."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused


async def refused(work) -> Refused:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value


async def private(server, name="secret", owner="olga", **more):
    """An account that owns a private room, and follows it."""
    client = await server.account(owner)
    status, _ = await server.api(
        "POST", "rooms", {"name": name, "kind": "private", **more}, token=client.token
    )
    assert status == 201
    client.room = name
    await client.hears("rooms")
    return client


def names(rooms):
    return [room["name"] for room in rooms]


async def test_welcome_lists_what_one_is_in_and_what_is_public(chat):
    rooms = [{"name": "general", "title": "General", "topic": "all sorts"}, {"name": "attic"}]
    async with chat(settings={"rooms": rooms}) as server:
        alice = await server.client("alice")
        assert set(names(alice.welcome.rooms)) == {"general", "attic"}
        general = next(r for r in alice.welcome.rooms if r["name"] == "general")
        assert general == {
            "name": "general", "title": "General", "topic": "all sorts", "kind": "public", "history": "all",
            "archived": False, "unlisted": False, "read_only": False, "slow_mode": 0, "guests": True, "notify": "all",
            "keep_days": 0, "permissions": {}, "floor": 0,
            "head": 1, "joined": False, "unread": 0, "mentions": 0, "read": 1, "members": 0,
        }  # fmt: skip
        await alice.join("general")
        again = await server.client(token=alice.token)
        general = again.welcome.rooms[0]
        assert (general["name"], general["joined"], general["role"]) == ("general", True, "member")
        assert (await again.ask("rooms")).rooms == again.welcome.rooms


async def test_the_directory_has_every_public_room_by_pages(chat):
    many = [{"name": f"room-{number:03}"} for number in range(120)]
    rooms = [*many, {"name": "茶室", "title": "Ärger", "topic": "100% tea_"}]
    async with chat(settings={"rooms": rooms}) as server:
        olga = await private(server)
        await olga.join("room-007")
        found, after = [], None
        for more in (True, True, False):
            page = await olga.ask("rooms", search="", after=after)
            assert page.more is more
            assert len(page.rooms) <= 50
            found += page.rooms
            after = page.rooms[-1]["name"]
        assert names(found) == sorted(room["name"] for room in rooms)
        assert [room["name"] for room in found if room["joined"]] == ["room-007"]
        for search, wanted in (
            ("M-11", 10),
            ("ärger", 1),
            ("茶", 1),
            ("tea_", 1),
            ("0%", 1),
            ("topic", 0),
            ("%", 1),
            ("secret", 0),
        ):
            page = await olga.ask("rooms", search=search)
            assert (len(page.rooms), page.more) == (wanted, False), search
        assert (await refused(olga.ask("rooms", search="x" * 65))).field == "search"
        status, page = await server.api("GET", "rooms?search=M-11&after=room-115", token=olga.token)
        assert (status, names(page["rooms"]), page["more"]) == (
            200,
            ["room-116", "room-117", "room-118", "room-119"],
            False,
        )
        assert (await server.api("GET", f"rooms?search={'x' * 65}", token=olga.token))[0] == 400


async def test_joining_and_leaving(chat):
    async with chat() as server:
        alice, bob = await server.client("alice"), await server.client("bob")
        await alice.join("general")
        reply = await bob.join("general")
        assert set(reply) == {"type", "re", "room", "members", "count", "more_members", "events", "more"}
        assert (reply.room["joined"], reply.room["members"], reply.count) == (True, 2, 2)
        assert {m["user"]["name"] for m in reply.members} == {"alice", "bob"}
        assert (reply.events, reply.more) == ([], False)
        public = {"id": bob.id, "name": "bob", "display_name": "bob", "guest": True}
        joined = await alice.hears("joined", user=public)
        assert dict(joined) == {
            "type": "joined", "room": "general", "user": public, "status": "online", "text": "",
        }  # fmt: skip
        assert (await bob.join("general")).room["head"] == reply.room["head"]
        await bob.ask("leave", room="general")
        assert (await bob.hears("rooms", removed=["general"])).rooms == []
        left = await alice.hears("left")
        assert (left.room, left.user["id"]) == ("general", bob.id)
        again = await refused(bob.ask("leave", room="general"))
        assert (again.code, again.field) == ("not_member", "room")
        await alice.says("alone")
        assert not await bob.heard()


async def test_the_address_names_a_room_to_join(chat):
    async with chat(settings={"rooms": [{"name": "general"}, {"name": "茶館"}]}) as server:
        bob = (await server.join("general", "bob"))[0]
        alice = await server.client("alice", path="/ws/general")
        # What comes next is behind the joining already.
        await alice.says("here", "general")
        assert (await bob.hears()).user["name"] == "alice"
        cara = await server.client("cara", path="/ws/%E8%8C%B6%E9%A4%A8")
        await cara.says("茶", "茶館")
        lost = await server.client("dora", path="/ws/nowhere")
        assert (await lost.hears("error")).code == "not_found"
        assert await lost.ask("ping")


async def test_a_private_room_looks_like_one_that_is_not_there(chat):
    async with chat(plugins=["history", "basics"]) as server:
        olga = await private(server)
        sent = await olga.says("hidden")
        eve = await server.client("eve")
        assert "secret" not in names(eve.welcome.rooms) + names((await eve.ask("rooms")).rooms)
        requests = (
            {"type": "join"}, {"type": "leave"}, {"type": "message", "content": "x"}, {"type": "typing"},
            {"type": "read", "seq": 0}, {"type": "sync", "after": 0}, {"type": "members"}, {"type": "history"},
            {"type": "message", "content": "/who"}, {"type": "message", "content": "x", "nonce": "n"},
        )  # fmt: skip
        for request in requests:
            errors = [(await refused(eve.ask(**request, room=room))).error for room in ("secret", "nosuch")]
            shown = [{**e, "re": None, "message": e["message"].replace("nosuch", "secret")} for e in errors]
            assert shown[0] == shown[1], request
            assert shown[0]["code"] == "not_found"
        for request in ({"type": "edit", "content": "x"}, {"type": "delete"}):
            assert (await refused(eve.ask(**request, message_id=sent.message_id))).code == "not_found"
        for method, path, body in (
            ("GET", "rooms/secret", None), ("PATCH", "rooms/secret", {"topic": "x"}),
            ("GET", "rooms/secret/messages", None), ("POST", "rooms/secret/messages", {"content": "x"}),
            ("GET", "rooms/secret/members", None), ("POST", "rooms/secret/members", {"user": "eve"}),
            ("DELETE", f"rooms/secret/members/{olga.id}", None),
            ("DELETE", f"rooms/secret/members/{eve.id}", None),
        ):  # fmt: skip
            status, answer = await server.api(method, path, body, token=eve.token)
            assert (status, answer.error["code"]) == (404, "not_found"), path


async def test_invited_and_removed(chat):
    async with chat(plugins=["history", "basics"]) as server:
        olga = await private(server)
        bob = await server.client("bob")
        await olga.says("before")
        await olga.says("/invite bob")
        told = await bob.hears("rooms")
        assert [(r["name"], r["joined"]) for r in told.rooms] == [("secret", True)]
        added = await bob.hears("member", action="added")
        assert (added.target["id"], added.user["id"]) == (bob.id, olga.id)
        assert (await olga.hears("member", action="added")).seq == added.seq == told.rooms[0]["head"] + 1
        await olga.says("hello bob")
        assert (await bob.hears()).content == "hello bob"
        # Asking for a user who is in already changes nothing.
        await olga.says("/invite bob")
        status, _ = await server.api("DELETE", f"rooms/secret/members/{bob.id}", token=olga.token)
        assert status == 200
        removed = await bob.hears("member", action="removed")
        assert removed.seq == added.seq + 2
        assert (await bob.hears("kicked")).room == "secret"
        await olga.says("alone again")
        assert not await bob.heard()
        assert (await refused(bob.ask("sync", room="secret", after=0))).code == "not_found"
        again = await server.client(token=bob.token)
        assert "secret" not in names(again.welcome.rooms)


async def test_a_ban_that_is_over_keeps_no_user_out(chat, clock):
    async with chat(plugins=["basics", "moderation"], clock=clock) as server:
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        bob = (await server.join("general", "bob"))[0]
        await mod.says("/kick bob 10m")
        assert (await refused(bob.join("general"))).code == "banned"
        assert (await refused(mod.says("/invite bob"))).code == "banned"
        clock.seconds = 601
        await mod.says("/invite bob")
        assert (await bob.hears("member", action="added")).room == "general"


async def test_a_ban_of_a_user_who_is_elsewhere_tells_them_nothing(chat):
    async with chat(plugins=["moderation"]) as server:
        mod, bob = await server.account("mod", "moderator"), await server.client("bob")
        await mod.join("general")
        await mod.says("/ban bob")
        assert not await bob.heard("kicked")
        assert (await refused(bob.join("general"))).code == "banned"
        assert (await refused(bob.ask("sync", room="general", after=0))).code == "banned"
        status, answer = await server.api("GET", "rooms/general/messages", token=bob.token)
        assert (status, answer.error["code"]) == (403, "banned")


async def test_bans_and_mutes_last_over_leaving_and_restarts(chat, on_file):
    async with chat(plugins=["moderation"], settings=on_file) as server:
        mod = await server.account("mod", "moderator")
        await mod.join("general")
        alice, bob = await server.join("general", "alice", "bob")
        await mod.says("/mute alice 10 noisy")
        event = await bob.hears("member", action="muted")
        assert (event.reason, event.target["name"], event.user["name"]) == ("noisy", "alice", "mod")
        assert event.until.endswith("Z")
        await mod.says("/ban bob")
        await alice.ask("leave", room="general")
        await server.restart()
        alice, bob = await server.client(token=alice.token), await server.client(token=bob.token)
        await alice.join("general")
        muted = await refused(alice.says("psst"))
        assert muted.code == "muted"
        assert 500 < muted.error.retry_after <= 600
        assert (await refused(bob.join("general"))).code == "banned"
        await refused(alice.ask("typing", room="nowhere"))
        await alice.ask("typing", room="general")
        assert not await alice.heard("typing")


async def test_users_act_on_lower_ranks_only(chat):
    async with chat(plugins=["moderation"]) as server:
        mod, other = await server.account("mod", "moderator"), await server.account("other", "moderator")
        alice = (await server.join("general", "alice"))[0]
        for client in (mod, other):
            await client.join("general")
        for target in ("other", "mod"):
            assert (await refused(mod.says(f"/kick {target}"))).code in ("forbidden", "invalid")
        assert (await refused(alice.says("/kick mod"))).code == "forbidden"


async def test_changing_a_room(chat):
    async with chat(plugins=["basics"]) as server:
        mod, carl = await server.account("mod", "moderator"), await server.account("carl")
        alice = (await server.join("general", "alice"))[0]
        for client in (mod, carl):
            await client.join("general")
        await carl.says("/topic tea")
        event = await alice.hears("room", action="changed")
        assert (event.topic, event.user["name"]) == ("tea", "carl")
        assert (await refused(alice.says("/topic milk"))).code == "forbidden"
        status, answer = await server.api("PATCH", "rooms/general", {"title": "Hall"}, token=carl.token)
        assert (status, answer.error["code"]) == (403, "forbidden")
        status, answer = await server.api(
            "PATCH", "rooms/general", {"title": "Hall", "archived": True}, token=mod.token
        )
        assert (answer.room["title"], answer.room["archived"]) == ("Hall", True)
        assert (await alice.hears("room", archived=True)).title == "Hall"
        for work in (alice.says("x"), carl.says("x")):
            assert (await refused(work)).code == "forbidden"
        dora = await server.client("dora")
        assert "general" not in names(dora.welcome.rooms)
        assert (await refused(dora.join("general"))).code == "forbidden"
        await server.api("PATCH", "rooms/general", {"archived": False}, token=mod.token)
        await alice.says("open again")


async def test_making_rooms(chat):
    async with chat() as server:
        alice = await server.client("alice")
        carl = await server.account("carl")
        make = {"name": "tea", "title": "Tea", "topic": "hot", "history": "joined"}
        status, answer = await server.api("POST", "rooms", make, token=alice.token)
        assert (status, answer.error["code"]) == (403, "forbidden")
        status, answer = await server.api("POST", "rooms", make, token=carl.token)
        assert status == 201
        assert (answer.room["role"], answer.room["history"], answer.room["head"]) == ("owner", "joined", 1)
        created = await carl.hears("room", action="created")
        assert (created.seq, created.kind, created.history, created.title) == (1, "public", "joined", "Tea")
        status, answer = await server.api("POST", "rooms", make, token=carl.token)
        assert (status, answer.error["code"]) == (409, "name_taken")
        for bad in ("Tea", "a b", "", "x" * 65, "dm:a+b", "a/b"):
            status, answer = await server.api("POST", "rooms", {"name": bad}, token=carl.token)
            assert (status, answer.error["code"]) == (400, "invalid"), bad
        status, answer = await server.api("POST", "rooms", {"name": "x", "kind": "direct"}, token=carl.token)
        assert (status, answer.error["code"]) == (400, "invalid")


@pytest.mark.parametrize("history", ["all", "joined"])
@pytest.mark.parametrize("plugin", [True, False])
async def test_how_much_of_the_past_a_newcomer_sees(chat, history, plugin):
    """Only a room that shows all, on a server with the history plugin, shows what was before."""
    rooms = [{"name": "general", "history": history}]
    async with chat(plugins=["history"] if plugin else [], settings={"rooms": rooms}) as server:
        alice = (await server.join("general", "alice"))[0]
        old = [await alice.says(f"old {n}") for n in range(3)]
        shown = plugin and history == "all"
        bob = await server.client("bob")
        reply = await bob.join("general")
        assert [e["content"] for e in reply.events if e["type"] == "message"] == (
            [f"old {n}" for n in range(3)] if shown else []
        )
        new = await alice.says("new")
        visible = [e["seq"] for e in (await bob.ask("sync", room="general", after=0)).events]
        assert visible == (list(range(1, new.seq + 1)) if shown else [new.seq])
        _, page = await server.api("GET", "rooms/general/messages", token=bob.token)
        assert [e["seq"] for e in page.events] == visible
        after = await bob.join("general", after=0)
        assert [e["seq"] for e in after.events] == visible
        if plugin:
            for where in ({}, {"before": new.seq + 1}, {"after": 0}, {"around": old[1].seq}):
                found = await bob.ask("history", room="general", **where)
                assert [e["seq"] for e in found.events] == visible
        # A member who was there sees it in any case.
        assert (await alice.ask("sync", room="general", after=1)).events[0]["seq"] == old[0].seq
        # A message that can't be seen can't be told from one that isn't there.
        error = await refused(bob.ask("delete", message_id=old[0].message_id))
        assert error.code == ("forbidden" if shown else "not_found")
        error_or_ok = bob.says("re", reply_to=old[0].message_id)
        if shown:
            await error_or_ok
        else:
            assert (await refused(error_or_ok)).code == "invalid"


async def test_history_pages_in_every_direction(chat):
    async with chat(plugins=["history"]) as server:
        alice = (await server.join("general", "alice"))[0]
        sent = [await alice.says(f"{n}") for n in range(10)]
        await alice.ask("edit", message_id=sent[5].message_id, content="5!")

        async def page(**where):
            reply = await alice.ask("history", room="general", **where)
            return [e["content"] for e in reply.events if e["type"] == "message"], reply.more

        assert await page(limit=3) == (["7", "8", "9"], True)
        assert await page(before=sent[7].seq, limit=3) == (["4", "5!", "6"], True)
        assert await page(after=sent[7].seq, limit=3) == (["8", "9"], False)
        assert await page(around=sent[4].seq, limit=4) == (["3", "4", "5!", "6"], True)
        assert (await refused(alice.ask("history", room="general", before=1, after=1))).code == "invalid"
        assert (await refused(alice.ask("history", room="general", limit=201))).code == "invalid"


async def test_the_members_come_in_pages(chat):
    async with chat(sizes={"members_page": 2}) as server:
        people = await server.join("general", "ann", "ben", "cat", "dan", "eve")
        found, after, more = [], None, True
        while more:
            reply = await people[0].ask("members", room="general", **({"after": after} if after else {}))
            assert reply.count == 5
            assert len(reply.members) <= 2
            found += [m["user"]["name"] for m in reply.members]
            after, more = reply.members[-1]["user"]["id"], reply.more
        assert found == ["ann", "ben", "cat", "dan", "eve"]
        assert set(reply.members[0]) == {"user", "role", "status", "text"}


async def test_a_member_who_comes_back_sees_what_came_after(chat):
    """A member who left and came back sees, in a room that shows no past, what came after the second joining."""
    async with chat(settings={"rooms": [{"name": "general", "history": "joined"}]}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("first")
        await bob.ask("leave", room="general")
        await alice.says("second")
        head = (await bob.join("general")).room["head"]
        await alice.says("third")
        log = (await bob.ask("sync", room="general", after=0)).events
        assert [e["content"] for e in log] == ["third"]
        assert log[0]["seq"] == head + 1


async def test_reasons_and_status_texts_are_one_clean_line(chat):
    async with chat(plugins=["moderation", "basics"]) as server:
        mona = await server.account("mona", "moderator")
        await mona.join("general")
        (anna,) = await server.join("general", "anna")
        for command in (f"/mute anna 5 {'r' * 501}", "/mute anna 5 a\u202eb", f"/away {'x' * 101}"):
            with pytest.raises(Refused) as refused:
                await mona.says(command)
            assert refused.value.code == "invalid", command
        with pytest.raises(Refused) as refused:
            await mona.says("/away " + "x" * 8000)
        assert refused.value.code == "too_large"
        with pytest.raises(Refused) as refused:
            await anna.ask("presence", status="away", text="a\u202eb")
        assert refused.value.field == "text"
        assert not await anna.heard("member")
        assert not await mona.heard("presence")


async def test_who_posts_over_http_may_edit_and_delete_it_too(chat):
    async with chat() as server:
        await server.services.accounts.add("bot", "correct horse", "member")
        bot = await server.services.accounts.find("bot")
        token = await server.services.accounts.tokens.issue(bot, "session")
        status, sent = await server.api("POST", "rooms/general/messages", {"content": "hello"}, token=token)
        assert status == 201
        path = f"messages/{sent.message_id}"
        assert (await server.api("PATCH", path, {"content": "hello all"}, token=token))[0] == 200
        assert (await server.api("DELETE", path, token=token))[0] == 200


async def test_the_shown_name_is_a_mention_too(chat):
    async with chat(plugins=["basics"]) as server:
        dora = await server.account("dora")
        await dora.join("general")
        (anna,) = await server.join("general", "anna")
        await dora.says("/nick dolly")
        await anna.says("@dolly and @dora are one")
        assert len(await dora.heard("mention")) == 1
        await anna.says("hello @dolly")
        assert len(await dora.heard("mention")) == 1


async def test_a_new_public_room_is_told_to_all_once(chat):
    async with chat() as server:
        mona = await server.account("mona")
        anna = await server.client("anna")
        await server.api("POST", "rooms", {"name": "tea", "title": "Tea"}, token=mona.token)
        await server.api("POST", "rooms", {"name": "cellar", "kind": "private"}, token=mona.token)
        (told,) = await anna.heard("rooms")
        assert [(room["name"], room["title"], room["joined"]) for room in told.rooms] == [
            ("tea", "Tea", False)
        ]
        assert "role" not in told.rooms[0]
        own = [room for event in await mona.heard("rooms") for room in event.rooms]
        assert [(room["name"], room["joined"], room["role"]) for room in own] == [
            ("tea", True, "owner"),
            ("cellar", True, "owner"),
        ]
        await anna.join("tea")
        assert (await anna.says("a cup, please")).room == "tea"
