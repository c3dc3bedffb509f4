"""What may not be said, wherever others would see it; floods, repetitions, newcomers, and the lockdown."""

from __future__ import annotations

import pytest
from chatserver_plugins.moderation.filters import Filter, joined
from hypothesis import given
from hypothesis import strategies as st

from chatserver.model.errors import ConfigError, PluginError
from chatserver.testing import Refused


async def code(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("SPAM", True), ("ｓｐａｍ", True), ("sp\u200bam", True), ("s p a m", True), ("s.p-a_m!", True),
        ("buy s p a m now", True), ("spammer", False), ("spa mmm", False), ("a b c", False),
        ("call 0800-555123 now", True), ("0800 is a prefix", False),
    ],
)  # fmt: skip
def test_a_text_is_looked_at_in_its_forms(text, refused):
    assert Filter(["spam"], [r"0800.?\d{6}"]).refuses(text) == refused


@given(st.text(max_size=80))
def test_any_text_can_be_looked_at(text):
    Filter(["spam"], ["(a+)+$"]).refuses(text)
    assert len(joined(text)) <= len(text) + 2


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"\1", "[z-a]"])
async def test_a_bad_pattern_is_refused_with_its_reason(chat, pattern):
    with pytest.raises((ConfigError, PluginError), match="the syntax is that of RE2"):
        async with chat(plugins={"moderation": {"patterns": [pattern]}}):
            pass


async def test_a_filter_is_for_all_that_others_see(chat):
    plugins = {"basics": {}, "moderation": {"words": ["spam"]}, "files": {}}
    async with chat(plugins=plugins) as server:
        mia = await server.account("mia", "member")
        await mia.join("general")
        said = await mia.says("fine", "general")
        for work in (
            lambda: mia.says("spam", "general"),
            lambda: mia.ask("edit", message_id=said.message_id, content="spam"),
            lambda: mia.says("/topic spam", "general"),
            lambda: mia.ask("set_room", room="general", topic="s p a m"),
            lambda: mia.says("/nick spam", "general"),
            lambda: mia.ask("presence", status="online", text="spam"),
            lambda: mia.says("/away spam", "general"),
            lambda: mia.says("/me spam", "general"),
        ):
            assert await code(work()) == "rejected"
        for body in ({"name": "spam"}, {"name": "x1", "title": "Spam"}, {"name": "x2", "topic": "spam"}):
            status, answer = await server.api("POST", "rooms", body, token=mia.token)
            assert (status, answer.error["code"]) == (403, "rejected"), body
        status, answer = await server.api("POST", "guest", {"name": "spam"})
        assert (status, answer.error["code"]) == (403, "rejected")
        assert await code((await server.connect()).hello(name="Spam")) == "rejected"


async def test_floods_repetitions_and_links(chat, clock):
    limits = {"flood_messages": 3, "flood_seconds": 10, "repeats": 2, "links_per_message": 1}
    roles = {"warden": {"inherits": "moderator"}}
    async with chat(
        plugins={"moderation": limits}, clock=clock, settings={"auth": {"roles": roles}}
    ) as server:
        mona, wanda = await server.account("mona", "moderator"), await server.account("wanda", "warden")
        (bob,) = await server.join("general", "bob")
        for each in (mona, wanda):
            await each.join("general")
        for text in ("one", "two", "three"):
            await bob.says(text)
        assert await code(bob.says("four")) == "rate_limited"
        clock.seconds = 11
        await bob.says("Hello  there")
        await bob.says("hello there")
        assert await code(bob.says("HELLO THERE")) == "rejected"
        clock.seconds = 30
        assert await code(bob.says("https://a.example and https://b.example")) == "rejected"
        sent = await bob.says("https://a.example")
        # Nor are they put in afterwards.
        more = {"message_id": sent.message_id, "content": "https://a.example and https://b.example"}
        assert await code(bob.ask("edit", **more)) == "rejected"
        await bob.ask("edit", message_id=sent.message_id, content="this: https://a.example")
        clock.seconds = 400
        await bob.says("hello there")
        for _ in range(5):
            for each in (mona, wanda):
                await each.says("order! https://a.example https://b.example", "general")


async def test_newcomers_wait(chat, clock, on_file):
    limits = {"newcomer_minutes": 10, "newcomer_wait_seconds": 60}
    async with chat(plugins={"moderation": limits}, clock=clock, settings=on_file) as server:
        (bob,) = await server.join("general", "bob")
        assert await code(bob.says("hi")) == "rate_limited"
        clock.seconds = 61
        sent = await bob.says("hi")
        assert await code(bob.says("look: https://a.example")) == "rejected"
        more = {"message_id": sent.message_id, "content": "hi https://a.example"}
        assert await code(bob.ask("edit", **more)) == "rejected"
        token = bob.token
        await server.restart()
        clock.seconds = 601
        bob = await server.client(token=token)
        await bob.says("look: https://a.example", "general")


async def test_a_lockdown_keeps_newcomers_out_until_it_is_over(chat, clock):
    async with chat(plugins=["basics", "moderation"], clock=clock) as server:
        mona = await server.account("mona", "moderator")
        olga, bob = await server.join("general", "olga", "bob")
        await mona.join("general")
        clock.seconds = 3600
        raider = await server.client("raider")
        await raider.join("general")
        await mona.says("/lockdown on", "general")
        assert (await mona.hears("notice")).text == "The lockdown is on."
        assert await code(raider.says("raid", "general")) == "forbidden"
        assert await code((await server.connect()).hello(name="raider2")) == "forbidden"
        status, _ = await server.api("POST", "guest", {"name": "raider3"})
        assert status == 403
        await olga.says("we are here")
        assert await code(bob.says("/lockdown off", "general")) == "forbidden"
        await mona.says("/lockdown off", "general")
        await raider.says("hello", "general")
        await server.client("newcomer")
        entries = (await mona.ask("audit", search="lockdown")).entries
        assert [each["action"] for each in entries] == ["moderation:lockdown_off", "moderation:lockdown_on"]
