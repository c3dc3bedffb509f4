"""Polls as people ask and vote, one of them away for a while, and on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PLUGINS = ("basics", "history", "polls")


def poll(window, name="Lunch?"):
    return window.log.get_by_role("group", name=name)


def choice(window, name):
    return poll(window).get_by_role("button", name=re.compile(f"^{name}"))


async def test_two_people_vote_and_one_of_them_was_away(stage):
    async with stage(plugins=PLUGINS) as here, here.cable() as cable:
        here.forgive("ERR_|WebSocket connection")
        alice, bob = await here.window(), await here.window(cable.url, **PHONE)
        await alice.enter("alice")
        await bob.enter("bob")
        await alice.say('/poll "Lunch?" pizza "pad <b>thai</b>"')
        await choice(bob, "pad <b>thai").tap()
        for window in (alice, bob):
            await expect(choice(window, "pad <b>thai")).to_have_accessible_name(re.compile("1 vote, 100%"))
        await expect(choice(bob, "pad <b>thai")).to_have_attribute("aria-pressed", "true")
        await expect(choice(alice, "pad <b>thai")).to_have_attribute("aria-pressed", "false")
        await poll(alice).get_by_role("button", name="Who voted").click()
        await expect(poll(alice)).to_contain_text("bob")

        cable.cut()
        await expect(bob.page.locator("connection-line")).to_be_visible()
        await choice(alice, "pizza").press("Enter")
        await expect(choice(alice, "pizza")).to_have_accessible_name(re.compile("1 vote, 50%"))
        await expect(choice(alice, "pizza")).to_be_focused()
        cable.mend()
        await expect(choice(bob, "pizza")).to_have_accessible_name(re.compile("1 vote, 50%"))
        await expect(choice(bob, "pad <b>thai")).to_have_attribute("aria-pressed", "true")
        # A vote is taken back where it was given.
        await choice(bob, "pad <b>thai").tap()
        await expect(choice(alice, "pad <b>thai")).to_have_accessible_name(re.compile("0 votes"))
        assert await bob.no_overflow()

        await poll(alice).hover()
        await alice.page.get_by_role("button", name="More").click()
        await alice.page.get_by_role("menuitem", name="Close poll").click()
        for window in (alice, bob):
            await expect(poll(window)).to_contain_text("Closed")
            await expect(choice(window, "pizza")).to_have_attribute("aria-disabled", "true")


async def test_the_form_asks_and_nothing_is_left_once_it_is_off(stage):
    async with stage(plugins=PLUGINS) as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.room_menu("New poll…")
        dialog = alice.page.get_by_role("dialog", name="New poll")
        await dialog.get_by_label("Question").fill("Lunch?")
        await dialog.get_by_label("Choices, one in each line").fill("pizza\nsalad")
        await dialog.get_by_label("One may take several choices").check()
        await dialog.get_by_role("button", name="Ask").click()
        for name in ("pizza", "salad"):
            await choice(bob, name).click()
            await expect(choice(alice, name)).to_have_accessible_name(re.compile("1 vote, 100%"))
        await here.server.reload(plugins=("basics", "history"))
        for window in (alice, bob):
            await expect(poll(window)).to_have_count(0)
            await expect(window.log).to_contain_text("1. pizza")
        await here.server.reload(plugins=PLUGINS)
        for name in ("pizza", "salad"):
            await expect(choice(bob, name)).to_have_attribute("aria-pressed", "true")
            await expect(choice(alice, name)).to_have_accessible_name(re.compile("1 vote, 100%"))
