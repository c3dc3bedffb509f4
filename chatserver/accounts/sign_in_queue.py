"""Who waits for a password to be hashed: one after the other, and few at a time from one place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..model.errors import Reject

MOST_WAITING = 30
"""With some 0.1 s for each, the last one waits three seconds."""
MOST_PER_KEY = 4


class SignInQueue:
    """Lets one in at a time, so that each knows how those before it ended."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._waiting: Counter[str] = Counter()
        self._all = 0

    @asynccontextmanager
    async def turn(self, *keys: str) -> AsyncIterator[None]:
        """Wait for one's turn. Raises `Reject` ``rate_limited`` with too many of one key, ``unavailable`` with too many
        in all."""
        if any(self._waiting[key] >= MOST_PER_KEY for key in keys):
            raise Reject("You are signing in already. Wait a moment.", "rate_limited", retry_after=2)
        if self._all >= MOST_WAITING:
            raise Reject("Too many are signing in just now. Wait a moment.", "unavailable", retry_after=5)
        self._waiting.update(keys)
        self._all += 1
        try:
            async with self._lock:
                yield
        finally:
            self._all -= 1
            self._waiting.subtract(keys)
            for key in keys:
                if not self._waiting[key]:
                    del self._waiting[key]
