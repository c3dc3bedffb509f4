"""How often somebody may: a token bucket for each key."""

from __future__ import annotations

from collections.abc import Callable

from .errors import Reject
from .values import User

CROWDED = 1_000
"""With more keys than this those at rest are looked for."""


def moves(user: User) -> str:
    """The key of what somebody does that others notice, besides messages: joining, leaving, making rooms."""
    return "moves:" + user.id


class RateLimiter:
    """``rate`` a second on average, ``burst`` at once. Keys at rest are forgotten."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._crowded = CROWDED

    def wait(self, key: str) -> float:
        """Take one; 0 if it was there, else the seconds until there is one."""
        now = self._clock()
        level, then = self._buckets.get(key, (self._burst, now))
        level = min(self._burst, level + max(0.0, now - then) * self._rate)
        if level < 1:
            return (1 - level) / self._rate
        self._buckets[key] = (level - 1, now)
        if len(self._buckets) > self._crowded:
            self._forget(now)
        return 0.0

    def refusal(self, key: str) -> Reject | None:
        """Take one; None if it was there."""
        seconds = self.wait(key)
        if not seconds:
            return None
        return Reject("Too fast. Wait a moment.", "rate_limited", retry_after=seconds)

    def _forget(self, now: float) -> None:
        full = self._burst / self._rate
        self._buckets = {key: value for key, value in self._buckets.items() if now - value[1] < full}
        self._crowded = max(CROWDED, 2 * len(self._buckets))
