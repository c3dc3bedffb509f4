"""Keys, the switcher, panels with a way back, and menus that ask first."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def test_keys_call_what_the_table_says(stage):
    rooms = [{"name": name} for name in ("general", "random", "quiet")]
    async with stage(settings={"rooms": rooms}) as here:
        alice, bob = await here.guests("alice", "bob")
        page, press = alice.page, alice.page.keyboard.press
        for name in ("random", "quiet", "general"):
            await alice.open(name)
        await alice.say("one")
        message = await alice.sees("one")

        # All of them at once, and changed.
        await alice.log.focus()
        await press("?")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        await expect(dialog).to_contain_text("Alt+Shift+↓")
        await dialog.get_by_role("button", name="Change them").click()
        await page.get_by_role("button", name="Next room: Alt+↓").click()
        await press("Control+k")
        await expect(page.get_by_role("alert").filter(has_text="Go to a room")).to_be_visible()
        await expect(page.get_by_role("button", name="Next room: Ctrl+K")).to_be_focused()
        await press("Enter")
        await press("Alt+n")
        await expect(page.get_by_role("button", name="Next room: Alt+N")).to_be_focused()
        await press("Escape")
        await press("Alt+n")
        await expect(page.get_by_role("heading", level=1)).to_have_text("quiet")

        # The switcher: what is new comes first, a few letters are enough.
        await bob.open("random")
        await bob.say("news")
        await press("Control+k")
        options = page.get_by_role("dialog").get_by_role("option")
        await page.get_by_role("combobox").fill("rdm")
        await expect(options).to_have_count(1)
        await page.get_by_role("combobox").fill("")
        await press("Escape")
        await press("Alt+Shift+ArrowDown")
        await expect(page.get_by_role("heading", level=1)).to_have_text("random")
        await press("Control+k")
        await page.keyboard.type("bob")
        await press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("bob")

        # On a message that the keyboard has chosen; a mouse's press chooses none.
        await alice.open("general")
        await alice.log.focus()
        await press("ArrowUp")
        await expect(message).to_be_focused()
        await press("e")
        await expect(page.get_by_role("textbox", name="Edit")).to_be_focused()
        await press("Escape")
        await message.locator(".text").click()
        await page.keyboard.type("edible")
        await expect(alice.composer).to_have_value("edible")

        # A selection is copied, not typed over; what is pasted anywhere comes to the message field.
        await alice.type("")
        await page.evaluate("getSelection().selectAllChildren(document.querySelector('.message .text'))")
        await alice.log.focus()
        await press("Control+c")
        await expect(alice.composer).not_to_be_focused()
        await page.evaluate("""() => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", "pasted");
          const paste = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
          document.activeElement.dispatchEvent(paste);
        }""")
        await expect(alice.composer).to_have_value("pasted")
        await expect(alice.composer).to_be_focused()

        # A composition begins in the message field, too.
        await alice.type("")
        await alice.log.focus()
        await page.evaluate("""document.activeElement.dispatchEvent(
          new KeyboardEvent("keydown", { key: "Process", keyCode: 229, bubbles: true }))""")
        await expect(alice.composer).to_be_focused()
        await press("ArrowUp")
        await expect(page.get_by_role("textbox", name="Edit")).to_be_focused()


async def test_a_room_stays_unread_where_one_wants_it(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        for number in range(4):
            await bob.say(f"line {number}")
        await alice.sees("line 3")
        await (await alice.sees("line 2")).click(button="right")
        await alice.page.get_by_role("menuitem", name="Mark as unread from here").click()
        await expect(alice.room("General")).to_have_attribute("aria-label", re.compile("2 unread"))
        await expect(alice.log.locator(".unread + .message")).to_contain_text("line 2")
        await alice.page.reload()
        await alice.ready()
        await alice.composer.press("Escape")
        await expect(alice.room("General")).not_to_have_attribute("aria-label", re.compile("unread"))


async def test_panels_on_a_phone_have_a_way_back(stage):
    async with stage() as here:
        alice = await here.window(viewport={"width": 390, "height": 844}, has_touch=True)
        await alice.enter("alice")
        for back in ("gesture", "button"):
            await alice.page.get_by_role("button", name="People").tap()
            await expect(alice.people.get_by_role("button", name=re.compile("^alice"))).to_be_visible()
            await expect(alice.composer).to_be_hidden()
            if back == "gesture":
                await alice.page.go_back()
            else:
                await alice.people.get_by_role("button", name="Back").tap()
            await expect(alice.composer).to_be_visible()
        # The history is as it was: one step back is the list of rooms.
        await alice.page.go_back()
        await expect(alice.room("General")).to_be_visible()


async def test_public_rooms_are_found_by_search(stage):
    rooms = [{"name": f"room-{number}", "topic": f"about {number}"} for number in range(130)]
    async with stage(settings={"rooms": [{"name": "general"}, *rooms]}) as here:
        (alice,) = await here.guests("alice")
        await expect(alice.rooms.get_by_role("link")).to_have_count(21)
        await alice.rooms.get_by_role("button", name="Browse rooms").click()
        dialog = alice.page.get_by_role("dialog", name="Browse rooms")
        await expect(dialog.get_by_role("listitem")).to_have_count(50)
        await dialog.get_by_role("button", name="More").click()
        await expect(dialog.get_by_role("listitem")).to_have_count(100)
        await dialog.get_by_role("searchbox").fill("about 129")
        await expect(dialog.get_by_role("listitem")).to_have_count(1)
        await dialog.get_by_role("button", name=re.compile("room-129")).click()
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("room-129")
        await alice.rooms.get_by_role("searchbox", name="Filter rooms").fill("129")
        await expect(alice.rooms.get_by_role("link")).to_have_count(1)


async def test_the_focus_is_in_the_message_field_after_a_panel_is_closed_by_a_key(stage):
    async with stage() as here:
        alice = await here.window(viewport={"width": 1400, "height": 800})
        await alice.enter("alice")
        # The plugin's part comes after the page.
        await expect(alice.page.get_by_role("button", name="Search")).to_be_visible()
        await alice.page.keyboard.press("Control+f")
        await expect(alice.page.get_by_role("searchbox")).to_be_focused()
        await alice.page.keyboard.press("Escape")
        await expect(alice.composer).to_be_focused()


async def test_a_key_with_a_modifier_closes_a_menu_and_acts(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.page.get_by_role("button", name="Room menu").click()
        await expect(alice.page.get_by_role("menu")).to_be_visible()
        await alice.page.keyboard.press("Control+k")
        await expect(alice.page.get_by_role("combobox")).to_be_focused()
        await expect(alice.page.get_by_role("menu")).to_have_count(0)
