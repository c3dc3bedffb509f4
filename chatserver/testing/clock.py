"""A time of day that tests move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..plugins.timer import Timer

TURNS = 20
"""So many turns of the loop a woken job gets to begin."""


class Clock(Timer):
    """``chat(clock=Clock())``: it stands still until `move`. Plugins' jobs run by it; nothing else waits for it."""

    def __init__(self, now: float | None = None) -> None:
        self.now = time.time() if now is None else now
        """Seconds since the epoch."""
        self._waiting: dict[asyncio.Future[None], float] = {}
        self._running = 0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await self.until(self.now + seconds)

    async def until(self, due: float) -> None:
        if due <= self.now:
            # Another turn, as with the machine's clock.
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = due
        try:
            await future
        finally:
            del self._waiting[future]

    @contextmanager
    def running(self) -> Iterator[None]:
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1

    async def move(self, seconds: float = 0.0, *, days: float = 0.0) -> None:
        """Let so much time pass. Jobs that are due run in their order, as often as they would, and are waited for."""
        target = self.now + seconds + days * 86400
        await self._settle()
        while (due := min(self._waiting.values(), default=target + 1)) <= target:
            self.now = max(self.now, due)
            for future in [each for each, when in self._waiting.items() if when <= self.now]:
                if not future.done():
                    future.set_result(None)
            await self._settle()
        self.now = target

    async def _settle(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
        while self._running:
            # What a job waits for, the database or the network, takes real time.
            await asyncio.sleep(0.001)
            if not self._running:
                await self._settle()
