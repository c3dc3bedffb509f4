"""What axe-core finds on every screen and in every dialog: nothing, in both themes and in forced colours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from browser_kit import Window
from playwright.async_api import expect

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
THEMES = {
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced": {"color_scheme": "light", "forced_colors": "active"},
    "light": {"color_scheme": "light", "forced_colors": "none"},
}
"""The last one is looked at by all rules, the others by those about colours: themes change nothing else."""
COLOURS = ["color-contrast", "link-in-text-block"]
RUN_AXE = "(options) => axe.run(options).then(({ violations }) => violations)"
STILL = {"reduced_motion": "reduce"}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63606060f80f00010401"
    "005fe5c34b0000000049454e44ae426082"
)


# On a phone, a pane beside the conversation stands alone: the heading of first rank and the main part are hidden then.
ASIDE = {"landmark-one-main": {"enabled": False}, "page-has-heading-one": {"enabled": False}}


async def faults(window: Window, where: str, **rules: object) -> list[str]:
    """What axe finds in a page as it is now, in all themes."""
    page, found = window.page, []
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(Axe().axe_script)
    for theme, media in THEMES.items():
        await page.emulate_media(**media)
        options = {"resultTypes": ["violations"], "rules": rules}
        if theme != list(THEMES)[-1]:
            options = {"resultTypes": ["violations"], "runOnly": COLOURS}
        for each in await page.evaluate(RUN_AXE, options):
            found += [f"{where}, {theme}: {each['id']}: {node['html'][:160]}" for node in each["nodes"]]
    return found


@pytest.mark.timeout(seconds=240)
async def test_axe_finds_nothing(stage):
    plugins = {"basics": {}, "moderation": {}, "emoji": {}, "history": {}, "files": {}, "approve": {}}
    async with stage(plugins=plugins, dirs=[EXAMPLES], accounts={"mona": "moderator"}) as here:
        (bob,) = await here.server.join("general", "bob")
        mona = await here.window(**STILL)
        page = mona.page
        await mona.goto()
        await expect(page.get_by_label("Your name")).to_be_visible()
        found = await faults(mona, "enter")
        await mona.sign_in("mona")
        await mona.goto("#/general")
        await mona.ready()
        for text in ("Good morning, @mona", "https://example.org and\n1. one", "one\n" * 30, "🎉"):
            await bob.says(text)
        await page.locator("input[type=file]").set_input_files(
            [
                {"name": "a.png", "mimeType": "image/png", "buffer": PNG},
                {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"},
            ]
        )
        await mona.say("the plan")
        await expect((await mona.sees("the plan")).locator(".file-card")).to_be_visible()
        await mona.say("/request a chair")
        await expect(mona.log.get_by_role("button", name="Approve", exact=True)).to_be_visible()
        await mona.say("/help")
        await expect(mona.log.locator(".note")).to_be_visible()
        await mona.say("/nothing")
        found += await faults(mona, "room")

        async def look(where: str, show: Callable[[], Awaitable[object]], shown: str) -> None:
            await show()
            await expect(page.locator(shown).first).to_be_visible()
            found.extend(await faults(mona, where))
            await page.keyboard.press("Escape")
            await expect(page.locator(shown)).to_have_count(0)

        await mona.type("/")
        await expect(page.locator(".completer").first).to_be_visible()
        # The arrows move through it from the message field.
        found += await faults(mona, "commands", **{"scrollable-region-focusable": {"enabled": False}})
        await mona.type("")
        await look("switcher", lambda: page.keyboard.press("Control+k"), "dialog[open]")
        await look("keys", lambda: page.keyboard.press("Control+/"), "dialog[open]")
        for tab in ("Profile", "Appearance", "Notifications", "Language", "Keyboard"):
            await look(tab, lambda tab=tab: mona.settings(tab), "dialog[open]")
        await look("directory", page.get_by_role("button", name="Browse rooms").click, "dialog[open]")
        await look("new room", page.get_by_role("button", name="Create a room").click, "dialog[open]")
        await look("viewer", mona.log.locator(".picture").click, "dialog[open]")
        await look("form", mona.log.get_by_role("button", name="Refuse…").click, "dialog[open]")
        await look("room menu", page.get_by_role("button", name="Room menu").click, ".menu:popover-open")
        await look("about", lambda: mona.room_menu("About this room"), "dialog[open]")
        await look("leave", lambda: mona.room_menu("Leave this room"), "dialog[open]")
        await look(
            "message menu",
            lambda: mona.log.locator(".text").nth(1).click(button="right"),
            ".menu:popover-open",
        )
        await look("card", mona.people.get_by_role("button", name="bob").click, ".card:popover-open")
        await mona.log.get_by_role("button", name="Approve", exact=True).focus()
        found += await faults(mona, "message with focus")
        assert not found, "\n".join(sorted(set(found)))


async def test_axe_finds_nothing_on_a_phone(stage):
    async with stage() as here:
        (bob,) = await here.server.join("general", "bob")
        await bob.says("good morning")
        phone = await here.window(
            viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, **STILL
        )
        await phone.enter("alice")
        found = await faults(phone, "room")
        await (await phone.sees("good morning")).tap()
        await expect(phone.page.locator(".sheet")).to_be_visible()
        found += await faults(phone, "sheet")
        await phone.page.keyboard.press("Escape")
        await phone.page.get_by_role("button", name="People").tap()
        await expect(phone.people).to_be_visible()
        found += await faults(phone, "people", **ASIDE)
        await phone.page.go_back()
        await phone.page.get_by_role("button", name="Back").tap()
        await expect(phone.rooms).to_be_visible()
        found += await faults(phone, "rooms", **ASIDE)
        assert not found, "\n".join(found)


async def test_axe_finds_nothing_in_what_plugins_show(stage):
    plugins = ("basics", "history", "threads", "polls", "mentions", "receipts", "reminders")
    async with stage(plugins=plugins, accounts={"mona": "moderator"}) as here:
        (bob,) = await here.server.join("general", "bob")
        mona = await here.window(**STILL)
        page = mona.page
        await mona.sign_in("mona")
        await mona.say("Where to?")
        root = (await bob.hears(content="Where to?")).message_id
        await mona.say("@room look here")
        await bob.says("North, @mona.", reply_to=root)
        await bob.says('/poll "Lunch?" pizza "pad thai" --several')
        poll = mona.log.get_by_role("group", name="Lunch?")
        await poll.get_by_role("button", name="pizza").click()
        await poll.get_by_role("button", name="Who voted").click()
        await expect(poll).to_contain_text("mona")
        await bob.says('/poll 1h --anonymous "Done?" yes no')
        await bob.says("/endpoll")
        await expect(mona.log.get_by_role("group", name="Done?")).to_contain_text("Closed")
        await expect(mona.log.locator(".threads-line:visible")).to_have_count(1)
        found = await faults(mona, "room")
        await mona.log.locator(".threads-line:visible").click()
        await expect(page.locator(".threads-replies")).to_contain_text("North")
        found += await faults(mona, "thread")
        await mona.rooms.get_by_role("button", name="Threads").click()
        await expect(page.locator(".threads-item")).to_have_count(1)
        found += await faults(mona, "threads")
        await mona.rooms.get_by_role("button", name="Mentions").click()
        await expect(page.locator(".mentions-entry")).to_have_count(1)
        found += await faults(mona, "mentions")
        await mona.say("/remind me in 2h of the cake")
        await mona.room_menu("Reminders and later messages")
        await expect(page.locator(".reminders-item")).to_have_count(1)
        found += await faults(mona, "reminders")
        await mona.settings("Read receipts")
        await expect(page.get_by_label("Let others see how far I have read")).to_be_checked()
        found += await faults(mona, "settings")
        assert found == []
