"""Search, reactions and pins as people see them."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def test_two_react_and_both_see_who(stage):
    async with stage(plugins=["reactions", "history"]) as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("hello")
        message = await bob.sees("hello")
        await message.hover()
        await bob.page.get_by_role("button", name="React with 👍").click()
        for window in (alice, bob):
            await expect(window.log.get_by_role("button", name="👍: bob")).to_have_text("👍 1")
        await alice.log.get_by_role("button", name="👍: bob").click()
        both = bob.log.get_by_role("button", name="👍: bob, alice")
        await expect(both).to_have_text("👍 2")
        await expect(both).to_have_attribute("aria-pressed", "true")
        await both.click()
        await expect(bob.log.get_by_role("button", name="👍: alice")).to_have_attribute(
            "aria-pressed", "false"
        )
        # One who comes later sees the same.
        await bob.page.reload()
        await bob.ready()
        await expect(bob.log.get_by_role("button", name="👍: alice")).to_have_text("👍 1")
        await here.server.reload({"history": {}})
        await expect(bob.log.locator(".reaction")).to_have_count(0)


async def test_what_is_found_leads_to_its_message(stage):
    async with stage(plugins=["search", "history"]) as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("red <apples> & 你好世界")
        for number in range(25):
            await alice.say(f"filler {number}")
        await bob.sees("filler 24")
        await bob.page.keyboard.press("Control+f")
        field = bob.page.get_by_role("searchbox", name="Search messages")
        await expect(field).to_be_focused()
        await field.fill("APPLES 好世")
        await field.press("Enter")
        found = bob.page.get_by_role("listitem").get_by_role("button", name="red <apples> & 你好世界")
        await expect(found.locator("mark")).to_have_text(["apples", "好世"])
        await found.click()
        await expect(bob.message("red <apples> & 你好世界")).to_be_in_viewport()
        await bob.page.keyboard.press("Control+f")
        await field.fill("filler")
        await field.press("Enter")
        await expect(bob.page.locator(".search-result")).to_have_count(20)
        await bob.page.get_by_role("button", name="Show more").click()
        await expect(bob.page.locator(".search-result")).to_have_count(25)
        await field.fill("has:money")
        await field.press("Enter")
        await expect(bob.page.locator(".search-note")).to_have_text("has: takes file, link or image.")


async def test_search_goes_with_the_keys_and_says_when_it_can_not(stage):
    async with stage(plugins=["search", "pins", "history"]) as here, here.cable() as cable:
        here.forgive("ERR_|WebSocket connection")
        alice = await here.window(cable.url)
        await alice.enter("alice")
        await alice.say("hello world")
        await alice.sees("hello world")
        await alice.page.keyboard.press("Control+f")
        field = alice.page.get_by_role("searchbox", name="Search messages")
        results, note = alice.page.locator(".search-result"), alice.page.locator(".search-note")
        await field.press_sequentially("wor")
        await expect(results).to_have_count(1)
        await expect(alice.page.get_by_text("has:link, has:image")).to_be_visible()
        await field.fill("plums")
        await expect(note).to_have_text("Nothing was found.")
        await expect(results).to_have_count(0)
        await field.fill("")
        await expect(note).to_have_text("")

        cable.cut()
        await expect(alice.page.locator("connection-line")).to_be_visible()
        await field.fill("hell")
        await expect(note).to_contain_text("There is no connection to the server")
        cable.mend()
        await expect(results).to_have_count(1)

        cable.cut()
        await expect(alice.page.locator("connection-line")).to_be_visible()
        await alice.goto("#/general/pins")
        await expect(alice.page.get_by_role("complementary")).to_contain_text("There is no connection")
        cable.mend()
        await expect(alice.page.get_by_text("Nothing is pinned here.")).to_be_visible()


async def test_what_is_pinned_is_found_again(stage):
    async with stage(plugins=["pins", "history"]) as here:
        await here.server.account("alice", "member")
        alice = await here.window()
        await alice.sign_in("alice")
        (bob,) = await here.guests("bob")
        await alice.say("the plan")
        message = await alice.sees("the plan")
        await message.hover()
        await message.get_by_role("button", name="More").click()
        await alice.page.get_by_role("menuitem", name="Pin").click()
        await expect(bob.log.get_by_text("Pinned by alice")).to_be_visible()
        await bob.page.get_by_role("button", name="One pinned message").click()
        assert bob.page.url.endswith("#/general/pins")
        entry = bob.page.get_by_role("button", name="alice the plan")
        await expect(entry).to_be_visible()
        await message.hover()
        await message.get_by_role("button", name="More").click()
        await alice.page.get_by_role("menuitem", name="Unpin").click()
        await expect(bob.page.get_by_text("Nothing is pinned here.")).to_be_visible()
        await expect(bob.log.get_by_text("Pinned by alice")).to_have_count(0)
        await expect(bob.page.get_by_role("button", name="pinned message")).to_have_count(0)
