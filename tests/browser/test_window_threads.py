"""Threads as people use them, one of them away for a while, and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PLUGINS = ("basics", "markdown", "history", "reactions", "threads")


async def test_two_people_talk_in_a_thread_and_one_was_away(stage):
    async with stage(plugins=PLUGINS) as here, here.cable() as cable:
        here.forgive("ERR_|WebSocket connection")
        alice, bob = await here.window(cable.url), await here.window(**PHONE)
        await alice.enter("alice")
        await bob.enter("bob")
        await alice.say("Where to?")
        await (await bob.sees("Where to?")).locator(".text").tap()
        await bob.page.get_by_role("button", name="Open thread").tap()
        field = bob.page.get_by_role("textbox", name="Reply in this thread")
        await field.fill("/north")
        await field.press("Enter")
        replies = bob.page.locator(".threads-replies")
        await expect(replies.get_by_role("article")).to_have_count(1)
        await expect(replies).to_contain_text("/north")
        assert await bob.no_overflow()
        # It stands in the room, too, and below what it answers.
        await alice.sees("/north")
        line = alice.log.get_by_role("button", name=re.compile("^One reply"))
        await expect(line).to_have_text("One reply · one new")
        await expect(alice.rooms.get_by_role("button", name="Threads, one has news")).to_be_visible()
        await line.click()
        panel = alice.page.locator(".threads-panel")
        await expect(panel.locator(".threads-replies")).to_contain_text("/north")
        await expect(line).to_have_text("One reply")
        await expect(alice.rooms.get_by_role("button", name="Threads", exact=True)).to_be_visible()

        cable.cut()
        await expect(alice.page.locator("connection-line")).to_be_visible()
        await field.fill("Or south.")
        await field.press("Enter")
        await expect(replies.get_by_role("article")).to_have_count(2)
        cable.mend()
        await expect(panel.locator(".threads-replies").get_by_role("article")).to_have_count(2)
        await alice.page.reload()
        await alice.ready()
        # The panel has an address.
        await expect(panel.locator(".threads-replies")).to_contain_text("Or south.")

        await here.server.reload(plugins=("basics", "history"))
        for window in (alice, bob):
            await expect(window.page.locator(".threads-panel, .threads-line, .threads-open")).to_have_count(0)
        await here.server.reload(plugins=PLUGINS)
        await expect(alice.log.locator(".threads-line:visible")).to_have_text("2 replies")


async def test_a_reply_looks_beside_the_room_as_it_does_in_it(stage):
    async with stage(plugins=PLUGINS) as here:
        bob = await here.server.client("bob")
        await bob.join("general")
        first = await bob.says("Where to?")
        reply = await bob.ask(
            "message", room="general", content="**south** ||or not||", reply_to=first.message_id
        )
        (alice,) = await here.guests("alice")
        await alice.parts()
        await alice.log.get_by_role("button", name="One reply").click()
        south = alice.page.locator(".threads-replies").get_by_role("article")
        await expect(south.locator("strong")).to_have_text("south")
        await south.get_by_role("button", name="Spoiler").click()
        await expect(south.locator(".spoiler")).to_have_text("or not")
        await bob.ask("react", message_id=reply.message_id, emoji="👍")
        await expect(south.get_by_role("button", name="👍: bob")).to_be_visible()
        # The line in the room is still the room's own.
        await expect(alice.log.locator(".threads-line:visible")).to_have_text("One reply")
        await bob.ask("message", room="general", content="north", reply_to=first.message_id)
        await expect(alice.log.locator(".threads-line:visible")).to_have_text("2 replies")
        await expect(south).to_have_count(2)
