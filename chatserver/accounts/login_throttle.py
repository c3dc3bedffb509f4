"""The limit of failed sign-ins: failures counted by key within a window of time."""

from __future__ import annotations

from collections.abc import Callable

from ..model.errors import Reject

FAILURES = 10
WINDOW_SECONDS = 300.0
MOST_KEYS = 10_000


class LoginThrottle:
    """After `FAILURES` failures of a key it is refused until `WINDOW_SECONDS` have passed since the last one.

    ``clock`` is in seconds and never goes back. A success resets nothing: an attacker could bring one of their own.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[int, float]] = {}

    def failed(self, *keys: str) -> None:
        """Count one more failure for each key."""
        now = self._clock()
        if len(self._failed) > MOST_KEYS:
            self._failed = {key: each for key, each in self._failed.items() if now - each[1] < WINDOW_SECONDS}
        for key in keys:
            count, last = self._failed.get(key, (0, now))
            self._failed[key] = (count + 1 if now - last < WINDOW_SECONDS else 1, now)

    def refuse_hammering(self, *keys: str) -> None:
        """Raises `Reject` ``rate_limited`` when one of the keys has failed too often."""
        now = self._clock()
        for key in keys:
            count, last = self._failed.get(key, (0, 0.0))
            if count >= FAILURES and now - last < WINDOW_SECONDS:
                wait = WINDOW_SECONDS - (now - last)
                raise Reject("Too many failed attempts. Wait a while.", "rate_limited", retry_after=wait)
