"""The judgement: is the memory flat, is the log what its clients were told?"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence

from .log import LoggedEvent

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


class LogCheck:
    """Is the log what its clients were told? ``acknowledged``: by nonce (each used once), the room and the seq told.

    It gets every event of every room in the order of `sync`, and then says what is wrong.
    """

    def __init__(self, acknowledged: Mapping[str, tuple[str, int]]) -> None:
        self.last: dict[str, int] = {}
        """By room, the last seq that was taken."""
        self.steady = 0
        """Messages of the load generator."""
        self._acknowledged = acknowledged
        self._found: dict[str, list[tuple[str, int]]] = {}
        self._sent: dict[str, int] = {}
        self._problems: list[str] = []

    def take(self, room: str, event: LoggedEvent) -> None:
        """One event of the room."""
        expected = self.last.get(room, 0) + 1
        if event.seq != expected:
            self._problems.append(f"{room}: {event.seq} instead of {expected}")
        self.last[room] = event.seq
        if event.nonce is not None and event.nonce in self._acknowledged:
            self._found.setdefault(event.nonce, []).append((room, event.seq))
        if event.content.startswith("stamp ") and event.nonce is not None:
            self.steady += 1
            self._take_steady(event.user.id, int(event.nonce.removeprefix("n")))

    def _take_steady(self, sender: str, number: int) -> None:
        """The load generator's senders number their messages 1, 2, 3 …, and the server keeps their order."""
        expected = self._sent.get(sender, 0) + 1
        if number != expected:
            self._problems.append(f"{sender}: message {number} instead of {expected}")
        self._sent[sender] = number

    def end(self, room: str, head: int) -> None:
        """The room has no more; ``head`` is what the server tells of it."""
        if self.last.setdefault(room, 0) != head:
            self._problems.append(f"{room} ends at {self.last[room]}, and its head is {head}")

    def problems(self) -> Iterator[str]:
        """What is wrong."""
        yield from self._problems
        for nonce, told in self._acknowledged.items():
            found = self._found.get(nonce)
            if found != [told]:
                yield f"{nonce} was acknowledged as {told} and is in the log as {found or 'nothing'}"
