"""Reactions as people give them and take them back, and what is said when the server refuses one."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def test_a_reaction_is_taken_back_where_it_was_given(stage):
    async with stage(plugins=["reactions", "emoji", "history"]) as here, here.cable() as cable:
        here.forgive("ERR_|WebSocket connection")
        alice = await here.window(cable.url)
        await alice.enter("alice")
        bob = await here.server.client("bob")
        await bob.join("general")
        id = (await bob.says("hello", "general")).message_id
        await bob.ask("react", message_id=id, emoji="🎉")
        message = await alice.sees("hello")
        # The plugin's part is there.
        await expect(alice.log.get_by_role("button", name="🎉: bob")).to_have_text("🎉 1")
        await message.hover()
        thumb = alice.page.get_by_role("button", name="React with 👍")
        chip = alice.log.get_by_role("button", name="👍: alice")
        for _ in range(2):
            await thumb.click()
            await expect(chip).to_have_text("👍 1")
            await thumb.click()
            await expect(chip).to_have_count(0)

        # Any emoji, by its name.
        await alice.page.get_by_role("button", name="Another reaction").click()
        field = alice.page.get_by_role("searchbox", name="Find an emoji")
        await expect(field).to_be_focused()
        await field.fill("pizza")
        await alice.page.get_by_role("dialog").get_by_role("button", name="pizza", exact=True).click()
        pizza = alice.log.get_by_role("button", name="🍕: alice")
        await expect(pizza).to_have_text("🍕 1")
        await pizza.click(button="right")
        await expect(alice.page.get_by_role("dialog", name="🍕 one person")).to_contain_text("alice")
        await alice.page.keyboard.press("Escape")

        cable.cut()
        await expect(alice.page.locator("connection-line")).to_be_visible()
        await pizza.click()
        await expect(alice.page.locator(".toast")).to_contain_text("There is no connection to the server")
