"""What plugins post: a mark at their names, names for one message, and nothing that only people have."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


BRIDGE = """
from chatserver import Plugin, hookimpl

class Bridge(Plugin):
    @hookimpl
    async def after_post(self, message):
        if message.plugin is None and message.content.startswith("irc "):
            for line in message.content[4:].split("; "):
                await self.chat.post(message.room, line, display_name="zoe (IRC)")
        elif message.plugin is None and message.content == "plain":
            await self.chat.post(message.room, "as itself")
"""


async def test_a_bot_is_marked_and_says_who_sent_what_it_brings(stage, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "bridge.py").write_text(BRIDGE)
    async with stage(plugins=["basics", "history", "bridge"], dirs=[own]) as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.say("irc hello there; and once more")
        await alice.say("plain")
        for window in (alice, bob):
            brought = await window.sees("hello there")
            name = brought.get_by_role("button", name="zoe (IRC) bot")
            await expect(name).to_have_attribute("title", "Sent by bridge (@bridge)")
            await expect(brought.locator(".avatar")).to_have_text("ZI")
            await expect((await window.sees("and once more")).locator(".author")).to_have_count(0)
            own = (await window.sees("as itself")).get_by_role("button", name="bridge bot")
            await expect(own).not_to_have_attribute("title", re.compile("."))
        await own.click()
        card = bob.page.get_by_role("dialog", name="bridge")
        await expect(card).to_contain_text("bot")
        await expect(card).not_to_contain_text("Offline")
        await expect(card.get_by_role("button")).to_have_text(["Mention", "Block"])
        await bob.page.keyboard.press("Escape")
        # There is no direct room with it: it has no place to go to.
        await bob.page.keyboard.press("Control+k")
        await bob.page.keyboard.type("bridge")
        await expect(bob.page.get_by_role("dialog").get_by_role("option")).to_have_count(0)
        await bob.page.keyboard.press("Escape")
        # What it brings is quoted under the name that is shown.
        await (await bob.sees("hello there")).hover()
        await bob.log.get_by_role("button", name="Reply", exact=True).click()
        await bob.say("hello back")
        await expect((await alice.sees("hello back")).locator(".quote b")).to_have_text("zoe (IRC)")
