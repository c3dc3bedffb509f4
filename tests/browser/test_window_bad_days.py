"""What goes wrong around the page: each is said in a sentence, with what can be done, and nothing written is lost."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from browser_kit import UNREACHABLE
from playwright.async_api import expect

pytestmark = pytest.mark.browser


async def test_a_page_that_is_damaged_or_whose_clock_is_wrong(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.type("half a th")
        # An extension takes rows away, and the program goes on; it takes a part, and that is said.
        await alice.page.evaluate("document.querySelector('.log > *').remove()")
        await alice.say("still here")
        await alice.sees("still here")
        await alice.type("half a thought")
        await alice.page.evaluate("document.querySelector('member-list').remove()")
        await expect(alice.toasts).to_contain_text("took a part out of this page")
        await alice.toasts.get_by_role("button", name="Reload").click()
        await alice.ready()
        await expect(alice.composer).to_have_value("half a thought")
        # The program itself fails.
        here.forgive("oh dear")
        await alice.page.evaluate("setTimeout(() => { throw new Error('oh dear'); })")
        await expect(alice.toasts).to_contain_text("Something on this page failed.")
        await alice.toasts.get_by_role("button", name="Dismiss").click()
        await expect(alice.toasts.locator(".toast")).to_have_count(0)

        late = await here.window(timezone_id="UTC")
        await late.page.clock.install(time=datetime.now(UTC) + timedelta(days=2))
        await late.enter("late")
        await expect(late.toasts).to_contain_text("The clock of this device is wrong")
        await late.say("in time")
        await late.sees("in time")
        await expect(late.log.locator(".day")).to_have_count(1)


STORED = """async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result); request.onerror = reject; });
  const db = await done(indexedDB.open("chat"));
  while (!await done(db.transaction("outbox").objectStore("outbox").count()));
  db.close();
}"""
"""Ends once a message to be sent is on the disk: it is shown before."""


async def test_what_is_stored_is_emptied_while_the_page_is_open(stage):
    async with stage() as here, here.cable() as cable:
        here.forgive(UNREACHABLE)
        alice = await here.window(cable.url)
        await alice.enter("alice")
        await alice.say("before")
        await alice.sees("before")
        emptied = await alice.page.evaluate(
            """() => new Promise((resolve) => { localStorage.clear();
              const request = indexedDB.deleteDatabase("chat");
              request.onsuccess = () => resolve("emptied"); request.onblocked = () => resolve("blocked"); })"""
        )
        assert emptied == "emptied"
        cable.cut()
        await expect(alice.page.locator("connection-line")).to_contain_text("No connection")
        await alice.say("kept all the same")
        await expect(alice.pending()).to_have_count(1)
        await expect(alice.toasts).to_have_text("")
        await alice.page.evaluate(STORED)
        cable.mend()
        await alice.page.reload()
        await alice.sees("kept all the same")


async def test_a_session_that_ends_in_the_middle_keeps_what_is_being_written(stage):
    async with stage() as here:
        here.forgive("status of 401")
        await here.server.services.accounts.add("mona", "correct horse", "member")
        mona = await here.window()
        await mona.sign_in("mona")
        await mona.type("I was about to s")
        await mona.page.evaluate(
            """() => fetch("/api/v1/logout", { method: "POST",
              headers: { "X-XSRFToken": document.cookie.replace(/.*_xsrf=([^;]*).*/, "$1") } })"""
        )
        await expect(mona.page.get_by_role("alert").filter(has_text="signed out")).to_be_visible()
        page = mona.page
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_label("Your name").fill("mona")
        await page.get_by_label("Password").fill("correct horse")
        await page.get_by_role("button", name="Sign in").click()
        await mona.ready()
        await expect(mona.composer).to_have_value("I was about to s")


async def test_a_server_that_is_gone_when_the_page_loads(lasting, windows):
    async with lasting() as server, windows(server.url) as here:
        here.forgive(UNREACHABLE)
        here.forgive("status of 502")
        (alice,) = await here.guests("alice")
        await alice.type("for later")
        # What a proxy says while the server behind it is gone; the page's own files are still there.
        await alice.page.route(re.compile("/api/"), lambda route: route.fulfill(status=502, body="<h1>Bad"))
        await alice.page.route_web_socket(re.compile("/ws"), lambda ws: ws.close())
        await alice.page.reload()
        line = alice.page.locator("connection-line")
        await expect(line).to_contain_text("The server can’t be reached.")
        await alice.page.unroute(re.compile("/api/"))
        guest = await here.window()
        await guest.page.route(re.compile("/api/"), lambda route: route.fulfill(status=502, body="<h1>Bad"))
        await guest.goto()
        await guest.page.get_by_label("Your name").fill("bob")
        await guest.page.keyboard.press("Enter")
        await expect(
            guest.page.get_by_role("alert").filter(has_text="can’t do this just now")
        ).to_be_visible()


async def test_a_name_with_a_space_has_a_near_one_that_can_be(stage):
    async with stage() as here:
        here.forgive("status of 400")
        ann = await here.window()
        await ann.goto()
        await ann.page.get_by_label("Your name").fill("Ann Smith")
        await ann.page.keyboard.press("Enter")
        await ann.page.get_by_role("button", name="Take “Ann_Smith”").click()
        await ann.ready()
        await expect(ann.people.get_by_role("button", name=re.compile("^Ann_Smith"))).to_be_visible()
