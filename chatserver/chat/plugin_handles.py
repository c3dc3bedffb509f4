"""Gives plugins what they work with: the chat, their tables, what they keep, the server's clock and jobs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..plugins.base import Plugin
from ..plugins.keep import Keep
from ..plugins.timer import Timer
from ..store.plugin_tables import PluginDatabase
from ..store.plugin_values import StoredJob, values, write_values
from .plugin_api import OpenSession, PluginChat
from .plugin_jobs import PluginJobs
from .services import Services


class PluginHandles:
    """The server as plugins have it (`chatserver.plugins.plugin_server.PluginServer`)."""

    def __init__(self, services: Services, timer: Timer, open_session: OpenSession) -> None:
        self.timer = timer
        self.jobs = PluginJobs(services.store, services.host, timer, self.leads)
        services.host.changed = self.jobs.plugins_changed
        self._services = services
        self._open_session = open_session
        # By plugin: one that a reload replaces and the new one share it.
        self._kept: dict[str, Keep] = {}

    async def give(self, plugin: Plugin) -> None:
        """Give a plugin all that it has from ``startup`` on. Raises `Reject` while the storage fails."""
        plugin.chat = PluginChat(plugin.name, self._services, self._open_session)
        plugin.db = PluginDatabase(self._services.store)
        plugin.keep = await self._keep(plugin.name)
        plugin._server = self

    async def _keep(self, plugin: str) -> Keep:
        if plugin not in self._kept:
            store = self._services.store
            stored = await store.read(lambda conn: values(conn, plugin))
            self._kept[plugin] = Keep(stored, partial(self._write, plugin))
        return self._kept[plugin]

    async def _write(self, plugin: str, changed: Mapping[str, bytes | None]) -> None:
        await self._services.store.write(lambda conn: write_values(conn, plugin, changed))

    def leads(self) -> bool:
        """Whether this process runs the jobs of the cluster: it is the only one."""
        return True

    async def put_job(self, plugin: str, id: str, name: str, due: float, data: Any) -> None:
        await self.jobs.put(StoredJob(plugin, id, name, due, data))

    async def drop_job(self, plugin: str, id: str) -> bool:
        return await self.jobs.drop(plugin, id)
