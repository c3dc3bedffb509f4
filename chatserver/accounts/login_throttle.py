"""The limit of failed sign-ins: failures counted by key, each making the next wait longer."""

from __future__ import annotations

from collections.abc import Callable

from ..model.errors import Reject

SHORTEST_WAIT = 30.0
LONGEST_WAIT = 900.0
"""Seconds that a failure makes a key wait: the first beyond the free ones, and any."""
REST_SECONDS = 3600.0
"""After so long without a failure a key begins anew."""
MOST_KEYS = 10_000


class LoginThrottle:
    """Each failure of a key from the last free one on makes it wait: `SHORTEST_WAIT`, then twice as long each time,
    `LONGEST_WAIT` at most.

    ``clock`` is in seconds and never goes back. A success resets nothing: an attacker could bring one of their own.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[int, float]] = {}
        self.tell: Callable[[tuple[str, ...]], None] | None = None
        """Tells other servers of the keys that failed."""

    def failed(self, *keys: str) -> None:
        """Count one more failure for each key."""
        self.failed_elsewhere(*keys)
        if self.tell is not None:
            self.tell(keys)

    def failed_elsewhere(self, *keys: str) -> None:
        """The same for a failure that another server tells of."""
        now = self._clock()
        if len(self._failed) > MOST_KEYS:
            self._failed = {key: each for key, each in self._failed.items() if now - each[1] < REST_SECONDS}
        for key in keys:
            count, last = self._failed.get(key, (0, now))
            self._failed[key] = (count + 1 if now - last < REST_SECONDS else 1, now)

    def refuse_hammering(self, key: str, free: int) -> None:
        """Raises `Reject` ``rate_limited`` when the key has failed as often as is ``free``, and not waited since."""
        now = self._clock()
        count, last = self._failed.get(key, (0, 0.0))
        if count < free or now - last >= REST_SECONDS:
            return
        wait = min(SHORTEST_WAIT * 2.0 ** min(count - free, 30), LONGEST_WAIT) - (now - last)
        if wait > 0:
            raise Reject("Too many failed attempts. Wait a while.", "rate_limited", retry_after=wait)
