"""Lighthouse's scores of the browser client, simulated mobile: where a name is chosen, in a quiet room, and in one with
a thousand unread messages. See `client_figures`."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import tempfile

from playwright.async_api import BrowserType, async_playwright

from chatserver.testing import Client, ServerProcess

UNREAD = 1000
TOGETHER = 100
LIGHTHOUSE_SECONDS = 180
TIMES = ("first-contentful-paint", "cumulative-layout-shift")


async def lighthouse(url: str, port: int) -> dict[str, float] | None:
    """The scores, and what `TIMES` names, in a browser that listens on this port; None where it fails."""
    process = await asyncio.create_subprocess_exec(
        *("lighthouse", url, "--quiet", "--output=json", f"--port={port}", "--disable-storage-reset"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await asyncio.wait_for(process.communicate(), LIGHTHOUSE_SECONDS)
    if process.returncode != 0:
        return None
    found = json.loads(out)
    scores = {each["title"]: 100 * (each["score"] or 0) for each in found["categories"].values()}
    return scores | {name: found["audits"][name]["numericValue"] for name in TIMES}


async def visit(
    kind: BrowserType, path: str | None, server: ServerProcess, room: str, speaker: Client
) -> None:
    """Print the scores for a user who chooses a name, or who comes back to a room."""
    with tempfile.TemporaryDirectory() as profile, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        arguments = ["--no-sandbox", "--disable-gpu", f"--remote-debugging-port={port}"]
        context = await kind.launch_persistent_context(
            profile, executable_path=path, args=arguments, locale="en"
        )
        if room:
            page = await context.new_page()
            await page.goto(server.url)
            await page.get_by_label("Your name").fill(f"reader-{room}")
            await page.get_by_role("button", name="Start talking").click()
            await page.locator(".message[data-seq]").last.wait_for()
            await page.evaluate("(room) => { location.hash = `#/${room}`; }", room)
            await page.wait_for_load_state("networkidle")
            await page.evaluate("location.hash = '#/general'")
            await page.close()
        if room == "busy":
            for _ in range(UNREAD // TOGETHER):
                await asyncio.gather(*(speaker.says("What was said meanwhile.") for _ in range(TOGETHER)))
        scores = await lighthouse(f"{server.url}/#/{room}" if room else server.url, port)
        await context.close()
        said = ", ".join(f"{name} {value:.3g}" for name, value in (scores or {}).items())
        print(f"Lighthouse, {room or 'choosing a name'}: {said or 'failed'}")


async def scores(server: ServerProcess, path: str | None) -> None:
    """Print them, where Lighthouse is."""
    if not shutil.which("lighthouse"):
        print("Lighthouse is not here")
        return
    speaker = await server.client(name="writer")
    for room in ("general", "busy"):
        await speaker.join(room)
    async with async_playwright() as playwright:
        for room in ("", "general", "busy"):
            await visit(playwright.chromium, path, server, room, speaker)
    await speaker.leave()
