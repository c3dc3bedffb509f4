"""What is on the screen follows what it shows, and stays the same node under the pointer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

ROOMS = {"rooms": [{"name": "general"}, {"name": "random"}, {"name": "third"}]}


async def press(page, target):
    """Put the mouse on something, and its button down."""
    await target.hover()
    await page.mouse.down()


async def test_a_press_on_a_room_reaches_it_whatever_comes_in(stage):
    async with stage(settings=ROOMS) as here:
        (alice,) = await here.guests("alice")
        for room in ("random", "third", "general"):
            await alice.open(room)
        (bob,) = await here.server.join("random", "bob")
        await bob.join("third")
        await press(alice.page, alice.room("random"))
        await bob.says("elsewhere", "third")
        await expect(alice.room("third")).to_have_attribute("aria-label", re.compile("1 unread"))
        await bob.says("in the room that is pressed", "random")
        await expect(alice.room("random")).to_have_attribute("aria-label", re.compile("1 unread"))
        await alice.page.mouse.up()
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("random")


async def test_a_press_on_a_user_reaches_them_whatever_comes_in(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        line = alice.people.get_by_role("button", name=re.compile("^bob"))
        await press(alice.page, line)
        await here.server.join("general", "anna")
        await bob.ask("presence", status="busy", text="tea")
        await expect(line).to_contain_text("tea")
        await alice.page.mouse.up()
        await expect(alice.page.get_by_role("dialog", name="bob")).to_be_visible()
        await expect(alice.people.get_by_role("button", name=re.compile("^anna"))).to_be_visible()


async def test_the_toolbar_stays_with_a_message_that_is_edited(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.say("first words")
        mine = await alice.sees("first words")
        other = await alice.tab()
        await mine.hover()
        await press(alice.page, mine.get_by_role("button", name="Edit"))
        await other.composer.press("ArrowUp")
        await other.page.get_by_role("textbox", name="Edit").fill("second words")
        await other.page.keyboard.press("Enter")
        await alice.sees("second words")
        await alice.page.mouse.up()
        await expect(alice.page.get_by_role("textbox", name="Edit")).to_have_value("second words")


async def test_a_quote_and_the_reply_being_written_follow_the_original(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        sent = await bob.says("an indiscretion")
        original = await alice.sees("an indiscretion")
        for _ in range(2):
            await original.hover()
            await original.get_by_role("button", name="Reply", exact=True).click()
            if not await alice.log.locator(".quote").count():
                await alice.say("what?")
                await alice.sees("what?")
        quotes = alice.log.locator(".quote")
        await expect(quotes).to_contain_text("an indiscretion")
        await expect(alice.page.locator(".reply-bar")).to_contain_text("an indiscretion")
        await bob.ask("edit", message_id=sent.message_id, content="a slip", rev=2)
        await expect(quotes).to_contain_text("a slip")
        await expect(alice.page.locator(".reply-bar")).to_contain_text("a slip")
        await bob.ask("delete", message_id=sent.message_id)
        await expect(quotes).to_contain_text("This message was deleted.")
        await expect(alice.page.locator(".reply-bar")).to_contain_text("It was deleted")
        text = await alice.page.evaluate("document.body.textContent + JSON.stringify(localStorage)")
        assert "indiscretion" not in text
        assert "a slip" not in text


async def test_a_quote_of_what_is_not_loaded_leads_there(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        first = await bob.says("the very first")
        for number in range(250):
            await bob.says(f"between {number}")
        await bob.says("an answer", reply_to=first.message_id)
        (alice,) = await here.guests("alice")
        answer = await alice.sees("an answer")
        await expect(alice.message("the very first")).to_have_count(0)
        quote = answer.locator(".quote")
        await expect(quote).to_contain_text("the very first")
        await bob.ask("edit", message_id=first.message_id, content="the first of all", rev=2)
        await expect(quote).to_contain_text("the first of all")
        await quote.click()
        await expect(await alice.sees(re.compile("^the first of all"))).to_be_in_viewport()
        await bob.ask("edit", message_id=first.message_id, content="the very first", rev=3)
        await expect(await alice.sees("the very first")).to_be_focused()


async def test_a_new_name_shows_everywhere_at_once(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        sent = await bob.says("by bob")
        await bob.says("/me waves")
        await bob.says("an answer", reply_to=sent.message_id)
        await alice.sees("an answer")
        await bob.says("/nick robert")
        for place in (".author", ".actor", ".quote b"):
            await expect(alice.log.locator(place).first).to_have_text("robert")
        await expect(alice.log.get_by_role("article", name=re.compile("^bob"))).to_have_count(0)


async def test_a_day_ends(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await bob.says("before midnight")
        alice = await here.window(timezone_id="UTC")
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        await alice.page.clock.install(time=midnight - timedelta(seconds=90))
        await alice.enter("alice")
        day = alice.log.locator(".day")
        await expect(day).to_have_text("Today")
        await alice.page.clock.fast_forward(100_000)
        await expect(day).to_have_text("Yesterday")


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
async def test_the_clock_is_the_one_of_the_region(stage, locale):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await bob.says("what time is it?")
        alice = await here.window(locale=locale, timezone_id="UTC")
        await alice.enter("alice")
        message = await alice.sees("what time is it?")
        await expect(message.locator("time")).to_have_text(re.compile(r"^\d{1,2}:\d\d$"))
        assert not re.search("[AP]M", await message.locator("time").get_attribute("title"))


async def test_the_toolbar_says_what_can_be_done_by_now_and_keeps_the_focus(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.say("look")
        message = await alice.sees("look")
        await message.hover()
        quick = message.get_by_role("toolbar").locator("[aria-pressed]").first
        await expect(quick).to_have_attribute("aria-pressed", "false")
        await quick.press("Enter")
        await expect(quick).to_have_attribute("aria-pressed", "true")
        await expect(quick).to_be_focused()
        await quick.press("Enter")
        await expect(message.locator(".reaction")).to_have_count(0)
