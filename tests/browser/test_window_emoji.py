"""The picker of emoji, and those of a server's own, as people use them on a desk and on a phone."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.async_api import expect

pytestmark = pytest.mark.browser


def cat():
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "orange").save(out, "PNG")
    return {"name": "Party Cat.png", "mimeType": "image/png", "buffer": out.getvalue()}


async def test_emoji_are_picked_for_messages_and_reactions(stage):
    async with stage(accounts={"alice": "member"}) as here:
        alice = await here.window()
        await alice.sign_in("alice")
        bob = await here.window(viewport={"width": 390, "height": 844}, has_touch=True, locale="zh-TW")
        await bob.goto()
        await bob.page.get_by_label("你的名字").fill("bob")
        await bob.page.keyboard.press("Enter")
        await bob.ready()

        # Words in one's own language, and in English; the last one is offered again.
        await bob.page.get_by_role("button", name="表情符號").click()
        field = bob.page.get_by_role("searchbox", name="尋找表情符號")
        picker = bob.page.get_by_role("dialog", name="表情符號")
        for typed in ("披薩", "pizza"):
            await field.fill(typed)
            await expect(picker.locator(".emoji-grid button").first).to_have_text("🍕")
        await field.press("Enter")
        await expect(bob.composer).to_have_value("🍕 ")
        await bob.composer.press("Enter")
        message = await alice.sees("🍕")
        await bob.page.get_by_role("button", name="表情符號").click()
        await expect(picker.locator(".emoji-grid button").first).to_have_text("🍕")
        assert await bob.no_overflow()
        await bob.page.keyboard.press("Escape")
        await expect(picker).to_have_count(0)

        # In a skin tone, as a reaction.
        await message.hover()
        await message.get_by_role("button", name="Another reaction").click()
        picker = alice.page.get_by_role("dialog", name="Emoji")
        await picker.get_by_role("button", name="Skin tone").click()
        await picker.get_by_role("searchbox").fill("waving hand")
        await picker.get_by_role("button", name="waving hand", exact=True).click()
        await expect(bob.log.locator(".reaction")).to_have_text("👋🏻 1")


async def test_a_member_adds_an_emoji_and_others_use_it(stage):
    async with stage(accounts={"alice": "member"}) as here:
        alice = await here.window()
        await alice.sign_in("alice")
        (bob,) = await here.guests("bob")
        dialog = await alice.settings("Emoji")
        await dialog.get_by_label("Picture").set_input_files(cat())
        await expect(dialog.get_by_label("Name", exact=True)).to_have_value("party_cat")
        await dialog.get_by_role("button", name="Add").click()
        await expect(dialog.get_by_role("listitem")).to_contain_text(":party_cat:")
        # The same once more is refused, in words.
        await dialog.get_by_label("Picture").set_input_files(cat())
        here.forgive("409")
        await dialog.get_by_role("button", name="Add").click()
        await expect(dialog.get_by_role("status")).not_to_be_empty()
        await alice.page.keyboard.press("Escape")

        # Guests may write it, not add some.
        await bob.type(":party")
        option = bob.page.get_by_role("option", name=":party_cat:")
        await expect(option).to_be_visible()
        await bob.composer.press("Tab")
        await expect(bob.composer).to_have_value(":party_cat: ")
        await bob.composer.press("Enter")
        image = alice.log.locator(".text img.emoji.large")
        await expect(image).to_have_js_property("naturalWidth", 64)
        message = alice.log.get_by_role("article").filter(has=alice.page.locator("img.emoji.large"))
        await message.hover()
        await message.get_by_role("button", name="Another reaction").click()
        picker = alice.page.get_by_role("dialog", name="Emoji")
        await picker.get_by_role("button", name="Of this server").click()
        await picker.get_by_role("button", name=":party_cat:").click()
        await expect(bob.log.locator(".reaction img")).to_have_js_property("naturalWidth", 64)
        dialog = await bob.settings("Emoji")
        await expect(dialog.get_by_role("listitem")).to_contain_text(":party_cat:")
        await expect(dialog.get_by_role("button", name="Add")).to_have_count(0)
        await expect(dialog.get_by_role("button", name="Remove")).to_have_count(0)
