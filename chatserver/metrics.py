"""Counting what the server does."""

from __future__ import annotations

from collections import deque

WINDOW = 10.0


class Rate:
    """How often something happens: per second, over the last ten."""

    def __init__(self) -> None:
        self._counts: deque[tuple[int, int]] = deque()

    def count(self, now: float) -> None:
        """It happened. ``now`` is in seconds."""
        second = int(now)
        if self._counts and self._counts[-1][0] == second:
            self._counts[-1] = (second, self._counts[-1][1] + 1)
        else:
            self._counts.append((second, 1))
            self._forget(now)

    def per_second(self, now: float) -> float:
        """The mean of the window that ends now."""
        self._forget(now)
        return sum(count for _, count in self._counts) / WINDOW

    def _forget(self, now: float) -> None:
        while self._counts and self._counts[0][0] <= now - WINDOW:
            self._counts.popleft()
