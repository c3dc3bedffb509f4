"""Moderation as people do it: a report from a message's menu, the queue, the log, one's own record."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import expect

from chatserver.chat.retention import Retention
from chatserver.testing import Refused

pytestmark = pytest.mark.browser


async def code(work):
    with pytest.raises(Refused) as refused:
        await work
    return refused.value.code


async def test_an_owner_sets_the_rules_of_a_room_and_gives_roles(stage):
    async with stage(plugins=["history"], accounts={"olga": "member"}) as here:
        olga = await here.window()
        await olga.sign_in("olga")
        await olga.rooms.get_by_role("button", name="Create a room").click()
        dialog = olga.page.get_by_role("dialog", name="Create a room")
        await dialog.get_by_label("Name", exact=True).fill("Den")
        await dialog.get_by_role("button", name="Create", exact=True).click()
        await expect(olga.page.get_by_role("heading", level=1)).to_have_text("Den")
        bob = await here.server.client("bob")
        await bob.join("den")
        await olga.room_menu("About this room")
        dialog = olga.page.get_by_role("dialog", name="Den")
        await dialog.get_by_label("Slow mode").select_option("One message in 10 seconds")
        await dialog.get_by_label("Keep messages").select_option("For 30 days")
        await dialog.get_by_text("Who may do what here").click()
        await dialog.get_by_label("Change the topic: Members").select_option("No")
        await dialog.get_by_label("Guests may take part").uncheck()
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0)
        changed = await bob.hears("room", action="changed")
        assert (changed.slow_mode, changed.guests, changed.keep_days) == (10, False, 30)
        assert changed.permissions == {"member": {"deny": ["room.topic"]}}
        await olga.page.get_by_role("complementary").get_by_text("bob").click()
        await olga.page.get_by_role("combobox", name="Role in this room").select_option("moderator")
        assert (await bob.hears("member", action="role")).role == "moderator"
        # What is too old goes from the page, too, which says where the history begins.
        await olga.page.keyboard.press("Escape")
        await olga.say("soon gone")
        await olga.sees("soon gone")
        services = here.server.services
        later = Retention(
            services.store, services.rooms, services.notifier, 0, lambda: time.time() + 31 * 86_400
        )
        await later.step()
        await expect(olga.page.locator(".log")).not_to_contain_text("soon gone")
        await expect(olga.page.locator(".log")).to_contain_text("they are kept for 30 days")


async def test_a_report_is_made_worked_off_and_its_outcome_told(stage):
    async with stage(plugins=["moderation", "history"], accounts={"mona": "moderator"}) as here:
        bob = await here.server.client("bob")
        await bob.join("general")
        await bob.says("you fool", "general")
        ann = await here.window()
        await ann.enter("ann")
        message = await ann.sees("you fool")
        await message.click(button="right")
        await ann.page.get_by_role("menuitem", name="Report…").click()
        dialog = ann.page.get_by_role("dialog", name="Report bob")
        await dialog.get_by_role("button", name="Report", exact=True).click()
        await expect(dialog.get_by_role("alert")).not_to_be_empty()
        await dialog.get_by_role("textbox", name="What is wrong?").fill("insults me")
        await dialog.get_by_role("button", name="Report", exact=True).click()
        await expect(dialog).to_have_count(0)
        await expect(ann.page.locator(".toast")).to_contain_text("The moderators were told")

        mona = await here.window()
        await mona.sign_in("mona")
        await mona.page.get_by_role("button", name="One open report").click()
        entry = mona.page.locator(".moderation-entry")
        await expect(entry).to_contain_text("you fool")
        await expect(entry).to_contain_text("insults me")
        await mona.page.get_by_role("button", name="Words", exact=True).click()
        words = mona.page.get_by_label("What is not said in this room")
        await words.fill("fool\nnitwit")
        await mona.page.get_by_role("button", name="Save", exact=True).click()
        await expect(mona.page.locator(".toast")).to_contain_text("The words are saved")
        assert await code(bob.says("a fool", "general")) == "rejected"
        await mona.page.get_by_role("button", name="Reports", exact=True).click()
        await entry.get_by_role("button", name="I'll look at it").click()
        await expect(entry).to_contain_text("is being looked at · mona")
        await entry.get_by_role("button", name="Acted on").click()
        dialog = mona.page.get_by_role("dialog", name="Acted on")
        await dialog.get_by_role("textbox").fill("He was warned.")
        await dialog.get_by_role("button", name="Close the report").click()
        await expect(mona.page.locator(".moderation-list")).to_contain_text("There is nothing here.")
        await expect(mona.page.get_by_role("button", name="One open report")).to_be_hidden()
        await mona.page.get_by_role("button", name="Log", exact=True).click()
        await expect(entry.first).to_contain_text("Report closed: acted on")
        await expect(ann.page.locator("body")).to_contain_text("was acted on: He was warned.")


async def test_a_moderator_acts_from_a_persons_card(stage):
    async with stage(plugins=["moderation", "history"], accounts={"mona": "moderator"}) as here:
        bob = await here.server.client("bob")
        await bob.join("general")
        await bob.says("you fool", "general")
        mona = await here.window()
        await mona.sign_in("mona")
        await mona.sees("you fool")
        await mona.page.get_by_role("complementary").get_by_text("bob").click()
        await mona.page.get_by_role("button", name="Moderate…").click()
        dialog = mona.page.get_by_role("dialog", name="Moderate bob")
        await expect(dialog.get_by_label("For how long")).to_be_hidden()
        await dialog.get_by_label("What").select_option("Mute in this room")
        await dialog.get_by_label("For how long").select_option("1 hour")
        await dialog.get_by_label("Why").fill("insults")
        await dialog.get_by_role("button", name="Do it").click()
        await expect(dialog).to_have_count(0)
        muted = await bob.hears("member", action="muted")
        assert (muted.reason, "until" in muted) == ("insults", True)
