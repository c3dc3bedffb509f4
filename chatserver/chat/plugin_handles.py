"""Gives plugins what they work with: the chat, their tables, what they keep, the server's clock and jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from ..model.errors import Reject
from ..model.values import Event
from ..plugins.base import Plugin
from ..plugins.keep import Keep
from ..plugins.networks import networks
from ..plugins.timer import Timer
from ..store.changes import Contributor
from ..store.plugin_tables import PluginDatabase
from ..store.plugin_values import StoredJob, values, write_values
from .follower import Empty, Failed, Follower, Function
from .node_notes import Jobs
from .plugin_api import OpenSession, PluginChat
from .plugin_jobs import PluginJobs
from .services import Services


class PluginHandles:
    """The server as plugins have it (`chatserver.plugins.plugin_server.PluginServer`)."""

    def __init__(self, services: Services, timer: Timer, open_session: OpenSession) -> None:
        self.timer = timer
        self.jobs = PluginJobs(services.store, services.host, timer, self.leads, services.timeouts.long_job)
        services.host.changed = self._plugins_changed
        self._services = services
        if services.nodes is not None:
            services.nodes.jobs_changed = self.jobs.plugins_changed
        self._networks = networks(services.settings.plugins.private_networks)
        self._open_session = open_session
        # By plugin: one that a reload replaces and the new one share it.
        self._kept: dict[str, Keep] = {}
        self._followers: list[Follower] = []
        self._turns: dict[tuple[str, str], asyncio.Lock] = {}

    async def give(self, plugin: Plugin) -> None:
        """Give a plugin all that it has from ``startup`` on. Raises `Reject` while the storage fails."""
        plugin.chat = PluginChat(plugin.name, self._services, self._open_session)
        plugin.db = PluginDatabase(self._services.store, plugin.name)
        plugin.keep = await self._keep(plugin.name)
        plugin._server = self
        plugin._networks = self._networks

    async def _keep(self, plugin: str) -> Keep:
        if plugin not in self._kept:
            store = self._services.store
            stored = await store.read(lambda conn: values(conn, plugin))
            self._kept[plugin] = Keep(stored, partial(self._write, plugin))
        return self._kept[plugin]

    async def _write(self, plugin: str, changed: Mapping[str, bytes | None]) -> None:
        await self._services.store.write(lambda conn: write_values(conn, plugin, changed))

    async def follow(
        self,
        plugin: str,
        name: str,
        function: Function,
        types: frozenset[str] | None,
        at_the_end: bool,
        only_missed: bool,
        ran: Failed,
        anew: Empty | None,
    ) -> None:
        """Read all logs for a function, for ever. One that a reload replaces ends first."""
        follower = Follower(
            self._services.store,
            self.timer,
            plugin,
            name,
            function,
            types=types,
            anew=anew,
            # What other servers commit is not told here.
            only_missed=only_missed and not self._services.bus.shared,
            rooms=partial(self._services.host.rooms_of, plugin),
            ran=ran,
            tell=self._services.people.tell_admins,
        )
        async with self._turns.setdefault((plugin, name), asyncio.Lock()):
            self._followers.append(follower)
            self._services.after_commit.followed = self._told
            try:
                await follower.run(at_the_end)
            finally:
                self._followers.remove(follower)
                if not self._followers:
                    self._services.after_commit.followed = None

    def _told(self, event: Event, contributors: Sequence[Contributor]) -> None:
        # Those of another set of plugins say nothing: they may have had other rooms.
        if contributors is not self._services.host.current.hooks.in_commit:
            contributors = ()
        for follower in self._followers:
            follower.told(event, contributors)

    async def following(self, plugin: str) -> Mapping[str, int]:
        """What follows, by name, and how many events it has still to read."""
        own = [follower for follower in self._followers if follower.plugin == plugin]
        return {follower.name: await follower.behind() for follower in own}

    async def rebuild(self, plugin: str) -> None:
        """Let what a plugin has made of the logs be made anew, while people chat. Raises `Reject`."""
        own = [each for each in self._followers if each.plugin == plugin]
        if not own and plugin not in {each.name for each in self._services.host.current.plugins}:
            raise Reject(f"There is no plugin {plugin!r} that is enabled.", "not_found")
        anew = [(follower, follower.anew) for follower in own if follower.anew is not None]
        if not anew:
            raise Reject(f"The plugin {plugin} makes nothing of the logs that could be made anew.", "invalid")
        for follower, empty in anew:
            await follower.restart(empty)

    def _plugins_changed(self) -> None:
        self.jobs.plugins_changed()
        self._services.dialogs.plugins_changed()
        for follower in self._followers:
            follower.look_again()

    def leads(self) -> bool:
        """Whether this process runs the jobs of the cluster."""
        nodes = self._services.nodes
        return nodes is None or nodes.leads()

    async def put_job(self, plugin: str, id: str, name: str, due: float, data: str) -> None:
        await self.jobs.put(StoredJob(plugin, id, name, due, data))
        self._tell_leader()

    async def drop_job(self, plugin: str, id: str) -> bool:
        dropped = await self.jobs.drop(plugin, id)
        self._tell_leader()
        return dropped

    def _tell_leader(self) -> None:
        if self._services.nodes is not None:
            self._services.nodes.send(Jobs())
