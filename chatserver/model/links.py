"""Addresses in a text, and the links they become."""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import urlsplit

_TAG = re.compile(r"(<[^<>]*>)")
_TAG_NAME = re.compile(r"</?\s*([a-zA-Z0-9]+)")
_QUIET = frozenset({"a", "code", "pre"})

_START = re.compile(
    r"(?<![A-Za-z0-9_/])(?:https?://|mailto:)|(?<![A-Za-z0-9_/.@:+-])(?=www\.[A-Za-z0-9])", re.IGNORECASE
)
# What no address holds: a space, a quote, an angle bracket, full-width signs, a character that isn't seen or turns
# the text; and see `_punctuation`.
_NEVER = (
    r"\s<>\"`\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
_INSIDE = "·‐‑–־׳״་"
"""Punctuation beyond ASCII that words hold, and so addresses such as ``/wiki/Michelson–Morley_experiment``."""
# Scripts whose text goes on directly after a foreign word: Thai and Lao, Myanmar, Khmer, Chinese, Japanese, Korean.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035"
    r"\u303b\u303c\u3041-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"
)
_SCRIPTS = ((0x80, 0x3100), (0xA000, 0xAC00), (0xFD00, 0x12000), (0x1E900, 0x1E960))
"""Where Unicode has punctuation, but for the blocks that hold none."""
_SEPARATORS = (".", "@", ":")
_AFTER_HOST = (*_SEPARATORS, "/", "?", "#")
_TRAILING = ".,;:!?'*_~|" + _INSIDE
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def linked(source: str) -> str | None:
    """The HTML with a link around every http, https and mailto address of its text, and around every host that begins
    with ``www.``; None when there is none.

    Text inside of links and code stays as it is. Punctuation of any script ends an address. So does a letter of
    Chinese, Japanese, Korean, Thai …, where a sentence goes on without a space: ``https://a.example/b를``. Such
    letters belong to the address where a label of the host begins with one (``https://例え.jp/``), and then also
    after the host, unless they follow an ASCII letter or digit (``https://例え.jp/パス``). In all other places they
    have to be percent-encoded, as browsers copy them.
    """
    lowered = source.lower()
    if "://" not in lowered and "mailto:" not in lowered and "www." not in lowered:
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


def addresses(text: str) -> Iterator[tuple[int, str, str]]:
    """The addresses in a plain text: where each begins, how it is written, and where it leads."""
    searched = 0
    while start := _START.search(text, searched):
        searched = _end(text, start.end())
        address = _trimmed(text[start.start() : searched])
        # Nothing of it is matched: a host without a scheme, which has a dot beyond www.
        bare = start.start() == start.end()
        target = f"https://{address}" if bare else address
        if (bare and address.count(".") < 2) or not _is_safe(target):
            searched = max(searched, start.end() + bare)
        else:
            yield start.start(), address, target


def _link_text(escaped: str) -> str:
    text = html.unescape(escaped)
    pieces: list[str] = []
    done = 0
    for start, address, target in addresses(text):
        shown = html.escape(address)
        pieces += [
            html.escape(text[done:start], quote=False),
            f'<a href="{html.escape(target)}" rel="noopener noreferrer nofollow" target="_blank">{shown}</a>',
        ]
        done = start + len(address)
    if not pieces:
        return escaped
    return "".join([*pieces, html.escape(text[done:], quote=False)])


class _Grammar:
    """The patterns of an address: a label of its host, and what comes after one of either script."""

    def __init__(self) -> None:
        never = _NEVER + _punctuation()
        end = rf"{never}/?#.@:"
        self.label = re.compile(rf"[^{end}{_UNSPACED}]+|(?![{never}])[{_UNSPACED}][^{end}]*")
        self.unspaced = re.compile(rf"[{_UNSPACED}]")
        self.after = re.compile(rf"[^{never}{_UNSPACED}]*")
        self.after_unspaced = re.compile(
            rf"(?:[^{never}{_UNSPACED}]|(?<![A-Za-z0-9])(?![{never}])[{_UNSPACED}])*"
        )


@functools.cache
def _grammar() -> _Grammar:
    # With the first address: it takes some milliseconds, and many a server never sees one.
    return _Grammar()


def _punctuation() -> str:
    """All of it beyond ASCII, for a character class: Arabic commas, Hindi full stops, typographic quotes …"""
    chars = (chr(code) for first, end in _SCRIPTS for code in range(first, end))
    return "".join(
        char for char in chars if unicodedata.category(char).startswith("P") and char not in _INSIDE
    )


def _end(text: str, start: int) -> int:
    """Where the address ends whose host, or for ``mailto:`` whose name, begins at ``start``."""
    grammar = _grammar()
    end = position = start
    unspaced = False
    while label := grammar.label.match(text, position):
        if grammar.unspaced.match(label[0]):
            # The sentence goes on after "https://a.example.", unless this is seen to be a part of the host.
            if not unspaced and not text.startswith(_AFTER_HOST, label.end()):
                break
            unspaced = True
        end = label.end()
        if not text.startswith(_SEPARATORS, end):
            break
        position = end + 1
    pattern = grammar.after_unspaced if unspaced else grammar.after
    rest = pattern.match(text, end)
    assert rest is not None
    return rest.end()


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
