"""How often something may be done: a token bucket for each key."""

from __future__ import annotations

from collections.abc import Callable

from .errors import Reject
from .values import User

CROWDED = 1_000
"""With more keys than this, keys whose bucket is full are dropped."""
ROUNDING_SECONDS = 1e-6
"""The rounding error of sums of intervals is below this, in seconds."""


def moves(user: User) -> str:
    """The key of a user's requests that others notice, besides messages: joining, leaving, making rooms."""
    return "moves:" + user.id


class RateLimiter:
    """``rate`` a second on average, ``burst`` at once. Keys at rest are forgotten. ``clock`` is in seconds and never
    goes back.

    The generic cell rate algorithm (ITU-T I.371): of a bucket only the time at which it is full again is kept.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float]) -> None:
        self._interval = 1 / rate
        self._tolerance = (burst - 1) / rate
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._used: dict[str, int] | None = None
        """How many tokens were taken by key since that was told; None where it needs not be."""
        self._tell: Callable[[], None]
        self._crowded = CROWDED

    def wait(self, key: str, cost: float = 1) -> float:
        """Take a token and return 0; without one, return the seconds until there is one. A ``cost`` above what is there
        is taken all the same, and missing later."""
        now = self._clock()
        full_at = self._full_at.get(key, now)
        if full_at < now:
            full_at = now
        seconds = full_at - now - self._tolerance
        if seconds > ROUNDING_SECONDS:
            return seconds
        self._full_at[key] = full_at + self._interval * cost
        if self._used is not None:
            if not self._used:
                self._tell()
            self._used[key] = self._used.get(key, 0) + round(cost)
        if len(self._full_at) > self._crowded:
            self._forget(now)
        return 0.0

    def take(self, key: str) -> None:
        """Take a token. Raises `Reject` ``rate_limited`` when there is none."""
        seconds = self.wait(key)
        if seconds:
            raise Reject("Too fast. Wait a moment.", "rate_limited", retry_after=seconds)

    def share(self, tell: Callable[[], None]) -> None:
        """Count for others, too: ``tell()`` is called when something was taken, for `take_used`."""
        self._used, self._tell = {}, tell

    def take_used(self) -> dict[str, int]:
        """How many tokens were taken by key, since the last call."""
        used, self._used = self._used or {}, {}
        return used

    def used_elsewhere(self, key: str, count: int) -> None:
        """So many tokens of a key were taken by another server. It may be more than there were."""
        now = self._clock()
        self._full_at[key] = max(self._full_at.get(key, now), now) + count * self._interval
        if len(self._full_at) > self._crowded:
            self._forget(now)

    def _forget(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._crowded = max(CROWDED, 2 * len(self._full_at))
