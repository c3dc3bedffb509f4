"""Calls the ``after_*`` hooks one after the other in a task, so that no request waits for a plugin."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any

from ..model.metrics import Metrics
from ..model.values import Event
from ..plugins.host import PluginHost

log = logging.getLogger(__name__)

NOTIFY_WAITING = 10_000
"""More calls than this waiting are dropped: they must not grow without end."""


class Notifier:
    """A queue of hook calls, and the task that makes them."""

    def __init__(self, plugins: PluginHost, metrics: Metrics) -> None:
        self._plugins = plugins
        self._metrics = metrics
        self._calls: deque[tuple[str, tuple[Any, ...]]] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to make the calls that wait."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Make the calls that still wait, and end. Cancelling this leaves out the rest."""
        self._stopping = True
        self._wake.set()
        try:
            if self._task is not None:
                await self._task
        finally:
            self._calls.clear()
            self._task = None

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._calls)

    def notify(self, hook: str, *args: Any) -> None:
        """Queue a call of a hook, if any plugin implements it."""
        if not self._plugins.current.hooks.has(hook):
            return
        if len(self._calls) >= NOTIFY_WAITING:
            self._metrics.dropped_notifications += 1
            log.warning("plugins are too slow: a call of %s was dropped", hook)
            return
        self._calls.append((hook, args))
        self._wake.set()

    def notify_event(self, event: Event) -> None:
        """Queue a call of ``after_event``, if any plugin wants events of this type."""
        if self._plugins.current.hooks.wants(event.type):
            self.notify("after_event", event)

    async def _run(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while self._calls:
                hook, args = self._calls.popleft()
                waiting = self._plugins.current.hooks.notify(hook, *args)
                if waiting is not None:
                    await waiting
