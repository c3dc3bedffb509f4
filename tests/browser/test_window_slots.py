"""The pictures of the slots in docs/client.md: a plugin that marks each. ``SCREENSHOT=1`` writes them to docs/img."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import expect

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[2] / "docs" / "img"
SLOTS = (Path(__file__).parents[2] / "public" / "js" / "slots.js").read_text()
WIDTH, HEIGHT = 760, 260
LARGEST_BYTES = 30_000

SERVER = "from chatserver import Plugin\n\n\nclass Marks(Plugin):\n    pass\n"
CLIENT = """
export function activate(chat) {
  for (const slot of SLOTS) chat.addSlot(slot, () => {
    const node = document.createElement("span");
    node.className = "mark";
    node.textContent = slot;
    return node;
  }, { title: "Marks", icon: "bell" });
}
"""
STYLE = """@layer plugins {
  .mark { background: #ffd54a; color: #000; border: 2px solid #b35c00; border-radius: 4px;
    padding: 2px 8px; white-space: nowrap; }
}
"""


@pytest.fixture
def marks(tmp_path):
    """A folder with a plugin that writes each slot's name into it."""
    static = tmp_path / "marks" / "static"
    static.mkdir(parents=True)
    (tmp_path / "marks" / "__init__.py").write_text(SERVER)
    (static / "client.js").write_text(CLIENT.replace("SLOTS", str(slots())))
    (static / "client.css").write_text(STYLE)
    return tmp_path


def slots():
    found = re.search(r"export const SLOTS = \[([^]]*)\]", SLOTS)
    return re.findall(r'"([^"]+)"', found[1])


async def picture(page, slot, folder):
    """The mark with what is around it."""
    mark = page.locator(".mark:visible", has_text=re.compile(f"^{slot}$")).last
    await expect(mark).to_be_in_viewport()
    box = await mark.bounding_box()
    size = page.viewport_size
    left = min(max(box["x"] + box["width"] / 2 - WIDTH / 2, 0), size["width"] - WIDTH)
    top = min(max(box["y"] + box["height"] / 2 - HEIGHT / 2, 0), size["height"] - HEIGHT)
    clip = {"x": round(left), "y": round(top), "width": WIDTH, "height": HEIGHT}
    taken = Image.open(io.BytesIO(await page.screenshot(clip=clip, animations="disabled"))).convert("RGB")
    path = folder / f"slot-{slot}.png"
    taken.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < LARGEST_BYTES


async def test_each_slot_is_where_its_picture_says(stage, marks, tmp_path):
    folder = IMAGES if os.environ.get("SCREENSHOT") == "1" else tmp_path
    folder.mkdir(exist_ok=True)
    plugins = {"basics": {}, "history": {}, "marks": {}}
    rooms = [{"name": "general", "title": "General", "topic": "What concerns all of us"}]
    async with stage(plugins=plugins, dirs=[marks], settings={"rooms": rooms}) as here:
        (bob,) = await here.guests("bob")
        alice = await here.window(viewport={"width": 1020, "height": 560})
        await alice.enter("alice")
        page = alice.page
        await bob.say("Who brings the tea?")
        message = await alice.sees("Who brings the tea?")
        for slot in ("header", "sidebar", "composer", "message-footer"):
            await picture(page, slot, folder)
        await message.hover()
        await picture(page, "message-menu", folder)
        await page.get_by_role("button", name="Room menu").click()
        await picture(page, "room-menu", folder)
        await page.get_by_role("menuitem", name="Marks").click()
        await picture(page, "panel", folder)
        await page.keyboard.press("Escape")
        await alice.people.get_by_role("button", name=re.compile("^bob")).click()
        await picture(page, "member", folder)
        await page.keyboard.press("Escape")
        await alice.settings("Marks")
        await picture(page, "settings", folder)
    assert {path.stem for path in folder.glob("slot-*.png")} == {f"slot-{slot}" for slot in slots()}
