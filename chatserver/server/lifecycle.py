"""What has been started and has to be stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..model.errors import Reject
from ..plugins.deadline import wait_at_most

log = logging.getLogger(__name__)

Stop = Callable[[], Coroutine[Any, Any, None] | None]


class Lifecycle:
    """Stops what was started, the last one first, each within its time."""

    def __init__(self) -> None:
        self._started: list[tuple[str, Stop, float]] = []

    def add(self, name: str, stop: Stop, seconds: float) -> None:
        """``name`` runs: `stop` will call ``stop``, and wait for so long at most."""
        self._started.append((name, stop, seconds))

    async def stop(self) -> None:
        """Stop all of it. What is late or fails is logged."""
        while self._started:
            name, stop, seconds = self._started.pop()
            ending = stop()
            if ending is not None:
                await wait_at_most(name, ending, seconds)


class PeriodicTasks:
    """Calls functions again and again; one that fails is logged, and called again."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def every(self, seconds: float, function: Callable[[], Awaitable[None]]) -> None:
        """Call ``function`` after each ``seconds``."""

        async def run() -> None:
            while True:
                await asyncio.sleep(seconds)
                try:
                    await function()
                except Reject as refusal:
                    # The storage, which has logged it.
                    log.debug("a periodic task was refused: %s", refusal)
                except Exception:
                    log.exception("a periodic task failed")

        self._tasks.add(asyncio.get_running_loop().create_task(run()))

    async def stop(self) -> None:
        """End the periodic calls."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


async def in_own_thread(close: Callable[[], None]) -> None:
    """Run something that blocks in a thread of its own: plugins may have taken all of the loop's."""
    await asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1, "closer"), close)
