"""Commands in the message field: what is offered while one is typed."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def test_the_server_completes_what_only_it_knows(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.composer.press_sequentially("/help leav")
        await expect(alice.page.get_by_role("option")).to_contain_text(["leave"])
        await alice.page.keyboard.press("Tab")
        await expect(alice.composer).to_have_value("/help leave ")
        await alice.page.keyboard.press("Enter")
        await expect(alice.log).to_contain_text("/leave [ROOM]")
        # An answer that comes after the text has changed is not shown.
        await bob.composer.press_sequentially("/help leav")
        await bob.composer.fill("hello")
        await bob.page.keyboard.press("Enter")
        await expect(alice.log).to_contain_text("hello")
        await expect(bob.page.get_by_role("option")).to_have_count(0)


async def test_emoji_complete_by_their_names(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.composer.press_sequentially("done :tad")
        await expect(alice.page.get_by_role("option").first).to_contain_text(":tada:")
        await alice.composer.press("Tab")
        await expect(alice.composer).to_have_value("done 🎉 ")
        await alice.composer.press("Enter")
        await alice.sees("done 🎉")
