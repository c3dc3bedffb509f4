"""What a file is, by its content. What it calls itself counts for nothing."""

from __future__ import annotations

import codecs
from pathlib import Path

import msgspec

HEAD_BYTES = 8192
PICTURES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
"""What may be shown in a page, by Pillow's names. SVG is a program, not a picture."""


class Kind(msgspec.Struct, frozen=True):
    """A content type; for pictures that may be shown in a page (``inline``) their pixels too."""

    mime: str
    inline: bool = False
    width: int | None = None
    height: int | None = None


def kind(path: Path) -> Kind:
    """Look into a file. Blocks: for a thread."""
    # Where nobody sends a file these two would be 3 MB for nothing.
    from filetype import guess_mime

    picture = _picture(path)
    if picture is not None:
        return picture
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    # Anything made of text is plain text here, HTML and SVG too: no browser runs it as such.
    return Kind(guess_mime(head) or ("text/plain" if _is_text(head) else "application/octet-stream"))


def _picture(path: Path) -> Kind | None:
    from PIL import Image

    try:
        with Image.open(path, formats=list(PICTURES)) as image:
            return Kind(PICTURES[image.format or ""], inline=True, width=image.width, height=image.height)
    except Exception:
        # Pillow raises all sorts of things for broken files, and for pictures that are far too large to show.
        return None


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return "\0" not in text
