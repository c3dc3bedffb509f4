"""What a file is, by its content. What it calls itself counts for nothing."""

from __future__ import annotations

import codecs
from pathlib import Path

import msgspec

from .metadata import BROKEN, examine

HEAD_BYTES = 8192
PICTURES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
"""What may be shown in a page, by Pillow's names. SVG is a program, not a picture."""
OPENED = {**PICTURES, "MPO": "image/jpeg"}
"""Those, and what Pillow finds them to be: many a phone adds a second picture to a JPEG."""
MEDIA = frozenset(
    {
        "video/mp4", "video/webm", "video/ogg", "video/quicktime", "video/x-m4v", "audio/mpeg", "audio/mp4",
        "audio/ogg", "audio/x-wav", "audio/flac", "audio/x-flac", "audio/aac", "audio/webm",
    }
)  # fmt: skip
"""What browsers play in a page. A browser that can't says so there."""
MOST_PIXELS = 40_000_000
"""A picture with more is for saving only."""
ORIENTATION = 0x0112
"""The tag of Exif."""
LYING = (5, 6, 7, 8)
"""Orientations in which what is stored as a row is shown as a column."""


class Kind(msgspec.Struct, frozen=True):
    """A content type, and whether it may be shown in a page (``inline``); for pictures their pixels too."""

    mime: str
    inline: bool = False
    width: int | None = None
    height: int | None = None

    def turned(self) -> Kind:
        """The same picture, a quarter turned."""
        return msgspec.structs.replace(self, width=self.height, height=self.width)


def taken(path: Path, *, strip: bool) -> Kind:
    """Look into an upload; with ``strip`` the metadata of a picture are removed from it.

    Width and height are those that are shown. A picture that is broken stays as it is, for saving only. Blocks: for a
    thread. Raises OSError.
    """
    found = kind(path)
    try:
        orientation = examine(path, found.mime, strip=strip)
    except BROKEN:
        return Kind(found.mime)
    return found.turned() if orientation in LYING else found


def kind(path: Path) -> Kind:
    """Look into a file. Blocks: for a thread."""
    # Imported with the first file: these two take 3 MB.
    from filetype import guess_mime

    picture = _picture(path)
    if picture is not None:
        return picture
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    # Anything made of text is plain text here, HTML and SVG too: no browser runs it as such.
    mime = guess_mime(head) or ("text/plain" if _is_text(head) else "application/octet-stream")
    return Kind(mime, inline=mime in MEDIA)


def _picture(path: Path) -> Kind | None:
    from PIL import Image

    try:
        with Image.open(path, formats=list(PICTURES)) as image:
            mime = OPENED[image.format or ""]
            shown = image.width * image.height <= MOST_PIXELS
            found = Kind(mime, inline=shown, width=image.width, height=image.height)
            # Of this format alone Pillow tells how it turns, which is not said by Exif, in the words of Exif.
            turns = mime == "image/avif" and _orientation(image.info.get("exif")) in LYING
            return found.turned() if turns else found
    except Exception:
        # Pillow raises all sorts of things for broken files, and for pictures that are far too large to show.
        return None


def _orientation(exif: bytes | None) -> int:
    from PIL import Image

    found = Image.Exif()
    found.load(exif or b"")
    return int(found.get(ORIENTATION, 1))


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return "\0" not in text
