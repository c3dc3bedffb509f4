"""Draws the icons of the installed app from the page's own: `make icons`."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "browser"))

from browser_kit import Chromium

PUBLIC = Path(__file__).parent.parent / "public"
COLOUR = "#4453c9"
ICONS = {"icon-192.png": (192, False), "icon-512.png": (512, False), "icon-maskable.png": (512, True)}


def drawn(maskable: bool) -> str:
    """The mark in its colour; one that may be cut to any shape is white, on the whole square."""
    mark = (PUBLIC / "favicon.svg").read_text(encoding="utf-8")
    if not maskable:
        return mark.replace('viewBox="0 0 48 48"', 'viewBox="2 2 44 44"')
    inside = (
        re.sub(r"^<svg[^>]*>|</svg>\s*$", "", mark)
        .replace(COLOUR, "#fff")
        .replace('stroke="#fff"', f'stroke="{COLOUR}"')
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 -16 80 80">'
        f'<rect x="-16" y="-16" width="80" height="80" fill="{COLOUR}"/>{inside}</svg>'
    )


async def main() -> None:
    chromium = Chromium()
    await chromium.start()
    try:
        for name, (size, maskable) in ICONS.items():
            page = await chromium.browser.new_page(viewport={"width": size, "height": size})
            await page.set_content(
                f"<style>body{{margin:0}}svg{{display:block;width:100vw}}</style>{drawn(maskable)}"
            )
            await page.screenshot(path=PUBLIC / name, omit_background=True)
            await page.close()
    finally:
        await chromium.stop()


if __name__ == "__main__":
    asyncio.run(main())
