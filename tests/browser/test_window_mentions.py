"""Mentions as people see them: while they were away, on two devices, and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PLUGINS = {"basics": {}, "history": {}, "mentions": {"groups": {"kitchen": ["bob"]}}}
ROOMS = {"rooms": [{"name": "general", "title": "General"}, {"name": "tea", "title": "Tea"}]}


async def start(here):
    """Mona in the protocol, and a window of Bob's, who is in both rooms."""
    mona, client = await here.server.account("mona", "moderator"), await here.server.account("bob", "member")
    for room in ("general", "tea"):
        await mona.join(room)
        await client.join(room)
    await client.leave()
    bob = await here.window()
    await bob.sign_in("bob")
    return mona, bob


def opener(window):
    return window.rooms.get_by_role("button", name=re.compile("^Mentions"))


async def test_who_was_away_finds_what_was_for_them(stage):
    async with stage(plugins=PLUGINS, settings=ROOMS) as here:
        mona, bob = await start(here)
        await bob.page.close()
        await mona.says("@room cake is here", "tea")
        await mona.says("@kitchen please", "tea")
        await mona.says("and @bob alone", "tea")
        phone = await here.window(**PHONE)
        await phone.sign_in("bob")
        back = phone.page.get_by_role("button", name="Back")
        await back.or_(phone.page.get_by_role("button", name="Rooms")).first.tap()
        await expect(opener(phone)).to_have_accessible_name("Mentions, 3 are new")
        await opener(phone).tap()
        panel = phone.page.locator(".mentions-panel")
        await expect(panel.get_by_role("listitem")).to_have_count(3)
        await expect(panel.get_by_role("listitem").first).to_contain_text("and @bob alone")
        assert await phone.no_overflow()
        await panel.get_by_role("button", name="cake is here").tap()
        marked = await phone.sees("@room cake is here")
        await expect(marked).to_have_attribute("data-mention", "")
        await expect(marked).to_contain_text("For @room")


async def test_a_mention_is_counted_on_both_devices_and_read_on_both(stage):
    async with stage(plugins=PLUGINS, settings=ROOMS) as here:
        mona, bob = await start(here)
        other = await here.window()
        await other.sign_in("bob")
        for window in (bob, other):
            await window.open("General")
        await mona.says("@room cake", "tea")
        for window in (bob, other):
            await expect(opener(window)).to_have_accessible_name("Mentions, one is new")
        await opener(bob).click()
        await bob.page.locator(".mentions-panel").get_by_role("button", name="cake").click()
        await bob.sees("@room cake")
        for window in (bob, other):
            await expect(opener(window)).to_have_accessible_name("Mentions")
        # What one is told of is the same on both, and what is called is completed.
        await bob.room_menu("Notify: nothing")
        await other.open("Tea")
        await other.page.get_by_role("button", name="Room menu").click()
        await expect(other.page.get_by_role("menuitemradio", name="Notify: nothing")).to_have_attribute(
            "aria-checked", "true"
        )
        await other.page.keyboard.press("Escape")
        await other.composer.press_sequentially("@kit")
        await expect(other.page.get_by_role("option")).to_contain_text("kitchen")
        await other.composer.fill("")

        await here.server.reload(plugins={"basics": {}, "history": {}})
        for window in (bob, other):
            await expect(opener(window)).to_have_count(0)
        await expect(bob.page.locator(".mentions-panel")).to_have_count(0)
        await expect(bob.log.locator(".mentions-mark")).to_have_count(0)
        await here.server.reload(plugins=PLUGINS)
        await expect(opener(bob)).to_have_count(1)
