"""What users say of themselves: names, status texts, time zone, language; who is told, and what is refused."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused


async def shown(client, user):
    return (await client.ask("profile", user=user.id)).user


async def test_a_profile_is_changed_read_and_kept(chat, on_file):
    async with chat(settings=on_file) as server:
        ann = await server.account("ann")
        own = await ann.ask(
            "profile",
            display_name="Ann  Smith",
            status_text="at lunch",
            time_zone="Europe/Berlin",
            language="de",
        )
        assert own.user == {
            "id": ann.id, "name": "ann", "display_name": "Ann Smith", "role": "member", "status": "online",
            "status_text": "at lunch", "time_zone": "Europe/Berlin", "language": "de", "added_by": "anyone",
        }  # fmt: skip
        del own.user["added_by"]
        await server.restart()
        bob = await server.client("bob")
        assert await shown(bob, ann) == {**own.user, "status": "offline"}
        _, answer = await server.api("GET", "users/ann", token=bob.token)
        assert answer.user == {**own.user, "status": "offline"}


async def test_only_those_who_share_a_room_are_told(chat):
    async with chat(settings={"rooms": [{"name": "general"}, {"name": "tea"}]}) as server:
        ann = await server.account("ann")
        await ann.join("general")
        bob, carl = await server.client("bob"), await server.client("carl")
        await bob.join("general")
        await carl.join("tea")
        await ann.ask("profile", display_name="Annie", status_text="here")
        assert (await bob.hears("renamed")).user["display_name"] == "Annie"
        assert (await bob.hears("presence")).text == "here"
        await carl.ask("ping")
        assert not await carl.heard("renamed")
        assert not await carl.heard("presence")


async def test_a_status_text_ends_by_itself(chat, clock, eventually):
    async with chat(clock=clock) as server:
        ann = await server.account("ann")
        (bob,) = await server.join("general", "bob")
        await ann.join("general")
        await ann.ask("profile", status_text="back soon", status_until=clock() + 600)
        assert (await bob.hears("presence")).text == "back soon"
        assert "status_until" in await shown(bob, ann)
        clock.seconds = 601
        assert (await bob.hears("presence")).text == ""
        assert (await shown(bob, ann))["status_text"] == ""


async def test_the_state_alone_leaves_the_text(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await bob.ask("presence", status="online", text="tea")
        await bob.ask("presence", status="away")
        assert [(await alice.hears("presence")).text for _ in range(2)] == ["tea", "tea"]


async def test_what_the_invisible_say_is_seen_once_they_are_visible(chat, on_file, eventually):
    async with chat(settings=on_file) as server:
        ann = await server.account("ann")
        await ann.join("general")
        (bob,) = await server.join("general", "bob")
        await ann.ask("presence", status="online", text="seen")
        await ann.ask("presence", status="invisible", text="hidden")
        await ann.ask("profile", status_text="hidden, too")
        assert (await ann.ask("profile")).user["status_text"] == "hidden, too"
        # They look like one who has left, and said nothing since.
        assert await shown(bob, ann) == {**await shown(bob, ann), "status": "offline", "status_text": "seen"}
        (member,) = [
            each
            for each in (await bob.ask("members", room="general")).members
            if each["user"]["id"] == ann.id
        ]
        assert (member["status"], member["text"]) == ("offline", "seen")
        await server.restart()
        bob = await server.client(token=bob.token)
        assert (await shown(bob, ann))["status_text"] == "seen"
        await server.client(token=ann.token, status="online")
        await eventually(lambda: not server.services.profiles.holds(ann.id))
        assert (await shown(bob, ann))["status_text"] == "hidden, too"


REFUSED = [
    ({"display_name": ""}, "invalid", "display_name"),
    ({"display_name": "x" * 33}, "invalid", "display_name"),
    ({"display_name": "b0b"}, "name_taken", "display_name"),
    ({"display_name": "admin"}, "invalid", "display_name"),
    ({"status_text": "x" * 101}, "invalid", "status_text"),
    ({"status_text": "x", "status_until": 5}, "invalid", "status_until"),
    ({"status_until": 1e15}, "invalid", "status_until"),
    ({"time_zone": "Europe/Atlantis"}, "invalid", "time_zone"),
    ({"time_zone": "../../etc/passwd"}, "invalid", "time_zone"),
    ({"language": "de_DE!"}, "invalid", "language"),
    ({"avatar": "/plugins/files/f/x"}, "invalid", "avatar"),
    ({"avatar": 7}, "invalid", "avatar"),
]


async def test_what_is_refused_changes_nothing(chat):
    async with chat(settings={"limits": {"messages_per_second": 100}}) as server:
        ann = await server.account("ann")
        await server.account("bob")
        before = (await ann.ask("profile")).user
        for fields, code, field in REFUSED:
            with pytest.raises(Refused) as caught:
                await ann.ask("profile", **{"language": "fr", **fields})
            assert (caught.value.code, caught.value.field) == (code, field), fields
            if code == "name_taken":
                continue
            status, _ = await server.api("PATCH", "me", {"language": "fr", **fields}, token=ann.token)
            assert status == 400, fields
        assert (await ann.ask("profile")).user == before


async def test_no_one_changes_the_profile_of_another(chat):
    async with chat() as server:
        mona, ann = await server.account("mona", "admin"), await server.account("ann")
        with pytest.raises(Refused) as caught:
            await mona.ask("profile", user=ann.id, status_text="x")
        assert caught.value.code == "forbidden"
        with pytest.raises(Refused) as caught:
            await mona.ask("profile", user="nobody")
        assert caught.value.code == "not_found"


async def test_a_mute_and_filters_cover_names_and_texts(chat):
    settings = {"words": ["darn"]}
    async with chat(plugins={"moderation": settings}) as server:
        ann, mona = await server.account("ann"), await server.account("mona", "moderator")
        await ann.join("general")
        await mona.join("general")
        for fields in ({"display_name": "Darn"}, {"status_text": "d.a.r.n"}):
            with pytest.raises(Refused) as caught:
                await ann.ask("profile", **fields)
            assert caught.value.code == "rejected"
        await mona.says("/mute ann")
        for fields in ({"display_name": "Annie"}, {"status_text": "hi"}):
            with pytest.raises(Refused) as caught:
                await ann.ask("profile", **fields)
            assert caught.value.code == "muted"


async def test_guests_are_marked_wherever_they_are_named(chat):
    async with chat() as server:
        ann = await server.account("ann")
        await ann.join("general")
        guest = await server.client("gast")
        assert guest.welcome.user["guest"] is True
        await guest.join("general")
        assert [(await ann.hears("joined")).user.get("guest") for _ in range(2)] == [None, True]
        await guest.says("hello")
        assert (await ann.hears()).user["guest"] is True
        assert "guest" not in ann.welcome.user
        people = {m["user"]["name"]: m["user"] for m in (await ann.ask("members", room="general")).members}
        assert people["gast"]["guest"] is True
        assert "guest" not in people["ann"]
        page = (await ann.ask("sync", room="general", after=0)).events
        assert [e["user"].get("guest", False) for e in page if e["type"] == "message"] == [True]
