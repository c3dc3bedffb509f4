"""Previews of links as people see them, on a desk and on a phone."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image
from playwright.async_api import expect

pytestmark = pytest.mark.browser

PAGE = """<title>Tea &lt;script&gt;</title><meta name=description content="How it is made, in a line or two.">
<meta property=og:site_name content="The tea house"><meta property=og:image content="/picture">"""


def picture():
    out = io.BytesIO()
    Image.new("RGB", (900, 500), "seagreen").save(out, "JPEG")
    return out.getvalue()


def answer(request):
    if request.path == "/picture":
        return 200, picture(), {"Content-Type": "image/jpeg"}
    return 200, PAGE, {"Content-Type": "text/html; charset=utf-8"}


async def test_a_preview_comes_below_the_message_and_goes(stage, outside):
    outside.answer = answer
    async with stage(settings=outside.settings) as here:
        (alice,) = await here.guests("alice")
        bob = await here.window(viewport={"width": 390, "height": 844}, has_touch=True)
        await bob.enter("bob")
        await alice.say(f"see {outside.url}/tea")
        card = bob.log.locator(".links-card")
        title = card.get_by_role("link", name="Tea <script>")
        await expect(title).to_be_visible(timeout=30_000)
        await expect(title).to_have_attribute("href", f"{outside.url}/tea")
        await expect(card).to_contain_text("The tea house")
        # The picture is made anew, and asked of this server.
        image = card.locator("img")
        await expect(image).to_have_js_property("naturalWidth", 800)
        await expect(image).to_have_attribute("src", re.compile(r"^/plugins/links/p/[0-9a-f]{32}$"))
        assert await bob.no_overflow()
        await expect(bob.log.get_by_role("button", name="Remove the preview")).to_have_count(0)

        mine = alice.log.locator(".links-card")
        await mine.hover()
        await mine.get_by_role("button", name="Remove the preview").click()
        await expect(card).to_have_count(0)
        await expect(mine).to_have_count(0)


async def test_switched_off_while_people_talk_nothing_of_it_is_left(stage, outside):
    outside.answer = answer
    async with stage(plugins=["basics", "history", "links"], settings=outside.settings) as here:
        root = await here.server.account("root", "admin")
        await root.join("general")
        (alice,) = await here.guests("alice")
        await alice.say(f"see {outside.url}/tea")
        card = alice.log.locator(".links-card")
        await expect(card).to_be_visible(timeout=30_000)
        await root.says("/plugins off links", "general")
        await expect(card).to_have_count(0)
        await expect(alice.page.locator("link[href*='plugins/links']")).to_have_count(0)
        await alice.say(f"and {outside.url}/other")
        await alice.sees(f"and {outside.url}/other")
        await root.says("/plugins on links", "general")
        await expect(card).to_be_visible()
