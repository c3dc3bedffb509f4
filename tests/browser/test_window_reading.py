"""Texts of any length, script and size, and how much the page is made of."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

# The characters in each line of a text, as the browser broke it.
LINES = """(node) => {
  const range = document.createRange(), lines = [];
  const text = node.firstChild;
  let top = null, count = 0;
  for (let at = 0; at < text.data.length; at += 1) {
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    const box = range.getClientRects()[0];
    if (!box) continue;
    if (top !== null && box.top > top + 2) { lines.push(count); count = 0; }
    top = box.top;
    count += 1;
  }
  return [...lines, count];
}"""

# Texts whose lines stand closer together than they are high.
CROWDED = """() => [...document.querySelectorAll("body *")].filter((node) => {
  if (![...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) return false;
  if (!node.checkVisibility({ visibilityProperty: true })) return false;
  if (node.closest(".visually-hidden, .avatar, .badge")) return false;
  const { lineHeight, fontSize } = getComputedStyle(node);
  return lineHeight !== "normal" && parseFloat(lineHeight) < parseFloat(fontSize) * 1.15;
}).map((node) => `${node.className} ${getComputedStyle(node).lineHeight}`)"""

# Messages whose parts lie over each other.
OVERLAPS = """() => [...document.querySelectorAll(".message")].filter((message) => {
  const boxes = [...message.children].filter((one) => one.matches(".text, .author, .quote, .files, .fold"))
    .map((one) => one.getBoundingClientRect());
  const meet = (one, other) => one.top < other.bottom - 4 && other.top < one.bottom - 4 &&
    one.left < other.right - 4 && other.left < one.right - 4;
  return boxes.some((box, index) => boxes.slice(index + 1).some((other) => meet(box, other)));
}).map((message) => message.textContent)"""


async def test_lines_are_about_90_characters_long_on_a_large_screen(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await bob.says("The quick brown fox jumps over the lazy dog, and then it rests for a while. " * 12)
        await bob.says("זהו משפט בעברית שנכתב מימין לשמאל")
        alice = await here.window(viewport={"width": 3840, "height": 2160})
        await alice.enter("alice")
        long = await alice.sees(re.compile("quick brown"))
        lines = await long.locator(".text").evaluate(LINES)
        assert all(75 <= count <= 105 for count in lines[:-1]), lines
        hebrew = (await alice.sees(re.compile("בעברית"))).locator(".text")
        assert (await hebrew.bounding_box())["width"] < 900


async def test_piled_marks_stay_within_their_message(stage):
    """Which fonts pile them up differs; that nothing is drawn outside its box doesn't."""
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        (alice,) = await here.guests("alice")
        sent = await bob.says("Z" + "\u0300" * 300 + "algo")
        await bob.says("an answer", reply_to=sent.message_id)
        await alice.sees("an answer")
        for place in (".text", ".quote .one-line", ".author"):
            overflow = await alice.log.locator(place).first.evaluate(
                "(node) => getComputedStyle(node).overflowY"
            )
            assert overflow in ("clip", "hidden"), place


async def test_a_very_long_message_is_folded(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        (alice,) = await here.guests("alice")
        await bob.says("word " * 1599 + "end")
        long = await alice.sees(re.compile("word word"))
        folded = (await long.bounding_box())["height"]
        assert folded < 400
        await bob.says("\n".join(f"line {number}" for number in range(60)))
        lines = await alice.sees(re.compile("line 59"))
        assert (await lines.bounding_box())["height"] < 400
        more = long.get_by_role("button", name="Show more")
        top = (await long.bounding_box())["y"]
        await more.click()
        less = long.get_by_role("button", name="Show less")
        await expect(less).to_be_attached()
        box = await long.bounding_box()
        assert box["height"] > 1000
        assert abs(box["y"] - top) < 1
        await bob.ask("presence", status="busy")
        await bob.says("/nick robert")
        await expect(long.locator(".author")).to_have_text("robert")
        assert (await long.bounding_box())["height"] > 1000
        await less.click()
        await expect(more).to_be_attached()


@pytest.mark.parametrize("density", ["comfortable", "compact"])
async def test_very_large_letters_do_not_overlap(stage, density):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        sent = await bob.says(
            "Several words that surely need more than one line when letters are twice as large. " * 3
        )
        await bob.says("a second one")
        await bob.says("an answer", reply_to=sent.message_id)
        alice = await here.window(viewport={"width": 1440, "height": 900})
        settings = json.dumps(json.dumps({"density": density}))
        await alice.page.add_init_script(f"""localStorage.setItem("chat.settings", {settings});
          addEventListener("DOMContentLoaded", () => {{ document.documentElement.style.fontSize = "32px"; }});""")
        await alice.enter("alice")
        await alice.sees("an answer")
        assert await alice.page.evaluate(CROWDED) == []
        assert await alice.page.evaluate(OVERLAPS) == []
        assert await alice.no_overflow()


async def test_a_page_of_messages_is_few_elements(stage):
    async with stage(plugins={"basics": {}, "history": {"replay": 200}}) as here:
        bob, carol = await here.server.join("general", "bob", "carol")
        for number in range(200):
            await (bob if number % 8 < 4 else carol).says(f"number {number}")
        (alice,) = await here.guests("alice")
        await alice.sees("number 199")
        assert await alice.log.locator(".message").count() >= 199
        assert await alice.page.evaluate("document.body.querySelectorAll('*').length") <= 800
