"""Waiting with a deadline, also for what ignores being cancelled."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from .failures import contained

T = TypeVar("T")

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0


class TookTooLong(TimeoutError):
    """The time that something had is over."""

    def __init__(self) -> None:
        super().__init__("took too long")


class Waiting:
    """Waits for what may never end. What goes on ``cancelled`` seconds after it was cancelled is left alone, and kept
    here. Every ``patience`` seconds it is said what is waited for."""

    def __init__(self, cancelled: float, patience: float = PATIENCE_SECONDS) -> None:
        self._cancelled = cancelled
        self._patience = patience
        self._left: set[asyncio.Task[Any]] = set()

    async def within(self, seconds: float, what: str, waiting: Awaitable[T]) -> T:
        """What ``waiting`` gives, in a task of its own. Raises whatever it raises, and TookTooLong."""
        task = asyncio.get_running_loop().create_task(contained(waiting), name=what)
        try:
            await asyncio.wait([task], timeout=seconds)
        finally:
            if task.cancel():
                self._left.add(task)
                task.add_done_callback(self._ended)
        if task in self._left:
            await asyncio.wait([task], timeout=self._cancelled)
            if not task.done():
                log.error("%s goes on, though it was cancelled", what)
            raise TookTooLong
        return task.result()

    async def patiently(self, seconds: float, what: str, waiting: Awaitable[T]) -> T:
        """The same, for what may take minutes: now and then the log says what is waited for."""
        told = asyncio.get_running_loop().create_task(self._tell(what))
        try:
            return await self.within(seconds, what, waiting)
        finally:
            told.cancel()

    async def _tell(self, what: str) -> None:
        since = time.monotonic()
        while True:
            await asyncio.sleep(self._patience)
            log.warning("still waiting for %s, for %d seconds so far", what, time.monotonic() - since)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            # Its caller has its answer: what it raises now is not to be reported as never retrieved.
            task.exception()


async def wait_at_most(what: str, ending: Coroutine[Any, Any, None], seconds: float) -> None:
    """Wait for ``ending``, for so many seconds at most; what failed or is late is logged as ``what``, and left
    alone.

    Unlike with `asyncio.timeout`, what ignores being cancelled isn't waited for either.
    """
    task = asyncio.ensure_future(ending)
    try:
        await asyncio.wait([task], timeout=seconds)
    finally:
        late = task.cancel()
    if late:
        log.warning("stopping without %s, which did not end within %g seconds", what, round(seconds, 1))
    elif not task.cancelled() and (error := task.exception()) is not None:
        log.error("stopping: %s failed", what, exc_info=error)
