"""Everything that can be done, with a finger."""

from __future__ import annotations

import re

import pytest
from browser_kit import UNREACHABLE
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TABLET = {"viewport": {"width": 1024, "height": 768}, "has_touch": True, "is_mobile": True}


async def talking(here, device):
    """A window with an own message and one of another user, who may be moderated."""
    alice = await here.window(**device, permissions=["clipboard-read", "clipboard-write"])
    await alice.enter("alice")
    (bob,) = await here.server.join("general", "bob")
    await bob.says("from bob")
    await alice.sees("from bob")
    await alice.say("my own")
    await alice.sees("my own")
    return alice, bob


@pytest.mark.parametrize("device", [PHONE, TABLET], ids=["phone", "tablet"])
async def test_a_tapped_action_acts(stage, device):
    async with stage() as here:
        alice, _ = await talking(here, device)
        page, own = alice.page, alice.message("my own")

        async def act(message, name):
            await message.locator(".text").tap()
            await page.get_by_role("button", name=name, exact=True).tap()

        await act(alice.message("from bob"), "Reply")
        await expect(page.get_by_text("Reply to bob:")).to_be_visible()
        await expect(alice.composer).to_be_focused()
        await page.get_by_role("button", name="Don’t reply").tap()
        await act(own, "Copy link")
        await expect(alice.toasts).to_contain_text("The link was copied.")
        assert "/#/general/" in await page.evaluate("navigator.clipboard.readText()")
        await act(own, "Edit")
        editor = page.get_by_role("textbox", name="Edit")
        await editor.fill("my better one")
        await page.get_by_role("button", name="Save").tap()
        better = await alice.sees(re.compile("my better one"))
        await act(better, "Delete")
        dialog = page.get_by_role("dialog", name="Delete this message?")
        await dialog.get_by_role("button", name="Delete").tap()
        await alice.sees("This message was deleted.")
        await expect(page.locator(".sheet")).to_have_count(0)


async def test_the_sheet_shows_what_hovering_shows_and_closes(stage):
    async with stage() as here:
        alice, bob = await talking(here, PHONE)
        await bob.says("and more")
        message = await alice.sees("and more")
        await message.locator(".text").tap()
        sheet = alice.page.get_by_role("dialog", name="Message actions")
        await expect(sheet).to_contain_text(re.compile(r"bob.*\d{4}.*\d\d:\d\d"))
        await expect(sheet.get_by_role("button", name="Edit")).to_have_count(0)
        await alice.page.touchscreen.tap(200, 60)
        await expect(sheet).to_have_count(0)
        await expect(alice.composer).to_be_visible()
        # Tapping something that acts by itself does that and no more.
        await bob.says("see https://example.org/")
        link = (await alice.sees("see https://example.org/")).get_by_role("link")
        await link.evaluate("(node) => node.addEventListener('click', (event) => event.preventDefault())")
        await link.tap()
        await expect(sheet).to_have_count(0)


async def test_a_jump_to_a_message_brings_no_toolbar_to_a_phone(stage):
    async with stage() as here:
        alice, _ = await talking(here, PHONE)
        other = alice.message("from bob")
        await other.evaluate("(node) => node.focus()")
        await expect(other).to_be_focused()
        await expect(alice.page.get_by_role("toolbar", name="Message actions")).to_have_count(0)


async def test_back_closes_a_sheet_and_a_dialog_and_leaves_the_room_after_that(stage):
    async with stage() as here:
        alice, _ = await talking(here, PHONE)
        page, sheet = alice.page, alice.page.get_by_role("dialog", name="Message actions")
        await alice.message("my own").locator(".text").tap()
        await expect(sheet).to_be_visible()
        await page.go_back()
        await expect(sheet).to_have_count(0)
        await expect(alice.composer).to_be_visible()
        # Closed otherwise, it leaves nothing to go back to; one dialog may follow another.
        await alice.message("my own").locator(".text").tap()
        await page.get_by_role("button", name="Delete", exact=True).tap()
        await expect(page.get_by_role("dialog")).to_have_count(1)
        await page.get_by_role("dialog").get_by_role("button", name="Cancel").tap()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await page.evaluate(
            "async () => { while (history.state?.layer) await new Promise((next) => setTimeout(next, 20)); }"
        )
        # Menus, cards and pickers are left in the same way.
        await page.get_by_role("button", name="Room menu").tap()
        await expect(page.get_by_role("menu")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_role("menu")).to_have_count(0)
        await page.get_by_role("button", name="People").tap()
        await alice.people.get_by_role("button", name="bob").tap()
        await expect(page.get_by_role("dialog", name="bob")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_role("dialog", name="bob")).to_be_hidden()
        await expect(alice.people).to_be_visible()
        await page.go_back()
        await expect(alice.composer).to_be_visible()
        await page.get_by_role("button", name="Emoji").tap()
        await expect(page.locator(".emoji-picker")).to_be_visible()
        await page.go_back()
        await expect(page.locator(".emoji-picker")).to_be_hidden()
        await expect(alice.composer).to_be_visible()
        await page.go_back()
        await expect(alice.composer).to_be_hidden()
        # Without a connection that is said in the list of rooms, too.
        here.forgive(UNREACHABLE)
        await page.context.set_offline(True)
        await expect(page.locator("connection-line")).to_be_visible()
