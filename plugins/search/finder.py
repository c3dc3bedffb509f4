"""Finding what the index has of a query, in the rooms that are named: ids of documents, newest or best first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import msgspec

from .index import SEQ_BITS, texts
from .query import Query, Term
from .words import PRIVATE

RARE = 2_000
"""Up to so many hits are all looked at. Of more, each room is asked for its newest ones, quick for common words."""
BEST_OF = 500
"""Of how many of the newest hits the best are found, where there are more than `RARE`."""

_MIDDLE_IS_EARLIER = """coalesce((
    SELECT ts FROM search_doc WHERE id >= (low + high) / 2 AND id < high ORDER BY id LIMIT 1), :ts) < :ts"""
# In each range, by halving it, the first id whose time is not before :ts.
_FIRST_AT = """
WITH RECURSIVE half (first, low, high) AS (
    SELECT first, first, last + 1 FROM ({ranges}) AS whole
    UNION ALL
    SELECT first,
        CASE WHEN {middle_is_earlier} THEN (low + high) / 2 + 1 ELSE low END,
        CASE WHEN {middle_is_earlier} THEN high ELSE (low + high) / 2 END
    FROM half WHERE low < high
)
SELECT first, low FROM half WHERE low >= high
"""


class Hit(msgspec.Struct, frozen=True):
    """A message that the index has: where it stands. ``ts`` is in milliseconds, ``words`` about its length."""

    id: int
    ts: int
    words: int

    @property
    def room(self) -> int:
        return self.id >> SEQ_BITS

    @property
    def seq(self) -> int:
        return self.id & ((1 << SEQ_BITS) - 1)

    @property
    def age(self) -> tuple[int, int]:
        """What the newest first are sorted by."""
        return -self.ts, -self.id


Ranges = Mapping[int, tuple[int, int]]
"""By the number of a room: the first and the last id that count."""


class Finder:
    """Reads the index; ``db`` is the plugin's."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self._texts = texts(db.dialect)
        self._first_at_sql = _FIRST_AT.format(
            ranges=self._texts.FIRST_AND_LAST, middle_is_earlier=_MIDDLE_IS_EARLIER
        )

    async def rooms(self) -> dict[str, int]:
        """The numbers of all rooms that have ever had a message in the index."""
        return {row["name"]: row["id"] for row in await self._db.query("SELECT id, name FROM search_room")}

    async def ranges(
        self, rooms: Sequence[int], after: float | None, before: float | None
    ) -> dict[int, tuple[int, int]]:
        """What of these rooms was written between two times, in seconds."""
        found = {room: (room << SEQ_BITS, (room + 1 << SEQ_BITS) - 1) for room in rooms}
        if after is not None:
            starts = await self._first_at(found, round(after * 1000))
            found = {room: (starts[first], last) for room, (first, last) in found.items()}
        if before is not None:
            ends = await self._first_at(found, round(before * 1000))
            found = {room: (first, ends[first] - 1) for room, (first, last) in found.items()}
        return {room: (first, last) for room, (first, last) in found.items() if first <= last}

    async def newest(self, match: str, ranges: Ranges, most: int, older_than: Hit | None = None) -> list[Hit]:
        """The newest hits in the ranges, ``most`` of them at least if there are as many."""
        if older_than is not None:
            ends = await self._first_at(ranges, older_than.ts + 1)
            ranges = {room: (first, min(last, ends[first] - 1)) for room, (first, last) in ranges.items()}
        hits = await self._hits(match, ranges, most)
        hits.sort(key=lambda hit: hit.age)
        return hits if older_than is None else [hit for hit in hits if hit.age > older_than.age]

    async def best(self, match: str, together: str | None, ranges: Ranges) -> list[Hit]:
        """All hits, or the newest of many: first those whose words stand ``together``, then the shorter ones, then the
        newer ones."""
        hits = await self._hits(match, ranges, max(BEST_OF // max(len(ranges), 1), 10))
        near = {hit.id for hit in await self._hits(together, ranges, BEST_OF)} if together else set()
        return sorted(hits, key=lambda hit: (hit.id not in near, hit.words.bit_length(), *hit.age))

    async def _hits(self, match: str, ranges: Ranges, most: int) -> list[Hit]:
        """All hits in the ranges, or, if there are many of them anywhere, the ``most`` newest of each range."""
        whole = all(last + 1 == (room + 1) << SEQ_BITS for room, (_, last) in ranges.items())
        rows = await self._db.query(self._texts.ALL, match=match, most=RARE + 1)
        if len(rows) > RARE and "*" in match and len(ranges) > 1 and whole:
            # To put together the words that begin so takes as long for one room as for all.
            rows = await self._db.query(self._texts.NEWEST_IN_ONE_RUN, match=match, most=most)
        elif len(rows) > RARE:
            rows = await self._db.query(self._texts.NEWEST, match=match, ranges=_json(ranges), most=most)
        hits = (Hit(**row) for row in rows)
        return [
            hit for hit in hits if hit.room in ranges and ranges[hit.room][0] <= hit.id <= ranges[hit.room][1]
        ]

    async def _first_at(self, ranges: Ranges, ts: int) -> dict[int, int]:
        rows = await self._db.query(self._first_at_sql, ranges=_json(ranges), ts=ts)
        return {row["first"]: row["low"] for row in rows}


def _json(ranges: Ranges) -> str:
    return json.dumps(list(ranges.values()))


def match(query: Query, sender_id: str | None, texts: ModuleType) -> str:
    """A query in the language of the index, `fts5` or `tsvector`."""
    marks = [*([sender_id] if sender_id else []), *query.has]
    phrases = [
        *(texts.phrase(term.words, term.begins) for term in query.terms),
        *(texts.phrase([PRIVATE + mark], False) for mark in marks),
    ]
    return str(texts.AND.join(phrases))


def match_together(query: Query, sender_id: str | None, texts: ModuleType) -> str | None:
    """The same with all words one after the other; None where they are one phrase anyway."""
    if len(query.terms) < 2 or any(term.begins for term in query.terms[:-1]):
        return None
    words = tuple(word for term in query.terms for word in term.words)
    whole = Term(words, query.terms[-1].begins)
    return match(msgspec.structs.replace(query, terms=(whole,)), sender_id, texts)
