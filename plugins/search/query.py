"""What is looked for: ``"two words" hel* from:bob in:#tea has:link before:2026-07-01``."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, get_args

import msgspec

from chatserver import Reject

from .words import is_unspaced, words

Has = Literal["file", "link", "image"]

LONGEST_TERMS = 32
SHORTEST_BEGINNING = 3
"""A last word of so many characters may be only the beginning of one. Shorter ones begin too many words."""
_PART = re.compile(
    r'(?:(?P<key>from|in|has|before|after):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>[^\s"]+))', re.I
)
_NO_VALUE = re.compile("(?:from|in|has|before|after):", re.I)


class Term(msgspec.Struct, frozen=True):
    """Words that stand one after the other; the last one may be only the beginning of a word."""

    words: tuple[str, ...]
    begins: bool = False


class Query(msgspec.Struct, frozen=True):
    """All of it has to be there. ``sender`` and ``room`` are names as they were written; the times, in seconds, are the
    first one that counts and the first one that doesn't."""

    terms: tuple[Term, ...] = ()
    sender: str | None = None
    room: str | None = None
    has: frozenset[Has] = frozenset()
    after: float | None = None
    before: float | None = None

    def __bool__(self) -> bool:
        """Whether anything is looked for; a room and times alone are nothing."""
        return bool(self.terms or self.sender or self.has)


def parse(text: str) -> Query:
    """The last word, unless it is quoted, may be only the beginning of one, as it may still be being written.

    Raises `Reject` ``invalid``, field ``query``, for a filter that says nothing, or too many words.
    """
    terms: list[Term] = []
    open_ended = False
    values: dict[str, str] = {}
    has: set[Has] = set()
    for part in _PART.finditer(text):
        key, value = part["key"], part["quoted"] if part["quoted"] is not None else part["plain"]
        if part["plain"] and _NO_VALUE.fullmatch(value):
            raise _wrong(f"Write something after {value}")
        if key is None:
            found = _terms(value)
            terms += found
            open_ended = part["quoted"] is None if found else open_ended
        elif key.lower() == "has":
            has.add(_has(value.lower()))
        elif not value.lstrip("@#"):
            raise _wrong(f"Write something after {key}:.")
        else:
            values[key.lower()] = value
    if open_ended and _may_begin(terms[-1].words[-1]):
        terms[-1] = Term(terms[-1].words, True)
    if sum(len(term.words) for term in terms) > LONGEST_TERMS:
        raise _wrong(f"A search has {LONGEST_TERMS} words at most.")
    return Query(
        tuple(dict.fromkeys(terms)),
        values.get("from"),
        values.get("in"),
        frozenset(has),
        day(values["after"], "query") if "after" in values else None,
        day(values["before"], "query") if "before" in values else None,
    )


def day(text: str, field: str) -> float:
    """The time at which a day begins in UTC, or that of a time in full. Raises `Reject` ``invalid``."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Reject(f"{text[:40]!r} is no date such as 2026-07-31.", "invalid", field=field) from None


def _terms(text: str) -> list[Term]:
    """What is written without a space, as don't or 東京都, stands together in the messages, too."""
    found, begins = words(text)
    return [Term(found, begins or text.endswith("*"))] if found else []


def _may_begin(word: str) -> bool:
    return len(word) >= SHORTEST_BEGINNING and not is_unspaced(word)


def _has(value: str) -> Has:
    if value not in get_args(Has):
        raise _wrong("has: takes file, link or image.")
    return value  # type: ignore[return-value]


def _wrong(message: str) -> Reject:
    return Reject(message, "invalid", field="query")
