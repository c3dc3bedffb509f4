"""What the browser client does with large rooms: elements, messages in sight, main thread. See `client_figures`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Browser, CDPSession, Page

from chatserver.testing import Client, Harness

PASSWORD = "correct horse"

ROOMS, MEMBERS, MESSAGES, LONG = 500, 5000, 200, 50_000
TOGETHER = 500
WORK = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
SLOWDOWN = 4
INCOMING = 20
SIZES = {"1440x900": (1440, 900), "390x844": (390, 844)}
WORDS = (
    "Good morning!",
    "Did the nightly build go through?",
    "It did, in 14 minutes; the slow part is still the browser run, as it was on Friday.",
    "We could split that into two jobs and run them side by side, which would help the others, too.",
)
IN_SIGHT = """() => {
  const { top, bottom } = document.querySelector(".scroller").getBoundingClientRect();
  return [...document.querySelectorAll(".message")].map((node) => node.getBoundingClientRect())
    .filter((box) => box.top >= top - 1 && box.bottom <= bottom + 1).length;
}"""
LONG_TASKS = """window.longest = 0; new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
}).observe({ type: "longtask", buffered: true });"""


class Seen:
    """A window of a guest in the first room."""

    page: Page
    session: CDPSession

    async def open(
        self, browser: Browser, url: str, name: str, size: tuple[int, int], password: str | None = None
    ) -> Seen:
        context = await browser.new_context(locale="en", viewport={"width": size[0], "height": size[1]})
        context.set_default_timeout(60_000)
        self.page = await context.new_page()
        self.session = await context.new_cdp_session(self.page)
        # Of this thread alone: what else the machine does is not the page's work.
        await self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        await self.page.goto(url)
        if password is not None:
            await self.page.get_by_role("button", name="Sign in").click()
            await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_label("Your name").fill(name)
        await self.page.locator("#enter-name").press("Enter")
        await self.page.evaluate("location.hash = '#/general'")
        await self.page.locator(".message[data-seq]").last.wait_for()
        await self.rest()
        return self

    async def rest(self) -> None:
        """Wait until nothing more is to be done."""
        await self.page.evaluate("() => new Promise((done) => requestIdleCallback(done))")
        await asyncio.sleep(1)

    async def work(self) -> float:
        """Milliseconds of the main thread so far for scripts, styles and layout; without painting, which takes longer
        where there is no graphics card."""
        metrics = (await self.session.send("Performance.getMetrics"))["metrics"]
        return sum(1000 * each["value"] for each in metrics if each["name"] in WORK)


async def fill(speakers: list[Client], count: int) -> None:
    for start in range(0, count, TOGETHER):
        numbers = range(start, min(start + TOGETHER, count))
        # Two or three of one author after each other, as people write.
        await asyncio.gather(
            *(speakers[at // 3 % len(speakers)].says(WORDS[at % len(WORDS)]) for at in numbers)
        )


async def joining(browser: Browser, url: str) -> float:
    """Milliseconds of the main thread for a click on a room of 200 messages, on a slow phone."""
    seen = await Seen().open(browser, url, "joining", SIZES["1440x900"])
    await seen.page.evaluate("location.hash = '#/room-1'")
    await seen.rest()
    await seen.session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    before = await seen.work()
    await seen.page.evaluate("location.hash = '#/general'")
    await seen.rest()
    spent = await seen.work() - before
    assert await seen.page.locator(".message[data-seq]").count() > 0
    await seen.page.context.close()
    return spent


async def incoming(browser: Browser, url: str, speaker: Client) -> float:
    """Milliseconds of the main thread for each message that comes in."""
    seen = await Seen().open(browser, url, "listener", SIZES["1440x900"], PASSWORD)
    before = await seen.work()
    for number in range(INCOMING):
        await speaker.says(f"message {number} comes in")
        # Each is drawn by itself, and nothing is asked of the page meanwhile: that would be counted.
        await asyncio.sleep(0.1)
    await seen.rest()
    spent = (await seen.work() - before) / INCOMING
    await seen.page.context.close()
    return spent


async def scrolling(browser: Browser, url: str) -> tuple[float, int]:
    """The longest task in milliseconds while the past is scrolled through, and how many messages were passed."""
    seen = await Seen().open(browser, url, "scroller", SIZES["1440x900"])
    await seen.page.evaluate(LONG_TASKS)
    first = "() => Number(document.querySelector('.message[data-seq]').dataset.seq)"
    start = await seen.page.evaluate(first)
    await seen.page.mouse.move(700, 400)
    for _ in range(400):
        await seen.page.mouse.wheel(0, -3000)
        await seen.page.wait_for_timeout(16)
    passed = start - await seen.page.evaluate(first)
    longest = await seen.page.evaluate("window.longest")
    await seen.page.context.close()
    return longest, passed


async def crowd(server: Harness) -> None:
    """Members of the first room, most of whom are away; and an account that is in all rooms."""
    for number in range(MEMBERS):
        member = Client(server.url.replace("http", "ws", 1) + "/ws")
        await member.hello(name=f"member{number}")
        await member.join("general")
        await member.leave()
    listener = await server.account("listener", password=PASSWORD)
    for number in range(ROOMS):
        await listener.join(f"room-{number}")
    await listener.join("general")
    await listener.leave()


async def work(browser: Browser, folder: Path) -> None:
    """Print the figures."""
    limits = {"connections_per_ip": 10_000, "messages_per_second": 100_000, "burst": 100_000}
    rooms = [{"name": "general"}, *({"name": f"room-{number}"} for number in range(ROOMS))]
    plugins = ["basics", "moderation", "emoji", "history", "files"]
    async with Harness(folder, plugins=plugins, settings={"limits": limits, "rooms": rooms}) as server:
        speakers = [await server.client(name) for name in ("ann", "bo", "cyril")]
        for speaker in speakers:
            await speaker.join("general")
        await fill(speakers, MESSAGES)
        for name, size in SIZES.items():
            seen = await Seen().open(browser, server.url, f"guest{size[0]}", size)
            print(f"{name}: {await seen.page.evaluate(IN_SIGHT)} messages in sight")
            if size[0] > 1000:
                await seen.page.mouse.move(700, 400)
                while await seen.page.locator(".message").count() < MESSAGES:
                    await seen.page.mouse.wheel(0, -3000)
                    await seen.page.wait_for_timeout(50)
                print(f"{MESSAGES} messages: {await seen.page.locator('*').count()} elements")
            await seen.page.context.close()
        spent = await joining(browser, server.url)
        print(f"joining a room, {SLOWDOWN} times slower: {spent:.0f} ms")
        await crowd(server)
        spent = await incoming(browser, server.url, speakers[0])
        print(f"a message comes in, {ROOMS} rooms, {MEMBERS} members: {spent:.1f} ms")
        await fill(speakers, LONG)
        longest, passed = await scrolling(browser, server.url)
        print(f"{passed} of {LONG} messages scrolled: longest task {longest:.0f} ms")
