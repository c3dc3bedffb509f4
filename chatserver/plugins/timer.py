"""When jobs run: the time of day, and waiting for it. The test kit has one that tests move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

LONGEST_SECONDS = 30.0
"""After so long it is looked again how late it is: a machine may have slept, or its clock been set."""


class Timer:
    """The time of day, in seconds since the epoch, from ``clock``; and waiting."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def __call__(self) -> float:
        return self._clock()

    async def sleep(self, seconds: float) -> None:
        """Wait so long, whatever happens to the time of day."""
        await asyncio.sleep(seconds)

    async def until(self, due: float) -> None:
        """Wait until the time of day is ``due``."""
        while (left := due - self()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(min(left, LONGEST_SECONDS))

    async def until_set(self, event: asyncio.Event, due: float | None) -> None:
        """Wait for an event, or until the time of day is ``due``."""
        waits: list[asyncio.Task[Any]] = [asyncio.ensure_future(event.wait())]
        if due is not None:
            waits.append(asyncio.ensure_future(self.until(due)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.wait(waits)

    @contextmanager
    def running(self) -> Iterator[None]:
        """A job runs: who moves the time waits for it."""
        yield


def timer_of(clock: Callable[[], float]) -> Timer:
    """``clock`` itself if it is a `Timer`, else one that takes the time of day from it."""
    return clock if isinstance(clock, Timer) else Timer(clock)
