"""Sharing files from the window."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path

import pytest
from browser_kit import Cable
from PIL import Image
from playwright.async_api import expect

pytestmark = pytest.mark.browser


def picture(size=(320, 180)):
    data = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(data, "PNG")
    return data.getvalue()


def file(name, data, mime="application/octet-stream"):
    return {"name": name, "mimeType": mime, "buffer": data}


# Drops a file on the messages; whether the browser was kept from opening it in place of the page.
DROP = """() => {
  const data = new DataTransfer();
  data.items.add(new File(["text"], "dropped.txt", { type: "text/plain" }));
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  return ["dragover", "drop"].map((type) => new DragEvent(type, options))
    .every((event) => !document.querySelector(".log").dispatchEvent(event));
}"""


async def attach(window, *files):
    async with window.page.expect_file_chooser() as chooser:
        await window.page.get_by_role("button", name="Attach files").click()
    await (await chooser.value).set_files(list(files))


async def test_a_picture_is_shown_and_another_file_is_a_card(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await attach(
            alice, file("sunset.png", picture(), "image/png"), file("notes.zip", b"PK\x03\x04" + bytes(2000))
        )
        await expect(alice.page.locator(".tray-item")).to_have_count(2)
        await alice.say("Two files")
        for window in (alice, bob):
            message = await window.sees("Two files")
            image = message.get_by_role("img", name="sunset.png")
            await expect(image).to_be_visible()
            # Not `wait_for_function`, which the page's Content-Security-Policy may forbid.
            width = await image.evaluate("image => image.decode().then(() => image.naturalWidth)")
            assert width == 320
            card = message.get_by_role("link", name=re.compile("notes.zip"))
            await expect(card).to_contain_text(re.compile(r"2(\.0)? ?kB|2 KB", re.IGNORECASE))
        async with bob.page.expect_download() as download:
            await bob.page.get_by_role("link", name=re.compile("notes.zip")).click()
        assert (await download.value).suggested_filename == "notes.zip"
        await expect(alice.page.locator(".tray-item")).to_have_count(0)


async def test_a_picture_alone_is_a_message(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await attach(alice, file("alone.png", picture(), "image/png"))
        await alice.page.get_by_role("button", name="Send").click()
        await expect(bob.log.get_by_role("article").get_by_role("img", name="alone.png")).to_be_visible()
        await bob.page.reload()
        await bob.ready()
        await expect(bob.log.get_by_role("article").get_by_role("img", name="alone.png")).to_be_visible()


async def test_a_file_that_is_too_large_or_empty_says_so_before_it_is_sent(stage):
    plugins = {"basics": {}, "history": {}, "files": {"max_bytes": 1000}}
    async with stage(plugins=plugins) as here:
        (alice,) = await here.guests("alice")
        await attach(alice, file("big.bin", bytes(1001)), file("empty.txt", b""))
        alerts = alice.page.locator(".tray").get_by_role("alert")
        await expect(alerts).to_have_text([re.compile("Too large"), re.compile("empty")])
        await expect(alice.page.get_by_role("button", name="Send")).to_be_disabled()
        await alice.page.get_by_role("button", name="Remove").first.click()
        await expect(alerts).to_have_count(1)


async def test_a_file_may_be_dropped_and_taken_back(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        assert await alice.page.evaluate(DROP)
        item = alice.page.locator(".tray-item")
        await expect(item).to_contain_text("dropped.txt")
        await expect(alice.page.locator("message-composer")).not_to_have_attribute("data-drop", "")
        await item.get_by_role("button").click()
        await expect(item).to_have_count(0)
        await alice.say("nothing with it")
        await expect((await alice.sees("nothing with it")).locator(".file-card")).to_have_count(0)


async def test_a_file_dropped_where_none_is_taken_does_not_replace_the_page(stage):
    async with stage(plugins=["basics", "history"]) as here:
        (alice,) = await here.guests("alice")
        assert await alice.page.evaluate(DROP)
        await expect(alice.page.locator(".tray-item")).to_have_count(0)


async def test_a_file_name_is_text(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        names = ["<img src=x onerror=alert(1)>.txt", "a\"b'c&amp;.txt", "文件 名.txt"]
        for number, name in enumerate(names):
            await attach(alice, file(name, b"just text", "text/plain"))
            await alice.say(f"Look at {number}")
            card = (await bob.sees(f"Look at {number}")).locator(".file-card")
            await expect(card.locator(".file-name")).to_contain_text(name.replace("/", "")[:6])
        await expect(bob.page.locator("img")).to_have_count(0)


async def test_a_page_that_calls_itself_a_picture_is_not_shown(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await attach(alice, file("photo.png", b"<html><script>alert(1)</script></html>", "image/png"))
        await alice.say("A photo")
        message = await bob.sees("A photo")
        await expect(message.locator(".file-card")).to_be_visible()
        await expect(message.locator("img")).to_have_count(0)


class Worn(Cable):
    """A network that breaks once, after so many bytes."""

    left = 5 * 2**20
    broken = False

    async def _copy(self, reader, writer):
        class Counted:
            async def read(_, size):
                data = await reader.read(size)
                self.left -= len(data)
                if self.left < 0 and not self.broken:
                    self.broken = True
                    self.cut()
                    self.mend()
                    raise ConnectionError("worn out")
                return data

        await super()._copy(Counted(), writer)


async def test_a_large_file_goes_on_where_it_broke_off(stage):
    content = random.Random(1).randbytes(12 * 2**20)
    async with stage() as here, Worn(here.server.server.port) as cable:
        # Chromium itself asks once more, from the beginning, where a connection breaks.
        here.forgive("ERR_|WebSocket connection|409")
        alice = await here.window(cable.url)
        await alice.enter("alice")
        (bob,) = await here.guests("bob")
        asked = []
        alice.page.on("request", lambda request: asked.append(request))
        await attach(alice, file("large.bin", content))
        plugin = here.server.plugin("files")
        await expect(alice.page.get_by_text("large.bin")).to_be_visible()
        await alice.say("here it is")
        card = bob.log.get_by_role("link", name="large.bin")
        await expect(card).to_be_visible(timeout=30_000)
        assert cable.broken
        async with bob.page.expect_download() as download:
            await card.click()
        assert Path(await (await download.value).path()).read_bytes() == content
        assert not plugin.quota.coming
        # What came before the break was kept.
        first, *_, last = (request for request in asked if request.method == "PATCH")
        assert first.headers["upload-offset"] == "0"
        assert 2**20 < int(last.headers["upload-offset"]) < len(content)
