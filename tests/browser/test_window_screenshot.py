"""The picture in the README: a room on a usual morning. ``SCREENSHOT=1`` writes it to docs/."""

from __future__ import annotations

import io
import json
import os
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.async_api import expect

from chatserver.config.settings import DEFAULT_PLUGINS
from chatserver.testing import Clock

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[2] / "docs"
MORNING = datetime(2026, 3, 12, 9, 2).timestamp()
LARGEST_BYTES = 200_000
ROOMS = [
    {"name": "general", "title": "General", "topic": "What concerns all of us"},
    {
        "name": "spring-trip",
        "title": "Spring trip",
        "topic": "Hut booked for 8 to 10 May · meet at the station 7:40",
    },
    {"name": "kitchen", "title": "Kitchen"},
    {"name": "releases", "title": "Releases"},
]
TALK = [
    ("mira", "Good morning! The hut has confirmed, we have all twelve beds.", 0),
    ("mira", "The way up is here: https://example.org/huts/alder-lake", 1),
    ("jonas", ":tada: I take the 7:12 then, who else?", 3),
    ("ayşe", "Me, from the second stop. Is there snow left above 1500 m?", 1),
    ("jonas", "A little on the north side. I walked up to the lake on Sunday:", 4),
    ("jonas", "PICTURE", 0),
    ("小林", "So beautiful 😍 I bring the big tea pot", 2),
    ("tom", "/me looks for his boots", 1),
    ("tom", "The route for your watch: rsync -a share:trips/2026/alder-lake.gpx ~/tracks/", 3),
    ("mira", "Thanks, tom. @sofia can you bring the first-aid kit again?", 6),
]


def lake() -> bytes:
    """A mountain lake, in few colours."""
    image = Image.new("RGB", (720, 360), "#cfe5f2")
    draw = ImageDraw.Draw(image)
    draw.ellipse((540, 40, 610, 110), fill="#fff3c4")
    draw.polygon([(0, 230), (150, 70), (260, 190), (380, 40), (560, 230)], fill="#8aa3b8")
    draw.polygon([(330, 100), (380, 40), (440, 104), (405, 92), (378, 116)], fill="#f5f9fc")
    draw.polygon([(110, 112), (150, 70), (190, 114), (160, 104)], fill="#f5f9fc")
    draw.polygon([(330, 240), (520, 110), (720, 240)], fill="#6d8a83")
    draw.rectangle((0, 228, 720, 360), fill="#5f9ab5")
    draw.polygon([(0, 262), (220, 228), (0, 222)], fill="#4f6f5a")
    draw.polygon([(720, 270), (430, 230), (720, 224)], fill="#4f6f5a")
    for x in range(20, 220, 34):
        draw.polygon([(x, 240), (x + 13, 178), (x + 26, 240)], fill="#3b5848")
    for y in range(262, 350, 22):
        draw.line((120 + y, y, 380 + y // 2, y), fill="#7db2c9", width=3)
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


async def people(here, *names):
    found = {name: await here.server.account(name) for name in names}
    for client in found.values():
        for room in ROOMS:
            await client.join(room["name"])
        client.room = "spring-trip"
    return found


async def share(here, client):
    """Send the picture."""
    headers = {"X-File-Name": "alder-lake.png", "Content-Type": "image/png"}
    path = "/plugins/files/upload?room=spring-trip"
    answer = await here.server.http("POST", path, body=lake(), headers=headers, token=client.token)
    assert answer.code == 201, answer.body
    await client.says("", files=[json.loads(answer.body)["file"]["id"]])


async def pass_time(clock, window, minutes):
    """On the server and in the window: a difference would be told."""
    await clock.move(minutes * 60)
    await window.page.clock.set_fixed_time(clock.now)


async def test_a_room_on_a_usual_morning(stage, tmp_path):
    clock = Clock(MORNING)
    settings = {"rooms": ROOMS, "server": {"name": "Hiking club"}}
    async with stage(plugins=DEFAULT_PLUGINS, settings=settings, clock=clock) as here:
        crowd = await people(here, "mira", "jonas", "ayşe", "小林", "tom")
        await here.server.services.accounts.add("sofia", "correct horse", "member")
        sofia = await here.window()
        await sofia.page.clock.set_fixed_time(MORNING)
        await sofia.sign_in("sofia")
        for room in ("Kitchen", "Releases", "Spring trip"):
            await sofia.open(room)
        await crowd["tom"].ask("presence", status="away", text="")
        await crowd["ayşe"].ask("presence", status="busy", text="On the train")
        for name, text, minutes in TALK:
            await pass_time(clock, sofia, minutes)
            await (share(here, crowd[name]) if text == "PICTURE" else crowd[name].says(text))
        await crowd["jonas"].says("Do you still have my rope?", to="sofia")
        await crowd["mira"].says("Lunch list for Thursday is up", room="kitchen")
        await sofia.open("jonas")
        await sofia.say("Yes, dry and coiled")
        await sofia.open("Spring trip")
        await pass_time(clock, sofia, 2)
        await sofia.say("Of course, it is packed already")
        await sofia.sees("Of course, it is packed already")
        await crowd["小林"].says("And a cup for me?", to="sofia")
        await crowd["ayşe"].ask("typing", room="spring-trip", on=True)
        await expect(sofia.page.locator("typing-line")).to_have_text("ayşe is typing…")
        await expect(sofia.room("小林")).to_have_accessible_name("小林, 1 unread")
        await expect(sofia.room("Kitchen")).to_have_accessible_name("Kitchen, 1 unread")
        await sofia.until("document.querySelector('.picture img').complete")
        await expect(sofia.message("Of course, it is packed already")).to_be_in_viewport()
        await expect(sofia.log.get_by_role("img")).to_be_in_viewport()
        await expect(sofia.toasts).to_have_text("")
        folder = DOCS if os.environ.get("SCREENSHOT") == "1" else tmp_path
        small = Image.open(io.BytesIO(await sofia.page.screenshot())).convert("RGB")
        path = folder / "screenshot.png"
        small.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
        assert small.size == (1280, 800)
        assert path.stat().st_size < LARGEST_BYTES
