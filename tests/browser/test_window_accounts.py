"""Signing in, signing out, and the first admin."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def test_signing_in_and_out(stage):
    async with stage() as here:
        here.forgive("status of 401")
        await here.server.services.accounts.add("mona", "correct horse", "moderator")
        window = await here.window()
        await window.goto()
        page = window.page
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("Your name").fill("mona")
        await page.get_by_label("Password").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).not_to_be_empty()
        await page.get_by_label("Password").fill("correct horse")
        await page.keyboard.press("Enter")
        await window.ready()
        await page.reload()
        await window.ready()
        settings = await window.settings()
        await expect(settings).to_contain_text("You are signed in as mona.")
        # Signing out loads the page anew; a reload of ours must not come between.
        async with page.expect_event("load"):
            await settings.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("button", name="Start talking")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("button", name="Start talking")).to_be_visible()
        assert await page.context.cookies(here.url) == []


async def test_signing_out_closes_the_other_tabs(stage):
    async with stage() as here:
        here.forgive("status of 401")
        await here.server.services.accounts.add("mona", "correct horse", "member")
        window = await here.window()
        await window.sign_in("mona")
        other = await window.tab()
        settings = await window.settings()
        # The page shows the way in at once and is then loaded anew, which the end of the test must not meet half-way.
        async with window.page.expect_event("load"):
            await settings.get_by_role("button", name="Sign out").click()
        for tab in (window, other):
            await expect(tab.page.get_by_label("Your name")).to_be_visible()
            await expect(tab.composer).to_be_hidden()


async def test_where_guests_are_not_wanted_only_accounts_are_asked_for(stage):
    async with stage(settings={"auth": {"guests": False}}) as here:
        await here.server.services.accounts.add("mona", "correct horse", "member")
        window = await here.window()
        await window.goto()
        await expect(window.page.get_by_role("button", name="Start talking")).to_have_count(0)
        await expect(window.page.get_by_role("button", name="Come in without")).to_be_hidden()
        await window.page.get_by_label("Your name").fill("mona")
        await window.page.get_by_label("Password").fill("correct horse")
        await window.page.get_by_role("button", name="Sign in").click()
        await window.ready()


async def test_the_printed_link_makes_the_first_admin_once(lasting, windows):
    async with lasting() as server, windows(server.url) as here:
        here.forgive("status of 40[01]")
        window = await here.window()
        link = (await server.line()).split()[-1]
        await window.page.goto(link)
        page = window.page
        await expect(page.get_by_text("This is your new server.")).to_be_visible()
        await page.get_by_label("Your name").fill("root")
        await page.get_by_label("Password").fill("short")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).not_to_be_empty()
        await expect(page.get_by_label("Password")).to_be_focused()
        await page.get_by_label("Password").fill("correct horse battery")
        await page.get_by_role("button", name="Create the admin").click()
        await window.ready()
        assert "setup" not in page.url
        settings = await window.settings()
        await expect(settings).to_contain_text("You are signed in as root.")
        second = await here.window()
        await second.page.goto(link)
        await second.page.get_by_label("Your name").fill("intruder")
        await second.page.get_by_label("Password").fill("correct horse battery")
        await second.page.keyboard.press("Enter")
        await expect(second.page.get_by_role("alert")).to_contain_text("This link has been used")


async def test_a_session_that_has_ended_asks_again(stage):
    async with stage() as here:
        here.forgive("status of 401")
        (alice,) = await here.guests("alice")
        await alice.page.context.clear_cookies(name="chat_session")
        await alice.page.context.clear_cookies()
        await alice.page.reload()
        await expect(alice.page.get_by_label("Your name")).to_be_visible()


async def test_the_cookie_alone_is_enough_to_be_known_again(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await alice.page.evaluate("localStorage.clear()")
        await alice.page.reload()
        await alice.say("still me")
        await bob.sees("still me")
        await expect(bob.page.get_by_text("alice").first).to_be_visible()
