"""The page without a server: it opens, shows what was there, and sends what was written once the server is back."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser

CONTROLLED = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"
KEPT = """async () => {
  for (const name of await caches.keys()) if (await (await caches.open(name)).match("/")) return true;
  return false;
}"""

PARTS_KEPT = """async () => {
  const paths = (await (await caches.open("chat-plugins")).keys()).map(({ url }) => url);
  return ["search", "markdown"].every((name) => paths.some((path) => path.includes(`/plugins/${name}/`)));
}"""


async def test_the_page_opens_without_a_server_and_goes_on_with_it(lasting, windows):
    async with lasting() as server, windows(server.url) as here:
        here.forgive(r"ERR_|WebSocket connection|Failed to load resource")
        alice = await here.window(service_workers="allow")
        await alice.enter("alice")
        await alice.say("kept")
        await alice.sees("kept")
        # The first dialog brings what comes later, the service worker among it.
        await alice.page.keyboard.press("Control+k")
        await expect(alice.page.get_by_role("combobox")).to_be_visible()
        await alice.page.keyboard.press("Escape")
        await alice.until(CONTROLLED)
        await alice.until(KEPT)
        await alice.until(PARTS_KEPT)
        await alice.page.evaluate("dispatchEvent(new Event('pagehide'))")
        await server.kill()

        await alice.page.reload()
        await alice.ready()
        await alice.sees("kept")
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("General")
        await expect(alice.page.get_by_role("button", name="Search messages")).to_be_visible()
        await alice.say("written without a server")
        await expect(alice.pending()).to_have_count(1)

        await server.start()
        await alice.sees("written without a server")
        bob = await here.window()
        await bob.enter("bob")
        await bob.sees("written without a server")


async def test_what_another_app_shares_comes_where_one_wants_it(stage):
    async with stage(settings={"rooms": [{"name": "general"}, {"name": "random"}]}) as here:
        (alice,) = await here.guests("alice")
        await alice.open("random")
        await alice.open("general")
        await alice.page.goto(f"{here.url}/?title=News&url=https%3A%2F%2Fexample.org%2F")
        await alice.page.get_by_role("combobox").fill("random")
        await alice.page.keyboard.press("Enter")
        await expect(alice.page.get_by_role("heading", level=1)).to_have_text("random")
        await expect(alice.composer).to_have_value("News\nhttps://example.org/")
        assert "?" not in alice.page.url
