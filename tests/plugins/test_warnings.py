"""Warnings and their steps, and the last messages of a user deleted at once."""

from __future__ import annotations

import pytest

from chatserver.model.errors import ConfigError, PluginError
from chatserver.testing import Refused


async def code(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


async def cast(server):
    mona, bob = await server.account("mona", "moderator"), await server.client("bob")
    for client in (mona, bob):
        await client.join("general")
    return mona, bob


async def test_warnings_count_and_have_their_steps(chat, clock):
    plugins = {"moderation": {"warning_steps": ["2 mute 10", "3 ban 0"], "warning_days": 7}}
    async with chat(plugins=plugins, clock=clock) as server:
        mona, bob = await cast(server)
        await mona.says("/warn bob be kind", "general")
        assert (await mona.hears("notice")).text == "bob was warned: 1 warning by now."
        told = await bob.hears("notice")
        assert (told.text, told.level) == ("mona warns you: be kind (warning 1)", "warn")
        (entry,) = (await bob.ask("audit", user="bob")).entries
        assert (entry["action"], entry["reason"], entry["detail"]) == (
            "moderation:warned",
            "be kind",
            "warning 1",
        )
        clock.days = 8
        await mona.says("/warnings bob", "general")
        assert (await mona.hears("notice")).text == "bob has no warnings."
        await mona.says("/warn bob again", "general")
        await mona.says("/warn bob and again", "general")
        await mona.hears("notice", text="bob was warned: 2 warnings by now. They are muted now.")
        assert await code(bob.says("but", "general")) == "muted"
        await mona.says("/warnings bob", "general")
        await mona.hears("notice", text="by mona in #general: and again\nby mona in #general: again")
        await mona.says("/warn bob enough", "general")
        assert await code(bob.join("general")) == "banned"


async def test_the_owner_of_a_room_sees_the_warnings_of_this_room_alone(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, bob = await cast(server)
        olga = await server.account("olga", "member")
        status, _ = await server.api("POST", "rooms", {"name": "den"}, token=olga.token)
        assert status == 201
        await olga.join("den")
        await bob.join("den")
        await mona.says("/warn bob be kind", "general")
        await mona.hears("notice")
        await olga.says("/warnings bob", "den")
        assert (await olga.hears("notice")).text == "bob has no warnings."
        await olga.says("/warn bob be quiet", "den")
        await olga.hears("notice")
        await olga.says("/warnings bob", "den")
        assert (await olga.hears("notice")).text == "by olga in #den: be quiet"
        await mona.says("/warnings bob", "general")
        assert (await mona.hears("notice")).text == "by olga in #den: be quiet\nby mona in #general: be kind"


async def test_whom_a_warning_may_not_be_for(chat):
    async with chat(plugins=["moderation"]) as server:
        mona, bob = await cast(server)
        await server.account("max", "moderator")
        assert await code(mona.says("/warn max x", "general")) == "forbidden"
        assert await code(mona.says("/warn mona x", "general")) == "invalid"
        assert await code(mona.says("/warn bob", "general")) == "invalid"
        assert await code(bob.says("/warn mona x", "general")) == "forbidden"
        assert await code(bob.says("/warnings bob", "general")) == "forbidden"


@pytest.mark.parametrize(
    "steps", [["mute"], ["0 mute 5"], ["3 shout 5"], ["3 mute -1"], ["3 mute 5", "3 ban 5"]]
)
async def test_a_step_that_is_none_is_a_mistake_in_the_settings(chat, steps):
    with pytest.raises((ConfigError, PluginError), match="step"):
        async with chat(plugins={"moderation": {"warning_steps": steps}}):
            pass


async def test_the_last_messages_of_a_user_are_deleted(chat):
    async with chat(plugins=["moderation", "history"]) as server:
        mona, bob = await cast(server)
        for number in range(5):
            await bob.says(f"rubbish {number}", "general")
            await mona.says(f"order {number}", "general")
        await mona.says("/purge bob 3", "general")
        assert (await mona.hears("notice")).text == "3 messages of bob were deleted."
        events = (await mona.ask("history", room="general")).events
        left = [each["content"] for each in events if each["type"] == "message" and not each.get("deleted")]
        assert left == ["rubbish 0", "order 0", "rubbish 1", "order 1", "order 2", "order 3", "order 4"]
        await mona.says("/purge bob 100", "general")
        assert (await mona.hears("notice")).text == "2 messages of bob were deleted."
        for text, wrong in (
            ("/purge bob 0", "invalid"),
            ("/purge bob 101", "invalid"),
            ("/purge bob many", "invalid"),
            ("/purge nemo 1", "not_found"),
        ):
            assert await code(mona.says(text, "general")) == wrong
        assert await code(bob.says("/purge mona 1", "general")) == "forbidden"
        await server.account("max", "moderator")
        assert await code(mona.says("/purge max 1", "general")) == "forbidden"
