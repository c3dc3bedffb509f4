"""The browser part of a plugin that knows nothing of ours: tests/stranger, from its folder."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

STRANGER = Path(__file__).parent.parent / "stranger"


@pytest.fixture
def polls(tmp_path, monkeypatch, stage):
    """Makes stages whose server has the package installed."""
    source, target = shutil.copytree(STRANGER, tmp_path / "source"), tmp_path / "site-packages"
    install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    command = [*install, "--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    monkeypatch.syspath_prepend(target)
    return lambda: stage(plugins={"tally": {}, "basics": {}, "history": {}})


async def test_people_vote_by_clicking_and_see_it_after_a_reload(polls):
    async with polls() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.composer.press_sequentially("/ta")
        await expect(alice.page.get_by_role("option").first).to_contain_text("/tally")
        await alice.say("/tally Lunch? | Pizza | <b>Salad</b>")
        poll = bob.log.get_by_role("group", name="Lunch?")
        await poll.get_by_role("button", name="<b>Salad</b>").click()
        voted = re.compile("Salad.*1 vote")
        for window in (alice, bob):
            await expect(window.log.get_by_role("button", name=voted)).to_be_visible()
        await bob.page.reload()
        await bob.ready()
        await expect(bob.log.get_by_role("button", name=voted)).to_be_visible()
        await expect(bob.log.locator("b")).to_have_count(0)
        style = await poll.evaluate("(node) => getComputedStyle(node).display")
        assert style != "inline"


async def test_its_texts_follow_the_language(polls):
    async with polls() as here:
        (bob,) = await here.server.join("general", "bob")
        alice = await here.window(locale="zh-CN")
        await alice.goto()
        await alice.page.get_by_role("textbox").fill("alice")
        await alice.page.keyboard.press("Enter")
        await alice.ready()
        await bob.says("/tally Tea? | Green | Black")
        await expect(alice.log.get_by_role("button", name=re.compile("Green"))).to_contain_text("0 票")


async def test_what_is_written_in_the_settings_stays_when_a_part_adds_a_page(stage):
    async with stage(plugins=["receipts", "history"]) as here:
        (alice,) = await here.guests("alice")
        loading = asyncio.Event()

        async def hold(route):
            await loading.wait()
            await route.continue_()

        await alice.page.route(re.compile("/plugins/receipts/.*client"), hold)
        await alice.page.reload(wait_until="commit")
        dialog = await alice.settings()
        await dialog.get_by_label("Status text").fill("half a")
        await expect(dialog.get_by_role("tab", name="Read receipts")).to_have_count(0)
        loading.set()
        await expect(dialog.get_by_role("tab", name="Read receipts")).to_be_visible()
        await expect(dialog.get_by_label("Status text")).to_have_value("half a")
        await expect(dialog.get_by_label("Status text")).to_be_focused()


async def test_an_open_menu_takes_in_what_a_part_adds_once_it_is_loaded(stage):
    async with stage(plugins=["pins", "history"], accounts={"alice": "member"}) as here:
        alice = await here.window()
        await alice.sign_in("alice")
        await alice.say("hello")
        message = await alice.sees("hello")
        loading = asyncio.Event()

        async def hold(route):
            await loading.wait()
            await route.continue_()

        await alice.page.route(re.compile("/plugins/pins/.*client"), hold)
        await alice.page.reload(wait_until="commit")
        await message.click(button="right")
        menu = alice.page.get_by_role("menu")
        await expect(menu.get_by_role("menuitem", name="Delete")).to_be_visible()
        await expect(menu.get_by_role("menuitem", name="Pin", exact=True)).to_have_count(0)
        loading.set()
        await expect(menu.get_by_role("menuitem", name="Pin", exact=True)).to_be_visible()
        await menu.press("Escape")
        await expect(message).to_be_focused()
