"""A piece of a message around what was found in it, as HTML."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Sequence
from itertools import pairwise

from .query import Term
from .words import SYMBOLS, folded, is_unspaced

BEFORE_CHARS = 40
LONGEST_CHARS = 200
_SPOILER = re.compile(r"\|\|.+?\|\|", re.DOTALL)
_HIDDEN = "▇▇▇"
_BETWEEN = rf"(?:[^\w{SYMBOLS}]|_)"


def snippet(text: str, terms: Sequence[Term]) -> str:
    """Escaped HTML with ``<mark>`` around the words found; at most some `LONGEST_CHARS` of the text."""
    # What its writer hides stays hidden here, too.
    text = _SPOILER.sub(_HIDDEN, text)
    spans = _spans(text, terms)
    start = max(spans[0][0] - BEFORE_CHARS, 0) if spans and len(text) > LONGEST_CHARS else 0
    # Not in the middle of a word, where there is a space near.
    if start and (space := text.find(" ", start, start + BEFORE_CHARS // 2)) >= 0:
        start = space + 1
    end = min(start + LONGEST_CHARS, len(text))
    pieces = ["…"] if start else []
    at = start
    for first, last in spans:
        if first >= at and last <= end:
            pieces += [_escaped(text[at:first]), f"<mark>{_escaped(text[first:last])}</mark>"]
            at = last
    pieces += [_escaped(text[at:end]), "…" if end < len(text) else ""]
    return "".join(pieces)


def has_all(text: str, terms: Sequence[Term]) -> bool:
    """Whether all terms are in the text. The index may know of words that an edit took away while it was off."""
    return all(_spans(text, [term]) for term in terms)


def _escaped(text: str) -> str:
    return html.escape(re.sub(r"\s+", " ", text), quote=False)


def _spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Where in the text the terms stand, in order and apart from each other."""
    if not terms:
        return []
    shown, places = _folded(text)
    found = _pattern(terms).finditer(shown)
    return [(places[each.start()], places[each.end() - 1] + 1) for each in found]


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """The text without case and accents, and for each of its characters where it stands in the original."""
    if text.isascii():
        return text.lower(), range(len(text))
    shown: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        bare = _char(char)
        shown.append(bare)
        places += [place] * len(bare)
    return "".join(shown), places


@functools.lru_cache(maxsize=4096)
def _char(char: str) -> str:
    return folded(char)


def _pattern(terms: Sequence[Term]) -> re.Pattern[str]:
    longest_first = sorted(terms, key=lambda term: -sum(map(len, term.words)))
    return re.compile("|".join(map(_term, longest_first)))


def _term(term: Term) -> str:
    first, last = term.words[0], term.words[-1]
    pieces = [re.escape(first)]
    for before, word in pairwise(term.words):
        if is_unspaced(before) and is_unspaced(word) and before[-1] == word[0]:
            # Pairs overlap, and before a space the last character stands alone once more.
            pieces.append(re.escape(word[1:]))
        else:
            # Between scripts there need not be anything.
            least = 0 if is_unspaced(before) or is_unspaced(word) else 1
            pieces += [rf"{_BETWEEN}{{{least},40}}", re.escape(word)]
    start = "" if is_unspaced(first) else r"(?<![^\W_])"
    end = "" if term.begins or is_unspaced(last) else r"(?![^\W_])"
    return start + "".join(pieces) + end
