"""What was said before."""

from __future__ import annotations

import pytest

from chatserver.testing import Refused


async def fill(client, count, room=None):
    for number in range(1, count + 1):
        await client.says(f"line {number}", room=room)


def texts(events):
    return [event["content"] for event in events if event["type"] == "message"]


async def test_the_newest_page_comes_with_joining(chat):
    async with chat(plugins={"history": {"replay": 3}}) as server:
        (alice,) = await server.join("general", "alice")
        await fill(alice, 5)
        bob = await server.client("bob")
        assert texts((await bob.join("general")).events)[-2:] == ["line 4", "line 5"]


async def test_without_the_plugin_newcomers_see_nothing_older(chat):
    async with chat() as server:
        (alice,) = await server.join("general", "alice")
        await fill(alice, 3)
        bob = await server.client("bob")
        assert texts((await bob.join("general")).get("events", [])) == []
        assert texts((await bob.ask("sync", room="general", after=0, limit=100)).events) == []
        with pytest.raises(Refused) as refused:
            await bob.ask("history", room="general")
        assert refused.value.code == "unknown_type"
        await alice.says("new")
        assert (await bob.hears()).content == "new"


async def test_without_the_plugin_resume_still_works(chat):
    async with chat() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("one")
        await bob.hears()
        resume = {"epoch": bob.welcome.epoch, "rooms": dict(bob.seen)}
        await bob.leave()
        await alice.says("two")
        again = await server.client(token=bob.token, resume=resume)
        assert (await again.hears()).content == "two"


async def test_paging_back_forth_and_around(chat):
    async with chat(plugins=["history"]) as server:
        (alice,) = await server.join("general", "alice")
        await fill(alice, 10)
        newest = await alice.ask("history", room="general", limit=4)
        assert texts(newest.events) == ["line 7", "line 8", "line 9", "line 10"]
        assert newest.more
        first = newest.events[0]["seq"]
        before = await alice.ask("history", room="general", before=first, limit=2)
        assert texts(before.events) == ["line 5", "line 6"]
        after = await alice.ask("history", room="general", after=first, limit=2)
        assert texts(after.events) == ["line 8", "line 9"]
        around = await alice.ask("history", room="general", around=first, limit=3)
        assert texts(around.events) == ["line 6", "line 7", "line 8"]
        assert (around.more, around.more_newer) == (True, True)
        everything = await alice.ask("history", room="general", limit=200)
        assert texts(everything.events) == [f"line {number}" for number in range(1, 11)]
        assert not everything.more


async def test_a_page_around_tells_of_both_sides(chat):
    async with chat(plugins=["history"]) as server:
        (alice,) = await server.join("general", "alice")
        await fill(alice, 6)
        events = (await alice.ask("history", room="general", limit=200)).events
        lines = [event for event in events if event["type"] == "message"]
        ends = await alice.ask("history", room="general", around=lines[-1]["seq"], limit=4)
        assert (texts(ends.events), ends.more, ends.more_newer) == (["line 5", "line 6"], True, False)
        begins = await alice.ask("history", room="general", around=0, limit=200)
        assert (begins.events, begins.more, begins.more_newer) == (events, False, False)
        one = await alice.ask("history", room="general", around=lines[2]["seq"], limit=1)
        assert (texts(one.events), one.more, one.more_newer) == (["line 3"], True, True)


async def test_a_page_around_a_message_by_its_id(chat):
    settings = {"rooms": [{"name": "general"}, {"name": "other"}, {"name": "late", "history": "joined"}]}
    async with chat(plugins=["history"], settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        await fill(alice, 9)
        fifth = [
            event
            for event in (await alice.ask("history", room="general")).events
            if "line 5" in texts([event])
        ]
        page = await alice.ask("history", room="general", around_message=fifth[0]["message_id"], limit=3)
        assert texts(page.events) == ["line 4", "line 5", "line 6"]
        await alice.join("late")
        before = await alice.says("before you came")
        (bob,) = await server.join("late", "bob")
        await alice.join("other")
        for client, room, message_id in (
            (alice, "other", fifth[0]["message_id"]),
            (alice, "general", "nothing"),
            (bob, "late", before.message_id),
        ):
            with pytest.raises(Refused) as refused:
                await client.ask("history", room=room, around_message=message_id)
            assert (refused.value.code, refused.value.field) == ("not_found", "around_message")


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 0},
        {"limit": 201},
        {"before": -1},
        {"before": "x"},
        {"before": 1, "after": 1},
        {"before": 1, "around_message": "m"},
        {"around_message": ""},
        {"room": 5},
    ],
)
async def test_bad_requests_are_refused(chat, fields):
    async with chat(plugins=["history"]) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused) as refused:
            await alice.ask("history", **{"room": "general", **fields})
        assert refused.value.code == "invalid"
        assert refused.value.field in fields


async def test_a_room_that_is_not_theirs_has_no_history(chat):
    settings = {"rooms": [{"name": "general"}, {"name": "secret", "kind": "private"}]}
    async with chat(plugins=["history"], settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        for room in ("secret", "nowhere"):
            with pytest.raises(Refused) as refused:
                await alice.ask("history", room=room)
            assert refused.value.code == "not_found"


async def test_a_room_may_show_its_members_only_what_came_after_them(chat):
    settings = {"rooms": [{"name": "general", "history": "joined"}]}
    async with chat(plugins=["history"], settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        await fill(alice, 3)
        bob = await server.client("bob")
        assert texts((await bob.join("general")).events) == []
        assert texts((await bob.ask("history", room="general")).events) == []


async def test_the_command_tells_the_caller_alone(chat):
    async with chat(plugins=["history", "basics"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await fill(alice, 3)
        await alice.says("/me waves")
        deleted = await alice.says("oops")
        await alice.ask("delete", message_id=deleted.message_id)
        await bob.says("/history 3")
        lines = (await bob.hears("notice")).text.split("\n")
        assert [line.partition(" UTC ")[2] for line in lines] == [
            "alice: line 2",
            "alice: line 3",
            "alice waves",
        ]
        assert not await alice.heard("notice")


@pytest.mark.parametrize("count", ["0", "201", "-1", "many"])
async def test_the_command_has_limits(chat, count):
    async with chat(plugins=["history"]) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(Refused) as refused:
            await alice.says(f"/history {count}")
        assert (refused.value.code, refused.value.field) == ("invalid", "count")
