"""The judgement: is the memory flat, is the log what everybody was told?"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ENVELOPE_SECONDS = 30.0
"""Of each such stretch the lowest sample counts: what is kept for slow readers comes and goes."""

Sample = tuple[float, int]
"""Seconds since the start of the process's life, and bytes."""


def growth(samples: Sequence[Sample], warmup: float) -> float:
    """By how many bytes a minute the floor of the samples rises after ``warmup`` seconds.

    The median of the slopes between any two of its points (Theil and Sen): a leak rises between all of them, while an
    allocator that takes one more piece for a rush, and keeps it, rises once. Raises ValueError when fewer than three
    stretches of `ENVELOPE_SECONDS` are left.
    """
    lowest: dict[int, Sample] = {}
    for at, size in samples:
        if at >= warmup:
            stretch = int((at - warmup) / ENVELOPE_SECONDS)
            lowest[stretch] = min(lowest.get(stretch, (at, size)), (at, size), key=lambda each: each[1])
    if len(lowest) < 3:
        raise ValueError("too few samples to tell")
    pairs = itertools.combinations(lowest.values(), 2)
    return 60 * statistics.median((size - early) / (at - then) for (then, early), (at, size) in pairs)


class Log:
    """The database of a server that has stopped."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def close(self) -> None:
        self._database.close()

    def heads(self) -> dict[str, int]:
        """The last number of each room."""
        return dict(self._database.execute("select name, head from room"))

    def problems(self, acknowledged: Mapping[str, tuple[str, int]]) -> Iterator[str]:
        """What is wrong with it. ``acknowledged``: by nonce (each used once), the room and the number told."""
        yield from self._holes()
        yield from self._unmatched()
        found: dict[str, list[tuple[str, int]]] = {}
        for nonce, room, seq in self._database.execute("select nonce, room, seq from message"):
            if nonce in acknowledged:
                found.setdefault(nonce, []).append((room, seq))
        for nonce, told in acknowledged.items():
            if found.get(nonce) != [told]:
                yield f"{nonce} was acknowledged as {told} and is in the log as {found.get(nonce, 'nothing')}"

    def _holes(self) -> Iterator[str]:
        query = """
            select name, head, count(seq), coalesce(min(seq), 1), coalesce(max(seq), 0)
            from room left join event on event.room = name group by name
        """
        for room, head, count, first, last in self._database.execute(query):
            if not (first == 1 and last == head == count):
                yield f"{room}: {count} numbers from {first} to {last}, and its head is {head}"

    def _unmatched(self) -> Iterator[str]:
        query = """
            select count(*) from message left join event on event.room = message.room and event.seq = message.seq
            where event.message_id is not message.id
        """
        (alone,) = self._database.execute(query).fetchone()
        if alone:
            yield f"{alone} messages are not where the log has them"

    def steady_load(self) -> tuple[int, list[str]]:
        """How many messages of the load generator are there, and what is wrong with their numbers."""
        query = """
            select user_id, count(*), max(cast(substr(nonce, 2) as integer)) from message
            where content like 'stamp %' group by user_id
        """
        rows = self._database.execute(query).fetchall()
        wrong = [f"{user}: {count} of {last} messages" for user, count, last in rows if count != last]
        return sum(count for _, count, _ in rows), wrong
