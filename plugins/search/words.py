"""Words as they are indexed and looked for: without case and accents, East Asian texts as pairs of characters.

The index splits at everything in ASCII that is no letter or digit, and takes all other characters for letters; so what
is none is taken out here. What is done to a text must not change between two versions: a message is taken out of the
index by the words that it had.
"""

from __future__ import annotations

import functools
import re
import unicodedata

PRIVATE = "\ue000"
"""Begins the words that no text has: those for who wrote a message, and what comes with it."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\u3400-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Chinese, Japanese, Korean: in their texts, what is looked for is often only a part of what
stands between two spaces."""
_RUN = re.compile(f"[{_UNSPACED}]+")
SYMBOLS = "\u2190-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
"""Emoji and other signs, each a word."""
_SYMBOL = re.compile(f"[{SYMBOLS}]")
_ACCENT = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\ufe00-\ufe0f]")
_SPLIT = re.compile(rf"([{_UNSPACED}]+)|[\x00-\x2f\x3a-\x60\x7b-\x7f]+")


def folded(text: str) -> str:
    """A text without case, accents, and forms of one letter."""
    if text.isascii():
        return text.lower()
    bare = _ACCENT.sub("", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", bare)


def indexed(text: str) -> str:
    """What of a text goes into the index, words with anything between them."""
    if text.isascii():
        return text
    text = _outside().sub(" ", _SYMBOL.sub(r" \g<0> ", folded(text)))
    return _RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", text)


def words(text: str) -> tuple[tuple[str, ...], bool]:
    """The words to look for in a text, as they stand one after the other in the index; and whether the last one is only
    the beginning of a word."""
    cleared = _outside().sub(" ", _SYMBOL.sub(r" \g<0> ", folded(text)))
    parts = [part for part in _SPLIT.split(cleared) if part]
    found: list[str] = []
    for part in parts[:-1]:
        found += _pairs(part) if _RUN.match(part) else [part]
    last = parts[-1] if parts else ""
    if not _RUN.match(last):
        return (*found, *parts[-1:]), False
    # In the index, the text goes on after the last character or ends there. One alone begins a pair, or is the last.
    return (*found, *(_pairs(last)[:-1] or [last])), len(last) == 1


def is_unspaced(word: str) -> bool:
    """Whether a word is of a script that is indexed by pairs of characters."""
    return _RUN.match(word) is not None


def count(text: str) -> int:
    """About how many words a text has, to tell short ones from long ones."""
    return text.count(" ") + 1 if text.isascii() else len(indexed(text).split())


def _pairs(run: str) -> list[str]:
    """Its overlapping pairs of characters, and the last one alone."""
    return [*(run[at : at + 2] for at in range(len(run) - 1)), run[-1]]


@functools.cache
def _outside() -> re.Pattern[str]:
    """What is beyond ASCII and no letter, digit, mark on one, or sign. Made with the first such text."""
    marks = (code for code in range(0x300, 0x20000) if unicodedata.category(chr(code))[0] == "M")
    ranges: list[list[int]] = []
    for code in marks:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    kept = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return re.compile(rf"[^\x00-\x7f\w{kept}{SYMBOLS}]")
