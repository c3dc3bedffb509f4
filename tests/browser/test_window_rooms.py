"""Rooms: making, naming, inviting, leaving, and being thrown out."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def member(here, name, role="member"):
    await here.server.services.accounts.add(name, "correct horse", role)
    window = await here.window()
    await window.sign_in(name)
    return window


async def create(window, title, **choices):
    await window.rooms.get_by_role("button", name="Create a room").click()
    dialog = window.page.get_by_role("dialog", name="Create a room")
    await dialog.get_by_label("Name", exact=True).fill(title)
    for label, option in choices.items():
        await dialog.get_by_label(label).select_option(option)
    await dialog.get_by_role("button", name="Create", exact=True).click()
    await expect(window.page.get_by_role("heading", level=1)).to_have_text(title)


async def test_a_room_is_made_and_others_come_in(stage):
    async with stage() as here:
        mona = await member(here, "mona")
        (alice,) = await here.guests("alice")
        await create(mona, "Weekend Plans")
        assert mona.page.url.endswith("#/weekend-plans")
        await mona.say("Who comes along?")
        await expect(alice.room("Weekend Plans")).to_have_accessible_name("Weekend Plans, not joined")
        await alice.open("Weekend Plans")
        await alice.sees("Who comes along?")
        await alice.say("Me")
        await mona.sees("Me")


async def test_the_same_address_twice_is_refused_in_the_dialog(stage):
    async with stage() as here:
        here.forgive("status of 409")
        mona = await member(here, "mona")
        await create(mona, "Once")
        await mona.rooms.get_by_role("button", name="Create a room").click()
        dialog = mona.page.get_by_role("dialog", name="Create a room")
        await dialog.get_by_label("Name", exact=True).fill("Once")
        await dialog.get_by_role("button", name="Create", exact=True).click()
        await expect(dialog.get_by_role("alert")).not_to_be_empty()
        await mona.page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(mona.rooms.get_by_role("button", name="Create a room")).to_be_focused()


async def test_a_private_room_is_for_the_invited(stage):
    async with stage() as here:
        mona = await member(here, "mona")
        alice, bob = await here.guests("alice", "bob")
        await create(mona, "Secret", **{"Who may come in": "private"})
        await mona.say("psst")
        await mona.room_menu("About this room")
        dialog = mona.page.get_by_role("dialog", name="Secret")
        await dialog.get_by_role("textbox", name="Invite").fill("alice")
        await dialog.get_by_role("button", name="Invite").click()
        await expect(mona.toasts).to_contain_text("alice is in.")
        await alice.open("Secret")
        await alice.sees("psst")
        await expect(bob.room("Secret")).to_have_count(0)
        await bob.page.goto(f"{here.url}/#/secret")
        await expect(bob.toasts).to_contain_text("There is no room “secret”")
        await expect(bob.page.get_by_role("heading", level=1)).to_have_text("General")


async def test_the_topic_is_changed_and_told(stage):
    async with stage() as here:
        mona = await member(here, "mona", "moderator")
        (alice,) = await here.guests("alice")
        await mona.room_menu("About this room")
        dialog = mona.page.get_by_role("dialog", name="General")
        await dialog.get_by_label("Topic").fill("All about the picnic")
        await dialog.get_by_role("button", name="Save").click()
        await expect(alice.page.locator(".room-topic")).to_have_text("All about the picnic")
        await expect(alice.log).to_contain_text("mona set the topic: All about the picnic")


async def test_leaving_a_room(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        (alice,) = await here.guests("alice")
        await alice.open("random")
        await alice.room_menu("Leave this room")
        dialog = alice.page.get_by_role("dialog", name="Leave this room: random")
        await expect(dialog).to_contain_text("You can join again at any time.")
        await dialog.get_by_role("button", name="Leave this room").click()
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("general")
        await expect(alice.room("random")).to_have_accessible_name("random, not joined")


async def test_who_leaves_the_last_room_is_shown_the_list(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.say("/leave")
        await expect(alice.composer).to_be_hidden()
        await expect(alice.log).to_contain_text("Choose one from the list.")
        await alice.open("General")
        # The command was no draft.
        await expect(alice.composer).to_have_value("")


async def test_a_user_kicked_is_told_where_they_wrote(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        mona = await member(here, "mona", "moderator")
        (alice,) = await here.guests("alice")
        for window in (mona, alice):
            await window.open("random")
        await alice.say("LOUD")
        await mona.sees("LOUD")
        await alice.type("and I am not done")
        await mona.say("/kick alice 10 shouting")
        line = alice.page.locator(".closed-line")
        await expect(line).to_contain_text(
            re.compile(r"mona removed you from random: shouting \(until .*\d:\d\d.*\)")
        )
        await expect(alice.composer).to_be_hidden()
        await expect(mona.log).to_contain_text(re.compile("mona removed alice.*shouting"))
        await alice.sees("LOUD")
        await line.get_by_role("button", name="Join").click()
        await expect(alice.toasts).to_contain_text(re.compile("random|banned|removed|back", re.IGNORECASE))
        await expect(line).to_be_visible()
        await alice.open("general")
        await expect(alice.composer).to_have_value("")
        await alice.room("random").click()
        await expect(alice.toasts).to_contain_text(re.compile("random|banned|removed|back", re.IGNORECASE))


async def test_an_archived_room_is_only_read(stage):
    async with stage() as here:
        mona = await member(here, "mona", "admin")
        await create(mona, "Old")
        await mona.say("the last word")
        await mona.sees("the last word")
        await mona.room_menu("About this room")
        await mona.page.get_by_role("dialog").get_by_role("button", name="Archive").click()
        await expect(mona.composer).to_be_enabled()
        await (
            mona.page.get_by_role("dialog", name="Archive: Old").get_by_role("button", name="Archive").click()
        )
        await expect(mona.page.locator(".closed-line")).to_have_text(
            "This room is archived: it can be read, not written in."
        )
        await expect(mona.composer).to_be_hidden()
        await expect(mona.log).to_contain_text("mona archived this room")


async def test_a_guest_who_may_not_is_not_offered_it(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await expect(alice.page.get_by_role("button", name="Create a room")).to_be_hidden()
        await alice.room_menu("About this room")
        dialog = alice.page.get_by_role("dialog", name="General")
        await expect(dialog).to_contain_text("No topic has been set.")
        await expect(dialog.get_by_role("button", name="Archive")).to_have_count(0)
