"""Smaller pictures for the conversation; the whole one is fetched where it is looked at."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chatserver import ApartError, Plugin, scaled

from .kinds import Kind

WIDTH, HEIGHT = 840, 640
"""Twice what the conversation shows, for screens with many points."""
SMALL_BYTES = 100 * 1024
"""A picture that is small enough itself needs no other one."""
SECONDS = 30


async def preview_of(plugin: Plugin, path: Path, kind: Kind, size: int) -> tuple[Kind, bytes | None]:
    """The kind of a file as it may be shown, and a smaller picture of it where that is worth it.

    A picture that can't be made anew, in a process of its own, is for saving only.
    """
    if not kind.inline or not kind.mime.startswith("image/"):
        return kind, None
    moves = kind.mime in ("image/gif", "image/webp", "image/png")
    try:
        try:
            made = await plugin.apart(scaled, str(path), WIDTH, HEIGHT, moves, seconds=SECONDS)
        except ApartError:
            # Too many frames: the first one has to do.
            made = await plugin.apart(scaled, str(path), WIDTH, HEIGHT, seconds=SECONDS)
    except ApartError as error:
        plugin.log.info("a picture is for saving only: %s", error)
        return msgspec.structs.replace(kind, inline=False), None
    data: bytes = made["data"]
    return kind, data if size > SMALL_BYTES and len(data) < size else None
