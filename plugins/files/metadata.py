"""Pictures without what was recorded beside their pixels: place, camera, time, comments, thumbnails.

Only the container is rewritten: pixels, animation and colour profile stay as they are, and of Exif the orientation.
What is known to be needed is kept, all else goes, and so does what follows the end of the picture: second pictures
and videos that phones append (MPF, Ultra HDR, motion photos).
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path

from .boxes import heif
from .formats import gif, jpeg, png, webp
from .pieces import Pieces

FORMATS: dict[str, Callable[[mmap.mmap], Pieces]] = {
    "image/jpeg": jpeg,
    "image/png": png,
    "image/apng": png,
    "image/webp": webp,
    "image/gif": gif,
    "image/avif": heif,
    "image/heic": heif,
}
"""How to read a picture, by content type."""
BROKEN = (ValueError, IndexError, struct.error)
"""What is raised for a picture whose container can't be understood."""
COPY_BYTES = 1024 * 1024


def examine(path: Path, mime: str, *, strip: bool) -> int:
    """The orientation by Exif of the picture at ``path``, 1 to 8; with ``strip`` its metadata are removed.

    Blocks: for a thread. Types that are not in `FORMATS` stay as they are. Raises one of `BROKEN`, or OSError, and the
    file is as it was.
    """
    read = FORMATS.get(mime)
    if read is None:
        return 1
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        pieces = read(data)
        if strip and pieces.parts != [slice(0, len(data))]:
            _replace(path, data, pieces)
    return pieces.orientation


def _replace(path: Path, data: mmap.mmap, pieces: Pieces) -> None:
    clean = path.with_suffix(".clean")
    try:
        with open(os.open(clean, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for part in pieces.parts:
                if isinstance(part, bytes):
                    file.write(part)
                    continue
                for start in range(part.start, part.stop, COPY_BYTES):
                    file.write(data[start : min(start + COPY_BYTES, part.stop)])
        clean.replace(path)
    finally:
        clean.unlink(missing_ok=True)
