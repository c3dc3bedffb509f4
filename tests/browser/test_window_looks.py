"""The window itself: sizes, themes, languages, keys, and what a screen reader is told."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

LONG = "w" * 300
# Whether the element with the focus, or the box it stands in, shows it.
FOCUS_SHOWN = """() => {
  const node = document.activeElement;
  const shows = (one) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(one);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
  };
  return node === document.body || shows(node) || shows(node.closest(".composer-box") ?? node);
}"""

# Keeps in `said` what live regions say.
LISTEN = """() => {
  window.said = [];
  for (const node of document.querySelectorAll("[aria-live=polite], [role=status]"))
    new MutationObserver(() => window.said.push(node.textContent))
      .observe(node, { childList: true, characterData: true, subtree: true });
}"""

# WCAG 2.2: targets of at least 24 pixels (2.5.8), and a name for each (4.1.2).
SMALL_OR_NAMELESS = """() => [...document.querySelectorAll("button, a, select, input, textarea")].filter((node) => {
  if (!node.checkVisibility({ visibilityProperty: true })) return false;
  const { width, height, right } = node.getBoundingClientRect();
  const named = node.getAttribute("aria-label") || node.textContent.trim() || node.labels?.length;
  return right > 0 && (width < 24 || height < 24 || !named);
}).map((node) => `${node.offsetWidth}x${node.offsetHeight}: ${node.outerHTML}`)"""

PHONES = [{"width": 390, "height": 844}, {"width": 320, "height": 640}]


@pytest.mark.parametrize("viewport", PHONES, ids=["390", "320"])
async def test_a_phone_shows_one_pane_at_a_time(stage, viewport):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await bob.says(f"{LONG} https://example.org/{LONG}")
        alice = await here.window(viewport=viewport, has_touch=True, is_mobile=True)
        await alice.goto()
        assert await alice.no_overflow()
        await alice.enter("alice")
        await expect(alice.message(re.compile(LONG))).to_be_visible()
        await expect(alice.rooms).to_be_hidden()
        await expect(alice.people).to_be_hidden()
        assert await alice.no_overflow()
        await alice.page.get_by_role("button", name="People").tap()
        await expect(alice.people).to_be_visible()
        await expect(alice.composer).to_be_hidden()
        assert await alice.no_overflow()
        await alice.page.go_back()
        await expect(alice.composer).to_be_visible()
        await alice.page.get_by_role("button", name="Back").tap()
        await expect(alice.rooms).to_be_visible()
        await expect(alice.composer).to_be_hidden()
        assert await alice.no_overflow()
        await alice.rooms.get_by_role("button", name="Settings").tap()
        await expect(alice.page.get_by_role("dialog", name="Settings")).to_be_visible()
        assert await alice.no_overflow()
        await alice.page.get_by_role("button", name="Close").tap()
        await alice.room("General").tap()
        await alice.composer.tap()
        await alice.say("from the phone")
        await alice.sees("from the phone")
        box = await alice.composer.bounding_box()
        assert box["y"] + box["height"] <= viewport["height"]


async def test_the_theme_follows_the_system_and_can_be_chosen(stage):
    async with stage() as here:
        alice = await here.window(color_scheme="dark")
        await alice.enter("alice")
        assert await lightness(alice) < 80
        await alice.page.emulate_media(color_scheme="light")
        assert await lightness(alice) > 200
        settings = await alice.settings("Appearance")
        await settings.get_by_label("Colours").select_option("Dark")
        assert await lightness(alice) < 80
        await alice.page.reload()
        await alice.ready()
        assert await lightness(alice) < 80


async def lightness(window):
    """How light the page behind the messages is, 0 to 255."""
    colour = await window.page.evaluate(
        "getComputedStyle(document.querySelector('main.room')).backgroundColor"
    )
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]
    return sum(parts) / 3 * (255 if colour.startswith("color(") else 1)


async def test_the_language_is_the_browsers_and_can_be_chosen(stage):
    async with stage() as here:
        alice = await here.window(locale="zh-TW")
        await alice.goto()
        await expect(alice.page.locator("html")).to_have_attribute("lang", "zh-Hant")
        await (
            alice.page.get_by_label("Language").or_(alice.page.get_by_label("語言")).select_option("简体中文")
        )
        await expect(alice.page.locator("html")).to_have_attribute("lang", "zh-Hans")
        await alice.page.get_by_role("textbox").fill("小明")
        await alice.page.keyboard.press("Enter")
        await alice.ready()
        await alice.say("你好")
        await alice.sees("你好")
        chrome = await alice.page.locator("nav, .room-header, .composer").all_inner_texts()
        assert not re.search(r"Rooms|Direct messages|Settings|Online", "".join(chrome))
        await alice.page.reload()
        await alice.ready()
        await expect(alice.page.locator("html")).to_have_attribute("lang", "zh-Hans")


async def test_enter_that_ends_a_chinese_word_does_not_send(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.composer.focus()
        keyboard = await alice.page.context.new_cdp_session(alice.page)
        await keyboard.send(
            "Input.imeSetComposition", {"text": "ni hao", "selectionStart": 6, "selectionEnd": 6}
        )
        await alice.composer.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
        await keyboard.send("Input.insertText", {"text": "你好"})
        await expect(alice.composer).to_have_value("你好")
        await expect(alice.pending()).to_have_count(0)
        await alice.composer.press("Enter")
        await alice.sees("你好")


async def test_everything_by_keyboard(stage):
    """From the name to a private answer, without a mouse."""
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        (bob,) = await here.server.join("general", "bob")
        alice = await here.window()
        await alice.goto()
        press, page = alice.page.keyboard.press, alice.page
        await expect(page.get_by_label("Your name")).to_be_focused()
        await page.keyboard.type("alice")
        await press("Enter")
        await alice.ready()
        await expect(alice.composer).to_be_focused()
        await page.keyboard.type("Typed")
        await press("Enter")
        message = await alice.sees("Typed")
        await press("Shift+Tab")
        await reach(alice, alice.log, "Shift+Tab")
        await press("ArrowUp")
        await expect(message).to_be_focused()
        await reach(alice, message.get_by_role("button", name="Delete"), "Tab")
        await press("Enter")
        dialog = page.get_by_role("dialog", name="Delete this message?")
        await expect(dialog.get_by_role("button", name="Delete")).to_be_focused()
        await press("Enter")
        await alice.sees("This message was deleted.")
        await expect(dialog).to_have_count(0)
        # Its button is gone, and the keyboard still is where it was.
        await expect(alice.log.locator(":focus").or_(alice.log.and_(page.locator(":focus")))).to_have_count(1)
        await reach(alice, alice.people.get_by_role("button", name=re.compile("^bob")), "Tab")
        await press("Enter")
        card = page.get_by_role("dialog", name="bob")
        await expect(card.get_by_role("button", name="Message")).to_be_focused()
        await press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("bob")
        await expect(alice.composer).to_be_focused()
        await page.keyboard.type("privately")
        await press("Enter")
        assert (await bob.hears(content="privately")).room.startswith("dm:")
        await press("Alt+ArrowUp")
        await expect(page.get_by_role("heading", level=1)).to_have_text("general")
        await expect(alice.composer).to_be_focused()


async def reach(window, target, key, most=40):
    """Press a key until the target has the focus."""
    for _ in range(most):
        if await target.evaluate("(node) => node === document.activeElement"):
            return
        assert await window.page.evaluate("document.activeElement !== null")
        await window.page.keyboard.press(key)
    raise AssertionError(f"{key} never reaches {target}")


async def test_the_focus_is_visible(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.page.keyboard.press("Tab")
        for _ in range(15):
            shown = await alice.page.evaluate(FOCUS_SHOWN)
            assert shown, await alice.page.evaluate("document.activeElement.outerHTML")
            await alice.page.keyboard.press("Tab")


async def test_what_a_screen_reader_is_told(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        (bob,) = await here.server.join("general", "bob")
        await alice.page.evaluate(LISTEN)
        await bob.says("Can you hear me?")
        await alice.sees("Can you hear me?")
        assert "bob: Can you hear me?" in await alice.page.evaluate("window.said")
        await expect(alice.page.get_by_role("main")).to_match_aria_snapshot("""
          - main "General":
            - button /.+/ [pressed]
            - heading "General" [level=1]
            - button "People" [pressed]
            - button "Room menu"
            - log "Messages in General":
              - article /bob, .+/
            - button "Attach files"
            - 'textbox "Message #General"'
            - button "Send" [disabled]
        """)
        await expect(alice.rooms).to_match_aria_snapshot("""
          - navigation "Rooms":
            - heading /.+/ [level=2]
            - heading "Rooms" [level=3]:
              - button "Rooms" [expanded]
            - list:
              - listitem:
                - link "General"
            - paragraph: Click on a name to talk with one person.
            - button "Browse rooms"
            - button /alice Online Settings/
        """)


async def test_targets_are_large_enough_and_have_names(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.say("something")
        await (await alice.sees("something")).hover()
        small = await alice.page.evaluate(SMALL_OR_NAMELESS)
        assert small == []
