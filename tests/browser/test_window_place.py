"""Where the reader is: what stands still, where a room opens, and what counts as read."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

ROOMS = {"rooms": [{"name": "general"}, {"name": "random"}]}

# Where on the screen the first message that begins below the top edge stands.
EYE = """() => {
  const top = document.querySelector(".scroller").getBoundingClientRect().top;
  const node = [...document.querySelectorAll(".message")].find((one) => one.getBoundingClientRect().top >= top);
  return { id: node.dataset.id, y: node.getBoundingClientRect().top };
}"""
STANDS_AT = "(id) => document.querySelector(`[data-id='${id}']`)?.getBoundingClientRect().top"
SETTLED = (
    "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
)

# Keeps in `places` where the unread line stands in each frame that is painted.
WATCH_LINE = """() => {
  window.places = [];
  const look = () => {
    const line = document.querySelector(".unread");
    if (line) window.places.push(Math.round(line.getBoundingClientRect().top));
    requestAnimationFrame(look);
  };
  look();
}"""

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def words(number):
    """Different heights."""
    return f"number {number}" + " and a few words more" * (number % 7 * 6)


async def fill(client, count, room="general"):
    for number in range(count):
        await client.says(words(number), room)


def requests_of(page):
    """The WebSocket requests this page makes from now on."""
    sent = []

    def opened(socket):
        socket.on("framesent", lambda frame: sent.append(json.loads(frame)))

    page.on("websocket", opened)
    return sent


def paging(sent, room="general"):
    """The requests for a page, without the one that goes out with hello, before the room's read mark is known."""
    asked = [frame for frame in sent if frame["type"] in ("history", "join") and frame["room"] == room]
    return [frame["type"] for frame in asked if frame["id"] != "page"]


async def away(here, name="alice"):
    """A window that has left general for random, and another user in both."""
    (bob,) = await here.server.join("general", "bob")
    # Before she comes: what arrives while her page still loads opens at the unread line, with the rest out of sight.
    await fill(bob, 30)
    (alice,) = await here.guests(name)
    await alice.sees(re.compile(r"^number 29\b"))
    await has_read_all(here, name)
    await alice.open("random")
    return alice, bob


async def has_read_all(here, name, room="general"):
    """Wait until the server knows that a user has read all of a room."""
    services = here.server.server.services
    live = services.rooms.loaded(room)
    user = next(member.user for member in live.members.values() if member.user.name == name)

    async def read():
        lists = await services.room_lists.of(user)
        return next(each.read for each in lists.mine if each.room.name == room)

    async with asyncio.timeout(30):
        while await read() < live.position.seq:  # noqa: ASYNC110 - it asks the database
            # The server runs in this loop, and has to come to it.
            await asyncio.sleep(0.02)


# A page holds 50: its edge matters where the room itself is loaded, elsewhere a page and more than one do.
OPENED = [("reloaded there", count) for count in (3, 45, 49, 600)]
OPENED += [(how, count) for how in ("reloaded", "cached") for count in (45, 600)]


@pytest.mark.parametrize(("how", "count"), OPENED)
async def test_a_room_opens_at_the_unread_line_with_one_request(stage, count, how):
    async with stage(settings=ROOMS) as here:
        alice, bob = await away(here)
        for number in range(count):
            await bob.says(f"new {number}", "general")
        await expect(alice.room("general")).to_have_attribute("aria-label", re.compile(f"{count} unread"))
        sent = requests_of(alice.page)
        await alice.page.add_init_script(f"({WATCH_LINE})()")
        if how == "reloaded there":
            await alice.page.evaluate("history.replaceState(null, '', '#/general')")
        if how != "cached":
            await alice.page.reload()
            await alice.ready()
        else:
            await alice.page.evaluate(WATCH_LINE)
        await alice.open("general")
        await expect(alice.log.locator(".unread")).to_be_in_viewport()
        await expect(await alice.sees("new 0")).to_be_in_viewport()
        # Whatever would still move has had its time once the server has answered something later.
        await alice.type("x")
        await expect(alice.room("general")).to_be_visible()
        await alice.page.evaluate(SETTLED)
        places = await alice.page.evaluate("window.places")
        assert len(set(places)) == 1, places
        if how != "cached":
            assert len(paging(sent)) == 1, paging(sent)
        await expect(alice.log.locator(".unread")).to_have_count(1)
        before = await alice.page.evaluate("document.querySelector('.unread').nextElementSibling.textContent")
        assert "new 0" in before


async def test_what_was_out_of_sight_is_not_read_and_both_ends_can_be_reached(stage):
    async with stage(settings=ROOMS) as here:
        alice, bob = await away(here)
        for number in range(600):
            await bob.says(f"new {number}", "general")
        await alice.page.reload()
        await alice.ready()
        await alice.open("general")
        await expect(await alice.sees("new 0")).to_be_in_viewport()
        label = alice.room("general")
        await expect(label).to_have_attribute("aria-label", re.compile(r"5[5-9]\d unread"))
        await alice.page.get_by_role("button", name=re.compile(r"5[5-9]\d new messages")).click()
        await expect(await alice.sees("new 599")).to_be_in_viewport()
        await expect(label).not_to_have_attribute("aria-label", re.compile("unread"))
        back = alice.page.get_by_role("button", name="To the first unread message")
        await back.click()
        await expect(await alice.sees("new 0")).to_be_in_viewport()
        await expect(alice.log.locator(".unread")).to_be_in_viewport()
        await expect(back).to_be_hidden()
        await alice.page.get_by_role("button", name="To the newest messages").click()
        await expect(await alice.sees("new 599")).to_be_in_viewport()


async def test_reading_on_marks_what_comes_into_sight(stage):
    async with stage(settings=ROOMS) as here:
        alice, bob = await away(here)
        await fill(bob, 100)
        await alice.open("general")
        await expect(alice.log.locator(".unread")).to_be_in_viewport()
        unread = []
        await alice.page.locator(".scroller").hover()
        for _ in range(60):
            unread.append(
                int(
                    re.search(r"(\d+) unread|$", await alice.room("general").get_attribute("aria-label"))[1]
                    or 0
                )
            )
            if unread[-1] == 0:
                break
            await alice.page.mouse.wheel(0, 500)
            await alice.page.evaluate(SETTLED)
        assert unread[-1] == 0
        assert unread == sorted(unread, reverse=True)
        assert len(set(unread)) > 5


async def test_what_is_read_stands_still_when_the_window_changes(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await fill(bob, 60)
        (alice,) = await here.guests("alice")
        await expect(alice.message(re.compile(r"^number 59\b"))).to_be_in_viewport()
        await alice.page.locator(".scroller").hover()
        await alice.page.mouse.wheel(0, -2500)
        await expect(alice.page.get_by_role("button", name="To the newest messages")).to_be_visible()
        eye = await alice.page.evaluate(EYE)

        async def stands(what):
            await alice.page.evaluate(SETTLED)
            y = await alice.page.evaluate(STANDS_AT, eye["id"])
            assert abs(y - eye["y"]) < 1, what

        people = alice.page.get_by_role("button", name="People")
        for width in (1024, 760, 1440, 1280):
            await alice.page.set_viewport_size({"width": width, "height": 800})
            await stands(f"{width} wide")
        for height in (500, 800):
            await alice.page.set_viewport_size({"width": 1280, "height": height})
            await stands(f"{height} high")
        await people.click()
        await stands("the people are hidden")
        await alice.page.get_by_role("button", name="Show or hide the list of rooms").click()
        await stands("the rooms are hidden")
        await alice.page.get_by_role("button", name="Show or hide the list of rooms").click()
        settings = await alice.settings("Appearance")
        await settings.get_by_label("Density").select_option("Compact")
        await stands("compact")
        await settings.get_by_label("Density").select_option("Comfortable")
        await stands("comfortable")
        # What a picture of unknown size does when it comes.
        await alice.page.evaluate(
            "document.querySelector('.message').style.setProperty('padding-top', '333px')"
        )
        await stands("something above has grown")
        await settings.get_by_role("tab", name="Language").click()
        await settings.get_by_role("combobox", name="Language").select_option("简体中文")
        await stands("another language")


async def test_the_end_stays_when_the_window_changes(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await fill(bob, 60)
        (alice,) = await here.guests("alice")
        last = alice.message(re.compile(r"^number 59\b"))
        for size in ((700, 800), (1280, 420), (1440, 900)):
            await alice.page.set_viewport_size({"width": size[0], "height": size[1]})
            await alice.page.evaluate(SETTLED)
            await expect(last).to_be_in_viewport(ratio=1)


async def test_a_tab_that_was_hidden_shows_where_the_new_begins(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await fill(bob, 30)
        (alice,) = await here.guests("alice")
        await alice.sees(re.compile(r"^number 29\b"))
        await alice.page.evaluate(HIDE, True)
        for number in range(60):
            await bob.says(f"while away {number}")
        await alice.sees("while away 59")
        await alice.page.evaluate(HIDE, False)
        await expect(alice.log.locator(".unread")).to_be_in_viewport()
        await expect(await alice.sees("while away 0")).to_be_in_viewport()
        await expect(alice.room("General")).to_have_attribute("aria-label", re.compile(r"[2-4]\d unread"))
        await expect(alice.message("while away 59")).not_to_be_in_viewport()


async def test_news_while_far_above_keep_the_place_and_the_page_small(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await fill(bob, 120)
        (alice,) = await here.guests("alice")
        await alice.sees(re.compile(r"^number 119\b"))
        await alice.page.locator(".scroller").hover()
        await alice.page.mouse.wheel(0, -2500)
        await expect(alice.page.get_by_role("button", name="To the newest messages")).to_be_visible()
        await alice.page.evaluate(SETTLED)
        eye = await alice.page.evaluate(EYE)
        for number in range(500):
            await bob.says(f"news {number}")
        button = alice.page.get_by_role("button", name="500 new messages")
        await expect(button).to_be_visible()
        assert abs(await alice.page.evaluate(STANDS_AT, eye["id"]) - eye["y"]) < 1
        assert await alice.log.locator(".message").count() <= 410
        await button.click()
        await expect(await alice.sees("news 499")).to_be_in_viewport()


async def test_what_was_read_just_before_leaving_stays_read(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        (alice,) = await here.guests("alice")
        await bob.says("one")
        await alice.sees("one")
        # The next ones are read while the mark of the first waits to be told.
        for number in range(5):
            await bob.says(f"another {number}")
        await alice.sees("another 4")
        await alice.page.reload()
        await alice.ready()
        await alice.sees("another 4")
        await expect(alice.log.locator(".unread")).to_have_count(0)
