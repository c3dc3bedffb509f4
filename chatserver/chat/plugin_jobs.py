"""Runs plugins' jobs that are stored: each at its time, at least once, whatever restarts lie between."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from ..model.errors import Reject
from ..plugins.base import Plugin
from ..plugins.host import PluginHost
from ..plugins.timer import Timer
from ..store import Store
from ..store.plugin_values import StoredJob, drop_job, next_jobs, put_job, put_off_job, try_job

log = logging.getLogger(__name__)

AT_ONCE = 20
"""So many jobs of a plugin run at the same time: those that don't end hold up their own plugin alone."""
TRIES = 5
"""A job that fails so often is given up."""
AGAIN_SECONDS = 60.0
"""After a failure; twice as long after each further one."""

Key = tuple[str, str]


class PluginJobs:
    """The jobs of all plugins. `start` and `stop` are called with those of the server. One that runs longer than
    ``long_seconds`` is told in the log."""

    def __init__(
        self, store: Store, host: PluginHost, timer: Timer, leads: Callable[[], bool], long_seconds: float
    ) -> None:
        self._store = store
        self._host = host
        self._timer = timer
        self._leads = leads
        self._long_seconds = long_seconds
        self._changed = asyncio.Event()
        self._running: set[Key] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to run what is due. The plugins have started."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Begin no more jobs; those that run end with their plugins, and come again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def put(self, job: StoredJob) -> None:
        """Store a job; another one with its id is replaced. Raises `Reject` ``unavailable``."""
        await self._store.write(lambda conn: put_job(conn, job))
        self._changed.set()

    async def drop(self, plugin: str, id: str) -> bool:
        """Remove a job; False if there is none. One that runs goes on."""
        dropped = await self._store.write(lambda conn: drop_job(conn, plugin, id))
        self._changed.set()
        return dropped

    def plugins_changed(self) -> None:
        """Other plugins are enabled by now."""
        self._changed.set()

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            try:
                with self._timer.running():
                    due = await self._begin_due() if self._leads() else None
            except Reject:
                # The storage has logged it.
                due = self._timer() + AGAIN_SECONDS
            except Exception:
                log.error("looking for planned jobs failed", exc_info=True)
                due = self._timer() + AGAIN_SECONDS
            await self._timer.until_set(self._changed, due)

    async def _begin_due(self) -> float | None:
        """Begin what is due; when the next one is."""
        plugins = {plugin.name: plugin.instance for plugin in self._host.current.plugins}
        while True:
            busy = Counter(plugin for plugin, _ in self._running)
            names = [name for name in plugins if busy[name] < AT_ONCE]
            # Those that run are still stored.
            most = AT_ONCE + len(self._running)
            jobs = await self._store.read(partial(next_jobs, plugins=names, most=most))
            begun = False
            for job in jobs:
                if (job.plugin, job.id) in self._running:
                    continue
                if job.due > self._timer():
                    return job.due
                if busy[job.plugin] < AT_ONCE:
                    busy[job.plugin] += 1
                    begun = True
                    self._begin(job, plugins[job.plugin])
            if not begun:
                return None

    def _begin(self, job: StoredJob, plugin: Plugin) -> None:
        key = job.plugin, job.id
        self._running.add(key)

        def ended(task: asyncio.Task[Any]) -> None:
            self._running.discard(key)
            self._changed.set()

        plugin.spawn(self._do(job, plugin)).add_done_callback(ended)

    async def _do(self, job: StoredJob, plugin: Plugin) -> None:
        loop = asyncio.get_running_loop()
        warning = loop.call_later(self._long_seconds, self._warn, job, loop.time())
        try:
            with self._timer.running():
                await self._try(job, plugin)
        except Reject:
            # The storage has logged it. It is not tried again at once, as it may have run.
            await self._timer.sleep(AGAIN_SECONDS)
        finally:
            warning.cancel()

    def _warn(self, job: StoredJob, started: float) -> None:
        seconds = asyncio.get_running_loop().time() - started
        log.warning(
            "plugin %s: the job %s (%s) runs for %.0f seconds by now", job.plugin, job.name, job.id, seconds
        )

    async def _try(self, job: StoredJob, plugin: Plugin) -> None:
        # Before it runs: a job that ends the server is given up, too.
        counting = asyncio.ensure_future(self._store.write(lambda conn: try_job(conn, job)))
        try:
            tries = await asyncio.shield(counting)
            if tries is None:
                return
            worked = tries <= TRIES and await plugin._run_job(job.name, job.data)
        except asyncio.CancelledError:
            # A stop is no try, whether the job ran or was only being counted.
            with suppress(Reject):
                await counting
                await self._store.write(lambda conn: try_job(conn, job, -1))
            raise
        if worked:
            await self._store.write(lambda conn: drop_job(conn, job.plugin, job.id, job.due))
        elif tries >= TRIES:
            await self._give_up(job)
        else:
            later = self._timer() + AGAIN_SECONDS * 2 ** (tries - 1)
            await self._store.write(lambda conn: put_off_job(conn, job, later))

    async def _give_up(self, job: StoredJob) -> None:
        log.error(
            "plugin %s: the job %s (%s) is given up, as it failed %d times",
            *(job.plugin, job.name, job.id, TRIES),
        )
        await self._store.write(lambda conn: drop_job(conn, job.plugin, job.id, job.due))
