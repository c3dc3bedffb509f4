"""Emoji of this server's own in the HTML of a message."""

from __future__ import annotations

import re
from collections.abc import Collection

from .shortcodes import stands_alone

NAME = re.compile(r"(?=[a-z0-9_+-]*[a-z])[a-z0-9_+-]{2,32}")
"""The name of a custom emoji: there is a letter in it."""
_CODE = re.compile(r":([a-z0-9_+-]{2,32}):")
_CODES = re.compile(rf"(?:{_CODE.pattern})+")
_PLACE = re.compile(r"\0([^\0]*)\0")
"""Where a picture comes: no message has a character like that."""
_PICTURE = r'<img class="{kind}" src="/plugins/emoji/c/\1" alt=":\1:" title=":\1:" width="22" height="22">'
_TAG = re.compile(r"(<[^>]*>)")
_QUIET = re.compile(r"<(/?)(?:a|code|pre)\b", re.IGNORECASE)
MOST = 100
"""How many a message shows as pictures."""


def with_pictures(html: str, names: Collection[str]) -> str | None:
    """The HTML with a picture for each ``:name:`` of these in its text; None when there is none.

    Like all shortcodes they stand between boundaries, and mean nothing in code and links. Alone they are shown large.
    """
    if not any(code in names for code in _CODE.findall(html)):
        return None
    parts = _TAG.split(html)
    depth = count = 0
    for index, part in enumerate(parts):
        if index % 2:
            quiet = _QUIET.match(part)
            depth += 0 if quiet is None else -1 if quiet[1] else 1
        elif depth == 0 and count < MOST:
            parts[index], more = _shown(part, names)
            count += more
    if not count:
        return None
    alone = not _PLACE.sub("", "".join(parts[::2])).strip()
    picture = _PICTURE.format(kind="emoji large" if alone else "emoji")
    return _PLACE.sub(picture, "".join(parts))


def _shown(text: str, names: Collection[str]) -> tuple[str, int]:
    """A text with a place for each picture, and how many there are."""
    pieces, last, count = [], 0, 0
    for found in _CODES.finditer(text):
        if stands_alone(text, found.start(), found.end()):
            for code in _CODE.finditer(text, found.start(), found.end()):
                if code[1] in names:
                    pieces += [text[last : code.start()], f"\0{code[1]}\0"]
                    last, count = code.end(), count + 1
    return "".join([*pieces, text[last:]]), count
