"""A short-lived cache for answers that may be a second old."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

SECONDS = 1.0


class CachedAnswer(Generic[T]):
    """Caches the answer of ``ask`` for `SECONDS`; callers that come while it runs wait for the same answer."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._at = -SECONDS
        self._lock = asyncio.Lock()

    async def get(self) -> T:
        """The answer. Raises what ``ask`` raises."""
        async with self._lock:
            if time.monotonic() - self._at >= SECONDS:
                self._answer = await self._ask()
                self._at = time.monotonic()
            return self._answer
