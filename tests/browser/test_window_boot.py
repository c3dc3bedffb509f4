"""How the page comes up: quickly, before its code is there, without it, and in browsers that refuse things."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from browser_kit import ARGUMENTS, UNREACHABLE, free_port, system_chromium
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PROGRAM = re.compile(r"/js/client\.js$")
EARLY = re.compile(r"/js/early\.js$")
MOST_REQUESTS, MOST_BYTES = 20, 75_000


class Traffic:
    """What a page asks the server for; what its cache has is not counted."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.asked: dict[str, str] = {}
        self.bytes = 0

    async def watch(self, window) -> None:
        session = await window.page.context.new_cdp_session(window.page)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.webSocketCreated", lambda event: self.asked.update({event["requestId"]: "/ws"}))
        session.on("Network.requestServedFromCache", lambda event: self.asked.pop(event["requestId"], None))
        session.on("Network.responseReceived", self._received)
        session.on("Network.loadingFinished", self._finished)
        await session.send("Network.enable")

    def _sent(self, event) -> None:
        self.asked[event["requestId"]] = re.sub(r"^http://[^/]*", "", event["request"]["url"])

    def _received(self, event) -> None:
        if event["response"].get("fromDiskCache"):
            self.asked.pop(event["requestId"], None)

    def _finished(self, event) -> None:
        self.bytes += event["encodedDataLength"]

    @property
    def paths(self) -> list[str]:
        return sorted(self.asked.values())


def word(window):
    """What is said when the program doesn't start."""
    return window.page.locator(".boot-word")


async def held_back(window):
    """Let the page's program come only once the event is set."""
    release = asyncio.Event()

    async def hold(route):
        await release.wait()
        await route.continue_()

    await window.page.route(PROGRAM, hold)
    return release


async def test_a_first_load_is_few_requests_and_a_reload_only_the_page_and_the_connection(stage):
    async with stage() as here:
        alice = await here.window()
        traffic = Traffic()
        await traffic.watch(alice)
        await alice.goto()
        await expect(alice.page.get_by_label("Your name")).to_be_focused()
        await alice.page.wait_for_load_state("networkidle")
        assert len(traffic.paths) <= MOST_REQUESTS, traffic.paths
        assert 10_000 < traffic.bytes <= MOST_BYTES
        await alice.page.get_by_label("Your name").fill("alice")
        await alice.page.keyboard.press("Enter")
        await alice.ready()
        await alice.say("hello")
        await alice.sees("hello")
        # What is needed later has come, too.
        await alice.page.evaluate("customElements.whenDefined('settings-dialog').then(() => true)")
        await alice.parts()
        traffic.forget()
        await alice.page.reload()
        await alice.ready()
        await alice.sees("hello")
        assert traffic.paths == ["/", "/ws"]


async def test_hello_is_said_before_the_program_is_there(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        release = asyncio.Event()
        said = asyncio.Event()

        async def hold(route):
            await release.wait()
            await route.continue_()

        def listen(socket):
            socket.on("framesent", lambda data: '"hello"' in data and said.set())

        await alice.page.route(PROGRAM, hold)
        alice.page.on("websocket", listen)
        reloading = asyncio.ensure_future(alice.page.reload())
        await asyncio.wait_for(said.wait(), 8)
        # What comes meanwhile is not lost.
        (bob,) = await here.server.join("general", "bob")
        await bob.says("early bird")
        release.set()
        await reloading
        await alice.sees("early bird")
        _, stats = await here.server.api("GET", "stats")
        assert stats.users_online == 2


async def test_the_first_page_is_asked_for_with_hello(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        (alice,) = await here.guests("alice")
        await alice.say("in general")
        await alice.sees("in general")
        await alice.open("random")
        await alice.say("in random")
        await alice.sees("in random")
        sent: list[str] = []
        alice.page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(data)))
        for fragment, text in (("", "in random"), ("#/general", "in general")):
            await alice.page.goto("about:blank")
            # What the page before said last is not of this one.
            sent.clear()
            await alice.goto(fragment)
            await alice.sees(text)
            await expect(alice.people.get_by_role("button", name="alice")).to_be_visible()
            asked = [json.loads(data)["type"] for data in sent]
            # What plugins ask may come before the members, or after.
            assert asked[:2] == ["hello", "history"]
            assert asked.count("history") == asked.count("members") == 1
            assert "join" not in asked


async def test_a_room_that_was_left_is_not_joined_by_coming_back(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        (alice,) = await here.guests("alice")
        await alice.open("random")
        mona = await here.server.account("mona", "moderator")
        await mona.join("random")
        await alice.page.goto("about:blank")
        await mona.says("/kick alice")
        await alice.goto()
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("general")
        await alice.ready()
        assert [
            member["user"]["name"] for member in (await mona.ask("members", room="random"))["members"]
        ] == ["mona"]


async def test_the_page_stands_before_its_program_comes(stage):
    async with stage() as here:
        alice = await here.window()
        release = await held_back(alice)
        loading = asyncio.ensure_future(alice.goto())
        page = alice.page
        await expect(page.get_by_label("Your name")).to_be_visible()
        await expect(page.get_by_role("button", name="Start talking")).to_be_visible()
        await expect(word(alice)).to_be_hidden()
        # Sent off before its code is there: kept, and sent when it is.
        await page.get_by_label("Your name").fill("alice")
        await page.keyboard.press("Enter")
        await expect(page.locator("form[aria-busy]")).to_be_visible()
        assert page.url == f"{here.url}/"
        release.set()
        await loading
        await alice.ready()
        await alice.say("I am in")
        await alice.sees("I am in")


async def test_a_press_on_sign_in_counts_before_its_code_is_there(stage):
    async with stage() as here:
        alice = await here.window()
        release = await held_back(alice)
        await alice.page.goto(f"{here.url}/", wait_until="commit")
        await alice.page.get_by_role("button", name="Sign in").click()
        await expect(alice.page.get_by_label("Password")).to_be_hidden()
        release.set()
        await expect(alice.page.get_by_label("Password")).to_be_visible()


@pytest.mark.parametrize("missing", [PROGRAM, re.compile(r"\.js$")], ids=["program", "scripts"])
async def test_a_form_without_its_code_writes_nothing_into_the_address(stage, missing):
    async with stage() as here:
        here.forgive("ERR_FAILED")
        alice = await here.window()
        await alice.page.route(missing, lambda route: route.abort())
        await alice.goto()
        await alice.page.evaluate("document.querySelector('[data-part=password-field]').hidden = false")
        await alice.page.get_by_label("Your name").fill("alice")
        await alice.page.get_by_label("Password").fill("correct horse")
        await alice.page.keyboard.press("Enter")
        await alice.page.get_by_role("button", name="Start talking").click()
        assert alice.page.url == f"{here.url}/"
        await expect(alice.page.get_by_label("Your name")).to_have_value("alice")


@pytest.mark.parametrize("how", ["lost", "empty answer", "broken", "crash"])
async def test_a_program_that_does_not_start_says_so_and_can_be_tried_again(stage, how):
    async with stage() as here:
        here.forgive(
            "ERR_FAILED|status of 404|SyntaxError|Unexpected end of input|broken on purpose|Failed to load module"
        )
        alice = await here.window()

        async def spoil(route):
            body = {"broken": "import {", "crash": 'throw new Error("broken on purpose");'}
            if how == "lost":
                await route.abort()
            elif how == "empty answer":
                await route.fulfill(status=404, body="{}", content_type="application/json")
            else:
                await route.fulfill(body=body[how], content_type="text/javascript")

        await alice.page.route(PROGRAM, spoil)
        await alice.goto("#/general")
        await expect(word(alice)).to_contain_text("The chat has not started yet")
        await alice.page.unroute(PROGRAM)
        await word(alice).get_by_role("link", name="Try again").click()
        await expect(word(alice)).to_be_hidden()
        await alice.enter("alice")


async def test_a_program_that_never_comes_is_told_after_a_while_in_the_users_language(stage):
    async with stage() as here:
        alice = await here.window(locale="zh-TW")
        stop = asyncio.Event()
        await alice.page.route(PROGRAM, lambda route: stop.wait())
        await alice.page.goto(here.url, wait_until="commit")
        await expect(alice.page.locator("#enter-name")).to_be_visible()
        await expect(word(alice)).to_be_hidden()
        await alice.page.evaluate("for (const each of document.getAnimations()) each.finish()")
        await expect(word(alice).get_by_text("聊天還沒有啟動")).to_be_visible()
        await expect(word(alice).get_by_text("The chat")).to_be_hidden()
        stop.set()


async def test_a_page_that_is_not_secure_sends_and_copies(stage):
    """Plain http to a name of the local network: no crypto.randomUUID, no navigator.clipboard."""
    port = free_port()
    url = f"http://chat.test:{port}"
    async with stage(settings={"server": {"port": port, "public_url": url}}) as here:
        here.forgive("Cross-Origin-Opener-Policy")
        alice = await here.window(url)
        await alice.enter("alice")
        assert not await alice.page.evaluate("isSecureContext")
        await alice.say("from the local network")
        message = await alice.sees("from the local network")
        await message.hover()
        await message.get_by_role("button", name="Copy link").click()
        await expect(alice.toasts).to_contain_text("The link was copied.")
        await alice.composer.focus()
        await alice.page.keyboard.press("Control+V")
        await expect(alice.composer).to_have_value(re.compile(rf"^{re.escape(url)}/#/general/\d+$"))


async def test_a_browser_without_cookies_is_told_so(stage, chromium, tmp_path):
    """Such a browser has no other storage either."""
    preferences = tmp_path / "Default" / "Preferences"
    preferences.parent.mkdir()
    preferences.write_text(json.dumps({"profile": {"default_content_setting_values": {"cookies": 2}}}))
    async with stage() as here:
        context = await chromium.browser_type.launch_persistent_context(
            tmp_path, executable_path=system_chromium(), args=ARGUMENTS, locale="en"
        )
        try:
            page = await context.new_page()
            await page.goto(here.url)
            await page.get_by_label("Your name").fill("alice")
            await page.get_by_role("button", name="Start talking").click()
            await expect(page.get_by_role("alert").filter(has_text="keeps no cookies")).to_be_visible()
        finally:
            await context.close()


async def test_a_browser_that_stores_nothing_still_sends_and_says_what_that_means(stage):
    async with stage() as here:
        alice = await here.window()
        await alice.page.context.add_init_script("""
            Object.defineProperty(window, "localStorage", { get() { throw new DOMException("", "SecurityError"); } });
            Object.defineProperty(window, "indexedDB", { get() { throw new DOMException("", "SecurityError"); } });
        """)
        await alice.enter("alice")
        await alice.say("kept nowhere")
        await alice.sees("kept nowhere")
        await expect(alice.toasts).to_contain_text("This browser stores nothing for this page")


async def test_refusals_are_said_in_the_users_language(stage):
    async with stage() as here:
        here.forgive("status of 4")
        (bob,) = await here.server.join("general", "bob")
        alice = await here.window(locale="zh-TW")
        await alice.goto()
        await alice.page.locator("#enter-name").fill(bob.name)
        await alice.page.keyboard.press("Enter")
        await expect(alice.page.locator("#enter-error")).to_have_text("這個名字或相似的名字已被使用。")
        await alice.page.locator("#enter-name").fill("alice")
        await alice.page.keyboard.press("Enter")
        await alice.ready()
        await alice.goto("#/nowhere")
        await expect(alice.toasts).to_contain_text("沒有「nowhere」這個聊天室，或你不能進入。")
        await alice.say("/nosuchcommand")
        await expect(alice.page.get_by_role("alert").filter(has_text="沒有這個指令。")).to_be_visible()
        await alice.composer.fill("")
        await alice.composer.press_sequentially("/sh")
        await expect(alice.page.get_by_text("送出文字，並在後面加上")).to_be_visible()
        await alice.say("/help shrug")
        await expect(alice.log.locator(".note-text")).to_contain_text("送出文字，並在後面加上")


async def test_a_restart_is_told_at_once_with_the_time_of_the_next_try(lasting, windows):
    async with lasting() as server, windows(server.url) as here:
        here.forgive(UNREACHABLE)
        (alice,) = await here.guests("alice")
        # The longest wait.
        await alice.page.evaluate("Math.random = () => 0.999")
        line = alice.page.locator("connection-line")
        await server.kill()
        await expect(line).to_contain_text("No connection.", timeout=2000)
        await expect(line).to_contain_text(re.compile(r"Next try in \d+ s\."), timeout=4000)
        await server.start()
        await line.get_by_role("button", name="Try now").click()
        await expect(line).to_contain_text("You are connected again.")


async def test_a_planned_restart_is_called_one(stage):
    async with stage() as here:
        here.forgive(f"{UNREACHABLE}|status of 503")
        (alice,) = await here.guests("alice")
        # The plugins' parts are there: no file of theirs is asked for while the server stops.
        await alice.page.wait_for_load_state("networkidle")
        line = alice.page.locator("connection-line")
        await here.server.stop()
        await expect(line).to_contain_text("The server restarts.")


async def test_a_device_without_network_is_told_at_once_and_the_return_noticed(stage):
    async with stage() as here, here.cable() as cable:
        here.forgive(f"{UNREACHABLE}|ERR_INTERNET_DISCONNECTED|ERR_SOCKET_NOT_CONNECTED")
        alice = await here.window(cable.url)
        await alice.enter("alice")
        line = alice.page.locator("connection-line")
        await expect(line).to_be_hidden()
        cable.cut()
        await alice.page.context.set_offline(True)
        await expect(line).to_contain_text("This device is offline.", timeout=2000)
        await alice.say("later")
        await expect(alice.pending()).to_have_count(1)
        cable.mend()
        await alice.page.evaluate("Math.random = () => 0.999")
        await alice.page.context.set_offline(False)
        await alice.sees("later")


async def test_a_browser_that_is_wrong_about_the_network_is_not_believed(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.page.evaluate("dispatchEvent(new Event('offline'))")
        await alice.say("I have a connection")
        await alice.sees("I have a connection")
        await expect(alice.page.locator("connection-line")).to_be_hidden()


async def test_an_open_page_notices_another_version_and_offers_to_reload(stage):
    async with stage() as here:
        alice = await here.window()

        def serve_newer(socket):
            server = socket.connect_to_server()

            def forward(data):
                frame = json.loads(data)
                if frame["type"] == "welcome":
                    frame["server"]["client"] = "f" * 16
                socket.send(json.dumps(frame))

            server.on_message(forward)

        await alice.page.route_web_socket(re.compile("/ws"), serve_newer)
        await alice.enter("alice")
        line = alice.page.locator("connection-line")
        await expect(line).to_contain_text("There is a newer version of this page.")
        await alice.type("a draft")
        async with alice.page.expect_event("load"):
            await line.get_by_role("button", name="Reload").click()
        await alice.ready()
        await expect(alice.composer).to_have_value("a draft")


async def test_a_page_of_the_newest_version_says_nothing(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        await alice.say("quiet")
        await alice.sees("quiet")
        await expect(alice.page.locator("connection-line")).to_be_hidden()
