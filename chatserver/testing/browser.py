"""Windows of a real Chromium on real servers, and what people do in them. Needs Playwright."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from typing import Any, Self

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    async_playwright,
    expect,
)

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A name of the local network, whose pages are not secure.
    "--host-resolver-rules=MAP chat.test 127.0.0.1",
]

PARTS_THERE = """() => {
  const parts = [...document.querySelector("message-list").app.plugins.loaded.values()];
  return parts.length > 0 && parts.every(({ undos, known }) => undos.length > (known.css ? 1 : 0));
}"""
CLOSE_SECONDS = 8.0
"""How long a closing profile is waited for."""

# What is written to the console when a server is away, also of the plugins' parts that were still on their way.
UNREACHABLE = (
    r"ERR_CONNECTION_|ERR_SOCKET_NOT_CONNECTED|ERR_EMPTY_RESPONSE|WebSocket connection to"
    r"|Failed to fetch dynamically imported module"
)

# A violation is written to the console by Chromium too, but not for every directive.
REPORT_VIOLATIONS = """addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"""


def system_chromium() -> str | None:
    """The path of the system's Chromium, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


class NoChromium(Exception):
    """There is no Chromium to test with."""


class Chromium:
    """The system's Chromium, else the one that Playwright brings."""

    browser: Browser

    async def start(self) -> None:
        """Start it. Raises NoChromium."""
        self._playwright = await async_playwright().start()
        try:
            self.browser = await self._playwright.chromium.launch(
                executable_path=system_chromium(), args=ARGUMENTS
            )
        except Error as error:
            await self._playwright.stop()
            if "Executable doesn't exist" not in error.message:
                raise
            raise NoChromium("there is no Chromium: playwright install chromium") from error

    async def stop(self) -> None:
        """End it."""
        await self.browser.close()
        await self._playwright.stop()


class Window:
    """A page in its own browser profile: one person, unless `tab` opens another beside it."""

    def __init__(self, page: Page, url: str, complaints: list[str]) -> None:
        self.page = page
        self.url = url
        self.complaints = complaints
        self.log = page.get_by_role("log")
        self.composer = page.locator("#composer-input")
        self.rooms = page.get_by_role("navigation", name="Rooms")
        self.people = page.get_by_role("complementary", name="People")
        self.toasts = page.locator("toast-area")
        page.on("console", self._console)
        page.on("pageerror", lambda error: complaints.append(f"page error: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "registration blocked by Playwright" not in message.text:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    async def goto(self, fragment: str = "") -> None:
        await self.page.goto(f"{self.url}/{fragment}")

    async def enter(self, name: str, fragment: str = "") -> None:
        """Come in as a guest, and wait until the room is there."""
        await self.goto(fragment)
        await self.page.get_by_label("Your name").fill(name)
        await self.page.get_by_role("button", name="Start talking").click()
        await self.ready()

    async def sign_in(self, name: str, password: str = "correct horse") -> None:
        """Come in with an account."""
        await self.goto()
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.get_by_label("Your name").fill(name)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.ready()

    async def ready(self) -> None:
        """Wait until something can be written, and the beginning or the newest page of the room is drawn."""
        await expect(self.composer).to_be_visible()
        await expect(self.log.locator(":scope > *").first).to_be_attached()

    async def tab(self) -> Window:
        """Another tab of the same person."""
        other = Window(await self.page.context.new_page(), self.url, self.complaints)
        await other.goto()
        await other.ready()
        return other

    async def type(self, text: str) -> None:
        """Write without sending."""
        await self.composer.fill(text)

    async def say(self, text: str) -> None:
        """Write and press Enter."""
        await self.composer.fill(text)
        await self.composer.press("Enter")

    def message(self, text: str | re.Pattern[str]) -> Locator:
        """The messages with exactly this text, or matching it."""
        exact = re.compile(rf"^\s*{re.escape(text)}\s*(\(edited\))?\s*$") if isinstance(text, str) else text
        return self.log.get_by_role("article").filter(has=self.page.locator(".text", has_text=exact))

    async def sees(self, text: str | re.Pattern[str]) -> Locator:
        """Wait for exactly one such message that the server has confirmed."""
        confirmed = self.message(text).and_(self.page.locator("[data-seq]"))
        await expect(confirmed).to_have_count(1)
        await expect(self.message(text)).to_have_count(1)
        return confirmed

    async def texts(self) -> list[str]:
        """The texts of all messages on the page, from the top, pending ones too."""
        return await self.log.locator(".message .text").all_inner_texts()

    def pending(self) -> Locator:
        return self.log.locator(".message.pending")

    def room(self, title: str) -> Locator:
        """The line of a room or a person in the list at the left."""
        return self.rooms.get_by_role("link", name=re.compile(rf"^{re.escape(title)}(,|$)"))

    async def open(self, title: str) -> None:
        await self.room(title).click()
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        await self.ready()

    async def talk_to(self, name: str) -> None:
        """Open the direct conversation with a user who is in this room."""
        await self.people.get_by_role("button", name=re.compile(rf"^{name}\b")).click()
        await self.page.get_by_role("dialog", name=name).get_by_role("button", name="Message").click()
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(name)
        await self.ready()

    async def settings(self, page: str = "") -> Locator:
        """Open the settings, at one of their pages."""
        await self.rooms.get_by_role("button", name="Settings").click()
        dialog = self.page.get_by_role("dialog", name="Settings")
        if page:
            await dialog.get_by_role("tab", name=page).click()
        return dialog

    async def room_menu(self, item: str) -> None:
        """Take something from the menu of the room on the screen."""
        await self.page.get_by_role("button", name="Room menu").click()
        menu = self.page.get_by_role("menu")
        choice = menu.get_by_role("menuitemradio", name=item)
        await menu.get_by_role("menuitem", name=item).or_(choice).click()

    async def parts(self) -> None:
        """Wait until the plugins' parts are there, and have registered what they have."""
        await self.until(PARTS_THERE)

    async def until(self, function: str, argument: Any = None, seconds: float = 20) -> Any:
        """Ask a function in the page until what it gives is true, and return that. Raises TimeoutError."""
        # Not Playwright's own way, which evaluates texts: the page's Content-Security-Policy may forbid it.
        async with asyncio.timeout(seconds):
            while not (value := await self.page.evaluate(function, argument)):  # noqa: ASYNC110 - it asks the page
                await asyncio.sleep(0.02)
            return value

    async def no_overflow(self) -> bool:
        """Whether nothing has to be scrolled sideways."""
        fits: bool = await self.page.evaluate(
            "document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth"
        )
        return fits


class Windows:
    """``async with Windows(browser, url) as windows``: at the end they are closed, and none may have complained."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self.url = url
        self._contexts: list[BrowserContext] = []
        self._complaints: list[str] = []
        self._forgiven: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for context in self._contexts:
            # Chromium says yes to closing a page whose load is just being committed, and keeps it open; Playwright then
            # waits for ever. Such a profile goes with the browser.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(context.close(), CLOSE_SECONDS)
        if kind is None:
            left = [
                text
                for text in self._complaints
                if not any(re.search(pattern, text) for pattern in self._forgiven)
            ]
            assert left == [], "the browser complained:\n" + "\n".join(left)

    def forgive(self, pattern: str) -> None:
        """Let the console say this: Chromium itself writes there of refused requests and lost servers."""
        self._forgiven.append(pattern)

    async def window(self, url: str = "", **options: Any) -> Window:
        """An empty window of a new user. ``options`` are those of Playwright's ``new_context``."""
        # A service worker answers before a test's own routes do: only those that are about it have it.
        wanted = {
            "locale": "en",
            "viewport": {"width": 1280, "height": 800},
            "color_scheme": "light",
            "service_workers": "block",
        }
        context = await self._browser.new_context(**{**wanted, **options})
        self._contexts.append(context)
        context.set_default_timeout(20_000)
        await context.add_init_script(REPORT_VIOLATIONS)
        return Window(await context.new_page(), url or self.url, self._complaints)

    async def guests(self, *names: str) -> list[Window]:
        """A window each, all in the first room."""
        windows = [await self.window() for _ in names]
        for window, name in zip(windows, names, strict=True):
            await window.enter(name)
        return windows
