"""Reminders as people plan them, on a phone, and by who is away when they come."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import expect

from chatserver.testing import Clock

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PLUGINS = ("basics", "history", "reminders")


async def test_what_is_planned_comes_while_one_is_away(stage):
    # The browser's own time is the machine's: what is planned lies ahead of it.
    clock = Clock(time.time())
    async with stage(plugins=PLUGINS, clock=clock) as here:
        alice, bob = await here.window(**PHONE), await here.window()
        await alice.enter("alice")
        await bob.enter("bob")
        await bob.say("buy milk")
        await (await alice.sees("buy milk")).locator(".text").tap()
        await alice.page.get_by_role("button", name="Remind me in an hour").tap()
        await expect(alice.toasts).to_contain_text("I will remind you")
        await bob.room_menu("Reminders and later messages")
        panel = bob.page.locator(".reminders-panel")
        await panel.get_by_label("Text").fill("Good morning")
        await panel.get_by_role("combobox").select_option("Send in this room")
        await panel.get_by_role("button", name="Plan").click()
        await expect(panel.get_by_role("listitem")).to_contain_text("into General")
        assert await alice.no_overflow()
        await alice.page.goto("about:blank")
        await clock.move(3700)
        await alice.goto()
        await alice.ready()
        await (
            alice.page.get_by_role("button", name="Back")
            .or_(alice.page.get_by_role("button", name="Rooms"))
            .first.tap()
        )
        await alice.room("reminders").tap()
        await alice.sees("⏰ bob: buy milk")
        await alice.page.get_by_role("button", name="Go to the message").tap()
        await alice.sees("buy milk")
        await clock.move(days=2)
        await bob.sees("Good morning")
        await expect(panel.get_by_role("listitem")).to_have_count(0)
        await here.server.reload(plugins=("basics", "history"))
        await expect(panel).to_have_count(0)
