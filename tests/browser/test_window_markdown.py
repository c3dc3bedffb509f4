"""Markdown as people see it: what is rendered, code that is copied, spoilers, and keys for the composer."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

ROOMS = [{"name": "general", "title": "General"}, {"name": "tea", "title": "Tea"}]

EVERYTHING = """# Title

**bold** _it_ ~~gone~~ `code` https://a.example/a_b_c
next line

> quoted

- [ ] milk
- [x] tea

| a | b |
|---|--:|
| 1 | 2 |

```python
x = 1
```"""


async def test_a_message_is_drawn_as_it_was_meant(stage):
    async with stage(plugins=["markdown", "history"]) as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say(EVERYTHING)
        text = bob.log.locator(".text").last
        for role, name in (
            ("heading", "Title"),
            ("link", "https://a.example/a_b_c"),
            ("table", None),
            ("blockquote", None),
        ):
            await expect(text.get_by_role(role, name=name)).to_be_visible()
        await expect(text.get_by_role("listitem")).to_have_text(["☐ milk", "☑ tea"])
        await expect(text.locator("strong")).to_have_css("font-weight", "600")
        await expect(text.get_by_role("cell", name="2")).to_have_css("text-align", "end")
        plain, number = text.locator("pre code"), text.locator("pre .mi")
        assert await plain.evaluate("(n) => getComputedStyle(n).color") != await number.evaluate(
            "(n) => getComputedStyle(n).color"
        )


async def test_code_is_copied_and_a_spoiler_shown_by_keyboard(stage):
    async with stage(plugins=["markdown", "history"]) as here:
        alice, bob = await here.guests("alice", "bob")
        await bob.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await alice.say("```python\nx = [1]\n```\nand ||it was *him*||")
        text = bob.log.locator(".text", has=bob.page.locator("pre"))
        await text.locator("pre").hover()
        await text.get_by_role("button", name="Copy").click()
        await expect(text.get_by_role("button", name="Copied")).to_be_visible()
        assert await bob.page.evaluate("navigator.clipboard.readText()") == "x = [1]\n"
        spoiler = text.get_by_role("button", name="Spoiler")
        await expect(text.locator("em")).to_be_hidden()
        await spoiler.press("Enter")
        await expect(text.locator(".spoiler")).to_be_focused()
        await expect(text.locator("em")).to_be_visible()
        # What comes after it doesn't close it, nor take the button away.
        await alice.say("more")
        await bob.sees("more")
        await expect(text.locator("em")).to_be_visible()
        await expect(bob.log.locator(".code-tools")).to_have_count(1)


async def test_a_preview_shows_what_will_be_sent(stage):
    async with stage(plugins=["markdown", "emoji", "history"], settings={"rooms": ROOMS}) as here:
        (alice,) = await here.guests("alice")
        await alice.parts()
        button = alice.page.get_by_role("button", name="Preview", exact=True)
        shown = alice.page.get_by_role("region", name="Preview")
        await expect(button).to_be_hidden()
        await alice.composer.press_sequentially("so **good** :tada:")
        await button.click()
        await expect(shown.locator("strong")).to_have_text("good")
        await expect(shown).to_contain_text("🎉")
        # It follows what is written.
        await alice.type("`code` ||secret||")
        await expect(shown.locator("code")).to_have_text("code")
        await expect(shown.locator(".spoiler")).to_be_visible()
        await alice.composer.press("Control+Alt+p")
        await expect(shown).to_be_hidden()
        await alice.composer.press("Control+Alt+p")
        await expect(shown).to_be_visible()
        await alice.composer.press("Enter")
        await expect(shown).to_be_hidden()
        await expect(button).to_be_hidden()
        await expect(alice.log.locator(".text code")).to_have_text("code")
        # The draft of another room has a preview of its own.
        await alice.type("here")
        await expect(shown).to_have_text("here")
        await alice.page.goto(f"{alice.url}/#/tea")
        await expect(shown).to_be_hidden()


KEYS = [
    ("so good", (3, 7), "Control+b", "so **good**"),
    ("so **good**", (5, 9), "Control+b", "so good"),
    ("so **good**", (5, 9), "Control+i", "so ***good***"),
    ("so ***good***", (6, 10), "Control+i", "so **good**"),
    ("so good", (3, 7), "Control+k", "so [good](https://)"),
    ("", (0, 0), "Control+e", "``"),
    ("- one", (5, 5), "Shift+Enter", "- one\n- "),
    ("- one\n- ", (8, 8), "Shift+Enter", "- one\n"),
    ("9. [x] one", (10, 10), "Shift+Enter", "9. [x] one\n10. [ ] "),
    ("one", (3, 3), "Shift+Enter", "one\n"),
]


async def test_keys_write_markup_and_the_browser_takes_it_back(stage):
    async with stage(plugins=["markdown", "history"]) as here:
        (alice,) = await here.guests("alice")
        area = alice.composer
        for text, selected, key, expected in KEYS:
            await area.fill(text)
            await area.evaluate("(area, [start, end]) => area.setSelectionRange(start, end)", selected)
            await area.press(key)
            await expect(area).to_have_value(expected)
            await area.press("Control+z")
            await expect(area).to_have_value(text)
        await area.fill("so good")
        await area.select_text()
        await area.press("Control+b")
        await area.press("Enter")
        await expect(alice.log.locator("strong")).to_have_text("so good")


async def test_enter_begins_a_line_in_a_block_of_code(stage):
    async with stage(plugins=["markdown", "history"]) as here:
        (alice,) = await here.guests("alice")
        await alice.composer.press_sequentially("```\nx = 1\n```")
        await expect(alice.composer).to_have_value("```\nx = 1\n```")
        await alice.composer.press("Enter")
        await expect(alice.log.locator("pre")).to_have_text(re.compile("x = 1"))


async def test_a_spoiler_is_hidden_in_forced_colours_and_words_in_tables_are_whole(stage):
    async with stage(plugins=["markdown", "history"]) as here:
        alice = await here.window(viewport={"width": 390, "height": 700}, forced_colors="active")
        await alice.enter("alice")
        (bob,) = await here.server.join("general", "bob")
        cells = "|".join(["wonderful"] * 12)
        await bob.says(f"||secret||\n\n|{cells}|\n{'|---' * 12}|\n|{cells}|")
        spoiler = alice.log.locator(".spoiler")
        await expect(spoiler).to_have_css("color", "rgba(0, 0, 0, 0)")
        narrow = "(cells) => cells.filter((cell) => cell.getClientRects()[0].height > 40).length"
        assert await alice.log.locator("td").evaluate_all(narrow) == 0


async def test_a_spoiler_stays_hidden_where_no_markup_is_shown(stage):
    async with stage(plugins=["markdown", "history"]) as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        await bob.says("it was ||the *gardener*|| and `x`")
        message = await alice.sees(re.compile("it was"))
        await message.hover()
        await message.get_by_role("button", name="Reply", exact=True).click()
        await expect(alice.page.locator(".reply-bar")).to_contain_text("it was ▇▇▇ and x")
        await alice.say("oh")
        await expect(alice.log.locator(".quote")).to_contain_text("it was ▇▇▇ and x")


async def test_a_formula_is_shown_and_a_wide_one_makes_the_page_no_wider(stage):
    async with stage(plugins=["markdown", "history"]) as here:
        alice = await here.window(viewport={"width": 390, "height": 700})
        await alice.enter("alice")
        (bob,) = await here.server.join("general", "bob")
        await bob.says(f"so $\\frac{{a}}{{b}}$ is\n\n$${'x+' * 120}y$$\n\nthe end")
        formulas = alice.log.locator("math")
        await expect(formulas).to_have_count(2)
        fraction = "({children: [a, b]}) => a.getBoundingClientRect().top < b.getBoundingClientRect().top"
        assert await alice.log.locator("mfrac").evaluate(fraction)
        wider = "(log) => [log, document.documentElement].some((part) => part.scrollWidth > part.clientWidth)"
        assert not await alice.log.evaluate(wider)
        wide = "(part) => part.getBoundingClientRect().right <= innerWidth && part.scrollWidth > part.clientWidth"
        assert await formulas.last.evaluate(wide)
