"""The place of one process among several on one port: kept occupied, whatever becomes of the process."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence

from ..model.errors import ConfigError
from .child import Child

log = logging.getLogger(__name__)

START_SECONDS = 1800.0
"""How long a start may take: a migration of a large database takes minutes."""
SILENT_SECONDS = 60.0
"""A process that says nothing for so long hangs, and is killed."""
LASTING_SECONDS = 60.0
"""One that lived so long was no failed start."""
BACKOFF = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before a process is started again, by the number of failures in a row."""


class Slot:
    """Whichever process is in it listens on the same sockets, so that no connection is lost when it is replaced.

    ``bind()`` makes the sockets, ``make(sockets)`` a process that was not started.
    """

    def __init__(
        self, bind: Callable[[], list[socket.socket]], make: Callable[[Sequence[socket.socket]], Child]
    ) -> None:
        self.child: Child | None = None
        self._beside: Child | None = None
        """What is to take the place of ``child``, or leaves it."""
        self._bind = bind
        self._make = make
        self._sockets = bind()
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> Child:
        """Start the process, without waiting until it is ready. Raises OSError or ConfigError."""
        child = await self._new()
        self.child = child
        return child

    async def _new(self) -> Child:
        self._sockets = self._sockets or self._bind()
        child = self._make(self._sockets)
        await child.start()
        return child

    async def keep(self) -> None:
        """Start a process again whenever it ends."""
        failures = 0
        while True:
            child = self.child
            assert child is not None
            code = await child.ended()
            async with self._one_at_a_time:
                if child is not self.child:
                    continue
                failures = 1 if time.monotonic() - child.began > LASTING_SECONDS else failures + 1
                await self._start_again(child, code, BACKOFF[min(failures, len(BACKOFF)) - 1])

    async def _start_again(self, child: Child, code: int, pause: float) -> None:
        told = f"signal {-code}" if code < 0 else f"exit code {code}"
        log.error("process %d ended (%s): another one starts in %d s", child.number, told, pause)
        while True:
            if pause:
                # What connects meanwhile goes to the others.
                self._close()
                await asyncio.sleep(pause)
            try:
                await self.start()
                return
            except (OSError, ConfigError) as error:
                pause = BACKOFF[-1]
                log.error("no process can be started, it is tried again in %d s: %s", pause, error)

    async def replace(self) -> bool:
        """Start another process, and stop this one once that listens. Whether it could be done."""
        async with self._one_at_a_time:
            try:
                new = self._beside = await self._new()
            except (OSError, ConfigError) as error:
                log.error("no process can be started: %s", error)
                return False
            if not await new.becomes_ready(START_SECONDS):
                self._beside = None
                return False
            old, self.child = self.child, new
            self._beside = old
            if old is not None:
                log.info("process %d takes the place of %d", new.number, old.number)
                await old.stop()
            self._beside = None
            return True

    def look(self) -> None:
        """Kill a process that hangs."""
        child, now = self.child, time.monotonic()
        if child is not None and now - child.heard > (SILENT_SECONDS if child.ready else START_SECONDS):
            log.error("process %d says nothing for %d s, and is killed", child.number, now - child.heard)
            child.heard = now
            child.kill()

    async def stop(self) -> None:
        """Listen no more, and stop what there is."""
        self._close()
        await asyncio.gather(*(each.stop() for each in self.processes()))

    def processes(self) -> list[Child]:
        """The process, and one that is to take its place, or leaves it."""
        return [each for each in (self.child, self._beside) if each is not None]

    def _close(self) -> None:
        for each in self._sockets:
            each.close()
        self._sockets = []
