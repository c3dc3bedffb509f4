"""Read receipts as people see them, on a phone and by who was away."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PLUGINS = ("basics", "history", "receipts")


async def test_who_was_away_has_read_it_once_they_are_back(stage):
    async with stage(plugins=PLUGINS) as here, here.cable() as cable:
        here.forgive("ERR_|WebSocket connection")
        alice, bob = await here.window(**PHONE), await here.window(cable.url)
        await alice.enter("alice")
        await bob.enter("bob")
        await alice.say("first")
        line = alice.log.locator(".receipts-line:visible")
        await bob.sees("first")
        await expect(line).to_have_text("Read by bob")
        cable.cut()
        await expect(bob.page.locator("connection-line")).to_be_visible()
        await alice.say("second")
        await alice.sees("second")
        await expect(line).to_have_count(0)
        cable.mend()
        await bob.sees("second")
        await expect(line).to_have_text("Read by bob")
        assert await alice.no_overflow()
        await here.server.reload(plugins=("basics", "history"))
        await expect(alice.log.locator(".receipts-line")).to_have_count(0)
        await here.server.reload(plugins=PLUGINS)
        await expect(line).to_have_text("Read by bob")
        # Kept back from here on, also of who writes.
        settings = await bob.settings("Read receipts")
        # Empty until the server has said how it is.
        box = settings.get_by_label("Let others see how far I have read")
        await expect(box).to_be_checked()
        await box.uncheck()
        await expect(line).to_have_count(0)
        await bob.page.keyboard.press("Escape")
        await alice.say("third")
        await bob.sees("third")
        await bob.say("fourth")
        await alice.sees("fourth")
        carol = await here.server.client("carol")
        await carol.join("general")
        readers = (await carol.ask("receipts", room="general")).readers
        assert [each["user"]["name"] for each in readers] == ["alice"]
        await expect(line).to_have_count(0)
