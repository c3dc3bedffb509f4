"""Addresses in a text become links."""

from __future__ import annotations

import html
import re
from urllib.parse import urlsplit

_TAG = re.compile(r"(<[^<>]*>)")
_TAG_NAME = re.compile(r"</?\s*([a-zA-Z0-9]+)")
_QUIET = frozenset({"a", "code", "pre"})

# Up to a space, a quote, an angle bracket, full-width punctuation, or a character that isn't seen or turns the text.
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9_/])(?:https?://|mailto:)"
    r"[^\s<>\"`\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"、。〈-】〔-〛！（），．：；？［］｛｝“”‘’…]+",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'*_~|"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def linked(source: str) -> str | None:
    """The HTML with a link around every http, https and mailto address of its text; None when there is none.

    Text inside of links and code stays as it is.
    """
    lowered = source.lower()
    if "://" not in lowered and "mailto:" not in lowered:
        return None
    parts = _TAG.split(source)
    depth = 0
    for index, part in enumerate(parts):
        if index % 2:
            depth += _opens(part)
        elif depth == 0:
            parts[index] = _link_text(part)
    result = "".join(parts)
    return result if result != source else None


def _opens(tag: str) -> int:
    name = _TAG_NAME.match(tag)
    if name is None or name[1].lower() not in _QUIET:
        return 0
    return -1 if tag.startswith("</") else 1


def _link_text(escaped: str) -> str:
    text = html.unescape(escaped)
    pieces: list[str] = []
    done = 0
    for found in _ADDRESS.finditer(text):
        address = _trimmed(found[0])
        if not _is_safe(address):
            continue
        shown = html.escape(address)
        pieces += [
            html.escape(text[done : found.start()], quote=False),
            f'<a href="{shown}" rel="noopener noreferrer nofollow" target="_blank">{shown}</a>',
        ]
        done = found.start() + len(address)
    if not pieces:
        return escaped
    return "".join([*pieces, html.escape(text[done:], quote=False)])


def _trimmed(address: str) -> str:
    """Without the punctuation of the sentence around it: brackets that it didn't open, commas and full stops."""
    closing = {char: address.count(char) for char in _BRACKETS}
    end = len(address)
    while end:
        last = address[end - 1]
        if last in _BRACKETS and closing[last] > address.count(_BRACKETS[last]):
            closing[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return address[:end]


def _is_safe(address: str) -> bool:
    """Has somewhere to go, and doesn't pretend to go elsewhere as ``https://bank.example@evil.example`` does."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018  Reading it is what checks it.
    except ValueError:
        return False
    if parts.scheme == "mailto":
        before, at, after = parts.path.partition("@")
        return bool(before and at and after) and "@" not in after
    return bool(parts.hostname) and "@" not in parts.netloc
