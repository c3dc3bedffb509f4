"""What the browser client costs on a slow line: ``python -m benchmarks.client_figures``, or ``make client-figures``.

A server with a hundred messages, a real Chromium, and between them a line of 150 ms and 1.6 Mbit/s. Prints the worst
of three: requests, bytes on the wire, first paint, and the time from a reload to the first message. Lighthouse's
scores too, where it is installed (`client_scores`). And what it does with large rooms, see `client_work`.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, CDPSession, Page, async_playwright

from chatserver.testing import ServerProcess

from .client_scores import scores
from .client_work import work
from .slow_line import SlowLine

ROUNDS = 3
MESSAGES = 100
RTT_SECONDS = 0.15
BITS_PER_SECOND = 1_600_000
PATIENCE_MS = 30_000
SETTINGS = {
    "limits": {"messages_per_second": 1000, "burst": 1000},
    "rooms": [{"name": "general"}, {"name": "busy"}],
}

# Notes when the first message is in the page, counted from the beginning of the navigation.
WATCH = """new MutationObserver((_, observer) => {
  if (!document.querySelector(".message[data-seq]")) return;
  observer.disconnect();
  window.firstMessage = performance.now();
}).observe(document, { childList: true, subtree: true });"""


@dataclass(frozen=True)
class Load:
    """One load of the page. Times are in milliseconds since the navigation began."""

    requests: int
    revalidated: int
    kilobytes: float
    first_paint: float
    first_message: float | None = None


class Wire:
    """Counts what a page asks the server for, its WebSocket included, and not what its cache has."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        session.on("Network.requestServedFromCache", lambda event: self._cached.add(event["requestId"]))
        session.on("Network.responseReceived", self._received)
        session.on("Network.webSocketCreated", lambda _: self._count())
        self.reset()

    def reset(self) -> None:
        self.requests = self.revalidated = 0
        self._cached: set[str] = set()

    def _count(self) -> None:
        self.requests += 1

    def _received(self, event: dict[str, Any]) -> None:
        response = event["response"]
        if response.get("fromDiskCache") or event["requestId"] in self._cached:
            return
        self._count()
        self.revalidated += response["status"] == 304


async def first_load(page: Page, wire: Wire, line: SlowLine, url: str) -> Load:
    """An empty cache: the page on which a name is chosen."""
    wire.reset()
    before = line.received
    await page.goto(url, wait_until="networkidle")
    return Load(wire.requests, wire.revalidated, (line.received - before) / 1000, await first_paint(page))


async def enter(page: Page, name: str) -> None:
    await page.get_by_label("Your name").fill(name)
    await page.get_by_role("button", name="Start talking").click()
    await page.locator(".message[data-seq]").last.wait_for()
    # What the start doesn't wait for comes, too.
    await page.wait_for_load_state("networkidle")


async def reload(page: Page, wire: Wire, line: SlowLine) -> Load:
    """A user who comes back."""
    wire.reset()
    before = line.received
    await page.reload()
    message = await (await page.wait_for_function("() => window.firstMessage")).json_value()
    await page.wait_for_load_state("networkidle")
    received = (line.received - before) / 1000
    return Load(wire.requests, wire.revalidated, received, await first_paint(page), message)


async def first_paint(page: Page) -> float:
    script = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    return float(await (await page.wait_for_function(script)).json_value())


async def measure(browser: Browser, url: str, number: int) -> tuple[Load, Load]:
    """The first load and a reload, in a profile of their own."""
    async with SlowLine(url, RTT_SECONDS, BITS_PER_SECOND) as line:
        context: BrowserContext = await browser.new_context(locale="en")
        context.set_default_timeout(PATIENCE_MS)
        await context.add_init_script(WATCH)
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        await session.send("Network.enable")
        wire = Wire(session)
        first = await first_load(page, wire, line, line.url)
        await enter(page, f"guest{number}")
        again = await reload(page, wire, line)
        await context.close()
        return first, again


def worst(loads: Sequence[Load]) -> Load:
    values = {field.name: [getattr(load, field.name) for load in loads] for field in fields(Load)}
    return Load(**{name: None if None in each else max(each) for name, each in values.items()})


def chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def show(name: str, load: Load) -> None:
    message = "" if load.first_message is None else f", first message {load.first_message:.0f} ms"
    print(
        f"{name:11}{load.requests:3} requests ({load.revalidated} revalidated), {load.kilobytes:.1f} KB, "
        f"first paint {load.first_paint:.0f} ms{message}"
    )


async def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with ServerProcess(Path(folder), settings=SETTINGS) as server:
            speaker = await server.client(name="speaker")
            await speaker.join("general")
            for number in range(MESSAGES):
                await speaker.says(f"Message {number}: the quick brown fox jumps over the lazy dog.")
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(
                    executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
                )
                rounds = [await measure(browser, server.url, number) for number in range(ROUNDS)]
                with tempfile.TemporaryDirectory() as rooms:
                    await work(browser, Path(rooms))
                await browser.close()
            print(f"150 ms, 1.6 Mbit/s, worst of {ROUNDS}:")
            show("first load", worst([first for first, _ in rounds]))
            show("reload", worst([again for _, again in rounds]))
            await speaker.leave()
            for _ in range(ROUNDS):
                await scores(server, chromium())


if __name__ == "__main__":
    asyncio.run(run())
