"""Reading what was said before, without losing one's place."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

# Where the first message that is wholly on the screen stands, and what it says.
# With a number, it scrolls there first, in one turn: nothing can be loaded between.
PLACE = """(to) => {
  const scroller = document.querySelector(".scroller"), top = scroller.getBoundingClientRect().top;
  if (to) scroller.scrollTop = to;
  const node = [...document.querySelectorAll(".message")].find((one) => one.getBoundingClientRect().top >= top);
  const y = Math.round(node.getBoundingClientRect().top - top);
  return { id: node.dataset.id, y, rows: document.querySelectorAll(".message").length };
}"""
STANDS = """({ id, rows }) => {
  const scroller = document.querySelector(".scroller"), top = scroller.getBoundingClientRect().top;
  const now = document.querySelectorAll(".message").length, node = document.querySelector(`[data-id="${id}"]`);
  return now !== rows && node && { y: Math.round(node.getBoundingClientRect().top - top) };
}"""


async def fill(here, count):
    (bob,) = await here.server.join("general", "bob")
    for number in range(count):
        # Different heights, and several days' worth of authors would only hide a jump.
        await bob.says(f"number {number}" + " and a few words more" * (number % 7 * 6))
    return bob


async def test_older_pages_come_without_a_jump(stage):
    async with stage() as here:
        await fill(here, 250)
        (alice,) = await here.guests("alice")
        await expect(alice.message(re.compile(r"^number 249\b"))).to_be_in_viewport()
        await alice.page.locator(".scroller").hover()
        for _ in range(3):
            # Scroll to where the next page is loaded, but not to the very top, and see that nothing moves.
            before = await alice.page.evaluate(PLACE, 700)
            moved = await alice.until(STANDS, before)
            assert abs(moved["y"] - before["y"]) <= 1
        for _ in range(20):
            await alice.page.mouse.wheel(0, -5000)
            if await alice.log.locator(".beginning").count():
                break
            await expect(alice.log.locator(".loading, .beginning")).to_have_count(1)
        await expect(alice.log.locator(".beginning")).to_be_attached()
        await expect(alice.message("number 0")).to_have_count(1)


async def test_who_reads_above_is_not_moved_by_news(stage):
    async with stage() as here:
        bob = await fill(here, 60)
        (alice,) = await here.guests("alice")
        await expect(alice.message(re.compile(r"^number 59\b"))).to_be_in_viewport()
        await alice.page.locator(".scroller").hover()
        await alice.page.mouse.wheel(0, -1500)
        jump = alice.page.get_by_role("button", name="To the newest messages")
        await expect(jump).to_be_visible()
        before = await alice.page.evaluate(PLACE)
        await bob.says("news 1")
        await bob.says("news 2")
        button = alice.page.get_by_role("button", name="2 new messages")
        await expect(button).to_be_visible()
        after = await alice.page.evaluate(PLACE)
        assert (after["id"], after["y"]) == (before["id"], before["y"])
        await button.click()
        await expect(await alice.sees("news 2")).to_be_in_viewport()
        await expect(button).to_be_hidden()
        await bob.says("news 3")
        await expect(await alice.sees("news 3")).to_be_in_viewport()


async def test_many_messages_keep_the_end_on_the_screen_and_the_page_small(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        bob = await fill(here, 450)
        await expect(alice.message(re.compile(r"^number 449\b"))).to_be_in_viewport()
        assert await alice.log.locator(".message").count() <= 410
        await bob.says("the end")
        await expect(await alice.sees("the end")).to_be_in_viewport()


async def test_without_history_a_newcomer_sees_nothing_older(stage):
    async with stage(plugins=["basics"]) as here:
        (bob,) = await here.server.join("general", "bob")
        await bob.says("before")
        (alice,) = await here.guests("alice")
        await expect(alice.log).to_contain_text("This server shows what is said from the moment you come in.")
        await bob.says("after")
        await alice.sees("after")
        assert await alice.texts() == ["after"]
