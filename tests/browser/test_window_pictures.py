"""Pictures seen large, messages copied and printed."""

from __future__ import annotations

import struct
import zlib

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.browser


def png(width: int, height: int, shade: int) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([shade]) * width) * height
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


async def test_a_picture_is_looked_at_and_the_next_ones(stage):
    async with stage() as here:
        (alice,) = await here.guests("alice")
        page, press = alice.page, alice.page.keyboard.press
        for number in range(2):
            file = {
                "name": f"p{number}.png",
                "mimeType": "image/png",
                "buffer": png(600, 400, 60 + 90 * number),
            }
            await page.locator("input[type=file]").set_input_files(file)
            await expect(page.get_by_role("button", name="Send")).to_be_enabled()
            await alice.composer.press("Enter")
            await expect(alice.log.locator("[data-seq] .picture")).to_have_count(number + 1)
        await alice.log.locator(".picture").first.click()
        viewer = page.get_by_role("dialog", name="Picture")
        picture = viewer.get_by_role("img")
        await expect(picture).to_have_attribute("alt", "p0.png")
        await expect(viewer.get_by_role("button", name="Picture before")).to_be_hidden()
        await press("ArrowRight")
        await expect(picture).to_have_attribute("alt", "p1.png")
        await expect(viewer).to_contain_text("alice")
        width = (await picture.bounding_box())["width"]
        await press("+")
        assert (await picture.bounding_box())["width"] == pytest.approx(1.5 * width, abs=1)
        await press("0")
        assert (await picture.bounding_box())["width"] == pytest.approx(width, abs=1)
        # Two fingers, each twice as far from the middle in the end.
        await page.evaluate("""() => {
          const stage = document.querySelector(".viewer-stage");
          stage.setPointerCapture = () => {};
          const finger = (type, pointerId, clientX) => stage.dispatchEvent(
            new PointerEvent(type, { pointerId, clientX, clientY: innerHeight / 2, pointerType: "touch" }));
          const middle = innerWidth / 2;
          finger("pointerdown", 1, middle - 50);
          finger("pointerdown", 2, middle + 50);
          finger("pointermove", 1, middle - 100);
          finger("pointermove", 2, middle + 100);
          finger("pointerup", 1, middle - 100);
          finger("pointerup", 2, middle + 100);
        }""")
        assert (await picture.bounding_box())["width"] == pytest.approx(2 * width, rel=0.05)
        await press("Escape")
        await expect(viewer).to_have_count(0)


async def test_messages_are_copied_with_names_and_printed_alone(stage):
    async with stage() as here:
        alice, bob = await here.guests("alice", "bob")
        await bob.say("first line\nsecond **line**")
        await bob.say("one more")
        await alice.sees("one more")
        await alice.say("mine")
        await alice.sees("mine")
        # What comes later is there with the first dialog.
        await alice.page.keyboard.press("Control+k")
        await expect(alice.page.get_by_role("combobox")).to_be_visible()
        await alice.page.keyboard.press("Escape")
        copied = await alice.page.evaluate("""() => {
          const texts = [...document.querySelectorAll(".message .text")];
          const range = document.createRange();
          range.setStart(texts[0].firstChild, 6);
          range.setEnd(texts.at(-1), texts.at(-1).childNodes.length);
          getSelection().removeAllRanges();
          getSelection().addRange(range);
          const clipboardData = new DataTransfer();
          texts[0].dispatchEvent(new ClipboardEvent("copy", { clipboardData, bubbles: true, cancelable: true }));
          return clipboardData.getData("text/plain");
        }""")
        lines = copied.split("\n")
        assert lines[0].startswith("bob [")
        assert lines[1].startswith("line")
        assert lines[-3] == "one more"
        assert lines[-2].startswith("alice [")
        assert lines[-1] == "mine"
        await alice.page.emulate_media(media="print")
        await expect(alice.log).to_be_visible()
        await expect(alice.composer).to_be_hidden()
        await expect(alice.rooms).to_be_hidden()
        await expect(alice.people).to_be_hidden()
