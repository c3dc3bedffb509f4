"""Which notifications a browser shows while its window is hidden."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

RECORD = """window.shown = [];
  window.Notification = class {
    static permission = "granted";
    static requestPermission = async () => "granted";
    constructor(title, { body }) { window.shown.push(`${title}: ${body}`); this.title = title; }
    close() { window.shown.push(`closed ${this.title}`); }
  };
  window.away = false;
  document.hasFocus = () => !window.away;"""
LEAVE = """(away) => { window.away = away; window.dispatchEvent(new Event(away ? "blur" : "focus")); }"""


async def test_one_hidden_tab_notifies_of_what_is_wanted(stage):
    rooms = [{"name": "general", "title": "General"}, {"name": "random"}]
    async with stage(settings={"rooms": rooms}) as here:
        (bob,) = await here.server.join("general", "bob")
        await bob.join("random")
        bob.room = "general"
        window = await here.window()
        await window.page.context.add_init_script(RECORD)
        await window.enter("alice")
        alice, page = window, window.page
        await alice.open("random")
        await alice.open("General")
        settings = await alice.settings("Notifications")
        await settings.get_by_label("Desktop notifications").check()
        await settings.get_by_label("Words to tell me of").fill("deploy")
        await page.keyboard.press("Escape")
        other = await alice.tab()
        for tab in (alice, other):
            await tab.page.evaluate(LEAVE, True)

        async def told():
            return [
                line for tab in (alice, other) for line in await tab.page.evaluate("window.shown.splice(0)")
            ]

        for text in ("just talk", "hello @alice", "the deploy is done"):
            await bob.says(text)
            for tab in (alice, other):
                await tab.sees(text)
        assert await told() == ["bob in General: hello @alice", "bob in General: the deploy is done"]
        await expect(page).to_have_title(re.compile(r"^\(3\) General"))
        assert "data:image/svg" in (await page.locator("link[rel=icon]").get_attribute("href") or "")

        # Looking takes it away, and the room that is looked at is not told of, by no tab.
        await alice.page.evaluate(LEAVE, False)
        await expect(page).to_have_title(re.compile("^General"))
        assert set(await told()) == {"closed bob in General"}
        await bob.says("still there, @alice?")
        for tab in (alice, other):
            await tab.sees("still there, @alice?")
        assert await told() == []

        # A room can be loud or silent.
        await alice.room("random").click(button="right")
        await page.get_by_role("menuitemradio", name="Notify: every message").click()
        await alice.room_menu("Notify: nothing")
        for tab in (alice, other):
            await tab.page.evaluate(LEAVE, True)
        await bob.says("@alice, silence")
        await alice.sees("@alice, silence")
        bob.room = "random"
        await bob.says("any word")
        await expect(alice.room("random")).to_have_attribute("aria-label", re.compile("unread"))
        assert await told() == ["bob in random: any word"]
        await expect(alice.room("General")).to_have_attribute("data-quiet", "")
