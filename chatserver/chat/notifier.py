"""Calls the ``after_*`` hooks, so that no request waits for a plugin, and no plugin for another one.

Plain hooks are called from the loop itself; only one that has to be awaited takes a task.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from ..model.metrics import Metrics
from ..plugins.host import PluginHost

log = logging.getLogger(__name__)

IN_A_TURN = 100
"""So many calls are made in one turn of the loop."""

Args = tuple[Any, ...]
Call = Callable[[str, Args], Awaitable[None] | None]


class PluginQueue:
    """What ``plugin`` is still to be told, in order. ``call(hook, args)`` tells it; beyond ``most`` what is new is
    dropped."""

    def __init__(self, plugin: str, call: Call, most: int) -> None:
        self._plugin = plugin
        self._call = call
        self._most = most
        self._calls: deque[tuple[str, Args]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.Future[None] | None = None
        self._busy = False
        self.dropped = 0
        """How many calls were dropped since the queue was last empty."""

    def __len__(self) -> int:
        return len(self._calls)

    def put(self, hook: str, args: Args, running: bool) -> bool:
        """Queue a call; False if there are too many. Nothing is called before it is ``running``."""
        if len(self._calls) >= self._most:
            self.dropped += 1
            return False
        self._calls.append((hook, args))
        if running:
            self.run()
        return True

    def run(self) -> None:
        """Make the calls that wait, from the next turn of the loop on."""
        if self._calls and not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        for _ in range(IN_A_TURN):
            if not self._calls:
                break
            waiting = self._call(*self._calls.popleft())
            if waiting is not None:
                self._task = asyncio.get_running_loop().create_task(self._finish(waiting))
                return
        self._busy = False
        if self._calls:
            self.run()
        else:
            self._emptied()

    def _emptied(self) -> None:
        if self.dropped:
            log.warning("plugin %s has caught up; %d calls were dropped", self._plugin, self.dropped)
            self.dropped = 0
        if self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

    async def _finish(self, waiting: Awaitable[None]) -> None:
        await waiting
        self._task = None
        self._turn()

    async def idle(self) -> None:
        """Wait until all calls are made."""
        while self._busy:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._idle)

    def end(self) -> None:
        """Leave out what waits, and end what is under way."""
        self._calls.clear()
        if self._task is not None:
            # Not before its first step: the hook's coroutine would never be awaited.
            asyncio.get_running_loop().call_soon(self._task.cancel)


class Notifier:
    """A queue for each plugin, of ``most`` calls at most."""

    def __init__(self, plugins: PluginHost, metrics: Metrics, most: int) -> None:
        self._plugins = plugins
        self._metrics = metrics
        self._most = most
        self._queues: dict[str, PluginQueue] = {}
        self._running = False

    def start(self) -> None:
        """Begin to make the calls that wait."""
        self._running = True
        for queue in self._queues.values():
            queue.run()

    async def stop(self) -> None:
        """Make the calls that still wait. Cancelling this leaves out the rest."""
        try:
            for queue in list(self._queues.values()):
                await queue.idle()
        finally:
            for queue in self._queues.values():
                queue.end()

    def waiting(self) -> dict[str, int]:
        """How many calls wait, by plugin; of all plugins that were ever told something."""
        return {plugin: len(queue) for plugin, queue in self._queues.items()}

    def notify(self, hook: str, *args: Any) -> None:
        """Queue a call of a hook for each plugin that wants it."""
        for plugin in self._plugins.current.hooks.listeners(hook, args):
            queue = self._queues.get(plugin)
            if queue is None:
                queue = self._queues[plugin] = PluginQueue(plugin, self._telling(plugin), self._most)
            if not queue.put(hook, args, self._running):
                self._dropped(plugin, queue)

    def _telling(self, plugin: str) -> Call:
        # By the plugins of then: a call that waits during a reload is one of the new instance.
        return lambda hook, args: self._plugins.current.hooks.tell(plugin, hook, args)

    def _dropped(self, plugin: str, queue: PluginQueue) -> None:
        self._metrics.dropped_notifications[plugin] += 1
        if queue.dropped == 1:
            log.warning("plugin %s is too slow: calls of its after_ hooks are dropped", plugin)
            self._plugins.tell(
                f"The plugin {plugin} is too slow: {len(queue)} calls wait for it, and new ones are dropped."
            )
