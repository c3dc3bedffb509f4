"""Limits of users and addresses that count on all servers of a cluster: each tells the others what was used up on it.

So no request waits for another server; and while they are not heard, each server counts by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ..accounts.login_throttle import LoginThrottle
from ..model.rate_limit import RateLimiter
from .node_notes import Failed, Note, Used

TELL_SECONDS = 0.25
"""What is used up in so long goes into one note."""
MOST = 2000
"""So many keys go into one note."""


class SharedLimits:
    """``limiters`` by names that all servers know; ``send(note)`` tells the others."""

    def __init__(
        self, limiters: Mapping[str, RateLimiter], throttle: LoginThrottle, send: Callable[[Note], None]
    ) -> None:
        self._limiters = limiters
        self._throttle = throttle
        self._send = send
        self._telling = False
        for limiter in limiters.values():
            limiter.share(self._tell_soon)
        throttle.tell = self._failed

    def _tell_soon(self) -> None:
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_later(TELL_SECONDS, self._tell)

    def _tell(self) -> None:
        self._telling = False
        for name, limiter in self._limiters.items():
            used = list(limiter.take_used().items())
            for first in range(0, len(used), MOST):
                self._send(Used(name, dict(used[first : first + MOST])))

    def _failed(self, keys: tuple[str, ...]) -> None:
        self._send(Failed(keys))

    # What others tell

    def used(self, note: Used) -> None:
        """Tokens were taken on another server; of a limiter that only a newer one has, it doesn't matter here."""
        limiter = self._limiters.get(note.limiter)
        if limiter is not None:
            for key, count in note.keys.items():
                limiter.used_elsewhere(key, count)

    def failed(self, note: Failed) -> None:
        """Sign-ins failed on another server."""
        self._throttle.failed_elsewhere(*note.keys)
