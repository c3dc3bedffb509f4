"""Keeping a room civil."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chatserver_plugins.moderation import lasting
from chatserver_plugins.moderation.words import pattern, plain

from chatserver.testing import Refused

SPAM = {"moderation": {"words": ["spam", "見鬼", "c++"]}}


async def cast(server):
    """A moderator and two guests in the room."""
    alice, bob = await server.join("general", "alice", "bob")
    mona = await server.account("mona", "moderator")
    await mona.join("general")
    return mona, alice, bob


async def refusal(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


async def test_kick_removes_and_tells_all_why(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, alice, bob = await cast(server)
        await mona.says("/kick bob shouting")
        seen = await alice.hears("member", action="kicked")
        assert (seen.target["name"], seen.user["name"], seen.reason) == ("bob", "mona", "shouting")
        assert (await bob.hears("kicked")).room == "general"
        assert (await mona.hears("notice")).text == "bob was removed."
        assert await refusal(bob.says("again")) == "not_member"
        await bob.join("general")


async def test_kick_with_a_time_keeps_out(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, _, bob = await cast(server)
        await mona.says("/kick bob 10 shouting")
        assert (await mona.hears("notice")).text == "bob was removed for 10 minutes."
        assert await refusal(bob.join("general")) == "banned"


async def test_mute_and_unmute(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, alice, bob = await cast(server)
        await mona.says("/mute bob 2h too loud")
        assert (await alice.hears("member", action="muted")).reason == "too loud"
        assert (await mona.hears("notice")).text == "bob is muted for 2 hours."
        assert await refusal(bob.says("hello")) == "muted"
        await alice.says("still here")
        assert (await bob.hears()).content == "still here"
        await mona.says("/unmute bob")
        await bob.says("hello")
        assert await refusal(mona.says("/unmute bob")) == "not_found"


async def test_ban_list_and_unban(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, _, bob = await cast(server)
        await mona.says("/ban bob 1d spam")
        assert (await mona.hears("notice")).text == "bob is banned for 1 day."
        assert await refusal(bob.join("general")) == "banned"
        await mona.says("/bans")
        listed = (await mona.hears("notice")).text
        assert listed.startswith("bob, by mona, until 2")
        assert f" UTC: spam ({bob.id})" in listed
        await mona.says("/unban bob")
        await mona.hears("notice")
        await bob.join("general")
        await mona.says("/bans")
        assert (await mona.hears("notice")).text == "No user is banned here."


async def test_a_ban_without_a_time_lasts(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, _, _ = await cast(server)
        await mona.says("/ban bob")
        assert (await mona.hears("notice")).text == "bob is banned until you lift it."
        await mona.says("/bans")
        assert (await mona.hears("notice")).text.startswith("bob, by mona, until lifted (u")


async def test_sanctions_outlive_a_restart(chat):
    async with chat(plugins=["moderation"], settings={"store": {"url": "sqlite:"}}) as server:
        mona, alice, bob = await cast(server)
        await mona.says("/mute alice")
        await mona.says("/ban bob")
        tokens = alice.token, bob.token
        await server.restart()
        alice, bob = [await server.client(token=token) for token in tokens]
        assert await refusal(alice.says("hello", room="general")) == "muted"
        assert await refusal(bob.join("general")) == "banned"


async def test_guests_may_do_none_of_it(chat):
    async with chat(plugins=["moderation"]) as server:
        _, alice, _ = await cast(server)
        for text in ("/kick bob", "/mute bob", "/unmute bob", "/ban bob", "/unban bob", "/bans"):
            assert await refusal(alice.says(text)) == "forbidden"


async def test_a_permission_can_be_given_to_a_role(chat):
    settings = {"auth": {"permissions": {"member": ["moderation.mute"]}}}
    async with chat(plugins=["moderation"], settings=settings) as server:
        await cast(server)
        max_ = await server.account("max", "member")
        await max_.join("general")
        await max_.says("/mute bob")
        assert await refusal(max_.says("/kick bob")) == "forbidden"


@pytest.mark.parametrize("text", ["/kick ada", "/mute ada", "/ban ada", "/kick mo", "/kick mona"])
async def test_users_act_on_lower_ranks_only(chat, text):
    async with chat(plugins=["moderation"]) as server:
        mona, _, _ = await cast(server)
        for name, role in (("ada", "admin"), ("mo", "moderator")):
            other = await server.account(name, role)
            await other.join("general")
        assert await refusal(mona.says(text)) in ("forbidden", "invalid")


async def test_a_public_room_can_be_kept_civil_from_outside_and_a_private_one_cannot(chat):
    async with chat(plugins=["moderation"]) as server:
        (bob,) = await server.join("general", "bob")
        olga, mona = await server.account("olga"), await server.account("mona", "moderator")
        for kind, name in (("private", "secret"), ("public", "hall")):
            await server.api("POST", "rooms", {"name": name, "kind": kind}, token=olga.token)
        await mona.says("/mute bob", room="general")
        assert (await mona.hears("notice")).text == "bob is muted until you lift it."
        assert await refusal(bob.says("hello")) == "muted"
        assert await refusal(mona.says("/mute bob", room="secret")) == "not_found"


async def test_words_are_refused_in_messages_and_edits(chat):
    async with chat(plugins=SPAM) as server:
        alice, bob = await server.join("general", "alice", "bob")
        with pytest.raises(Refused) as refused:
            await alice.says("buy SPAM now")
        assert (refused.value.code, refused.value.error.plugin) == ("rejected", "moderation")
        sent = await alice.says("fine")
        assert await refusal(alice.ask("edit", message_id=sent.message_id, content="spam")) == "rejected"
        assert [event.content for event in await bob.heard()] == ["fine"]


@pytest.mark.parametrize(
    "text", ["spam", "SPAM!", "no spam.", "ｓｐａｍ", "sp\u200bam", "你見鬼了", "I like C++", "spam-free"]
)
def test_words_are_found(text):
    assert pattern(SPAM["moderation"]["words"]).search(plain(text))


@pytest.mark.parametrize("text", ["spammer", "antispam", "sp am", "見到鬼", "c", "c+"])
def test_words_inside_of_others_are_not(text):
    assert not pattern(SPAM["moderation"]["words"]).search(plain(text))


def test_no_words_forbid_nothing():
    assert pattern([]) is None
    assert pattern(["", " "]) is None


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(minutes=1), " for 1 minute"),
        (timedelta(seconds=90), " for 90 seconds"),
        (timedelta(hours=36), " for 36 hours"),
        (timedelta(days=7), " for 7 days"),
        (timedelta(0), " until you lift it"),
    ],
)
def test_times_are_told_in_their_largest_whole_unit(time, text):
    assert lasting(time) == text
