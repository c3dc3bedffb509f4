"""What the server says about itself: to who comes in, to who asks for figures, to who watches it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Protocol

from ..chat.services import Services
from ..model.values import User
from ..protocol import events as wire
from ..store import queries as reading
from .cached_answer import CachedAnswer
from .keepalive import Keepalive


class ClientFiles(Protocol):
    """The browser client that is served. ``hash`` is its version, ``addresses`` is where a plugin's part of it is."""

    @property
    def hash(self) -> str: ...

    def addresses(self, plugin: str) -> dict[str, str]: ...

    def refresh(self) -> None: ...


class ServerInfo:
    """Reads all and changes nothing but for trying to write. ``stats`` and most of ``health`` may be a second old:
    any client may ask."""

    def __init__(self, services: Services, keepalive: Keepalive, version: str, client: ClientFiles) -> None:
        self._services = services
        self._host = services.host
        self._metrics = services.metrics
        self._keepalive = keepalive
        self.version = version
        self._client = client
        self.stats: CachedAnswer[dict[str, Any]] = CachedAnswer(self._stats)
        self._checked: CachedAnswer[dict[str, str]] = CachedAnswer(self._check)

    def plugin_facts(self, user: User) -> dict[str, Any]:
        """What the plugins mean to a user: permissions, commands, and their parts in the browser."""
        current = self._host.current
        settings = current.hooks.client_settings(user)
        plugins: dict[str, Any] = {}
        for plugin in current.plugins:
            known = plugins[plugin.name] = {"settings": settings.get(plugin.name, {})}
            known |= self._client.addresses(plugin.name)
            rooms = current.rooms_of(plugin.name)
            if rooms is not None:
                known["rooms"] = sorted(rooms)
        return {
            "permissions": self._services.access.permissions.held(user),
            "commands": current.commands_of(user),
            "plugins": plugins,
        }

    def refresh_client(self) -> None:
        """Look whether the files of the plugins' parts in the browser have changed."""
        self._client.refresh()

    def facts(self, user: User) -> dict[str, Any]:
        """What ``welcome`` says besides the user and the rooms."""
        limits = self._services.settings.limits
        return {
            "server": {
                "name": self._services.settings.server.name,
                "registration": self._services.settings.auth.registration,
                "version": self.version,
                "client": self._client.hash,
                "time": wire.iso(time.time()),
            },
            "limits": {
                "frame_bytes": limits.frame_bytes,
                "content_chars": limits.content_chars,
                "keep_days": self._services.settings.retention.keep_days,
            },
            "blocked": sorted(self._services.blocks.of(user.id)),
            "heartbeat": self._services.timeouts.heartbeat,
            **self.plugin_facts(user),
        }

    async def _stats(self) -> dict[str, Any]:
        rooms, messages = await self._services.store.read(reading.counts)
        now = time.monotonic()
        users, connections = self._services.presence.hidden()
        return {
            "users_online": self._services.presence.online() - users,
            "connections": len(self._keepalive) - connections,
            "rooms": rooms,
            "messages_total": messages,
            "messages_per_second": round(
                self._metrics.message_rate.per_second(now, self._metrics.messages), 2
            ),
            "uptime_seconds": round(now - self._services.started, 1),
            "server_time": wire.iso(time.time()),
            "version": self.version,
        }

    def gauges(self) -> dict[str, tuple[str, float]]:
        """What is measured at each scrape: name → (meaning, value)."""
        now = time.monotonic()
        metrics, nodes = self._metrics, self._services.nodes
        others = (
            {
                "nodes": ("Servers of the cluster that are heard, this one too.", len(nodes.others()) + 1),
                "log_behind": (
                    "Events in the log that this server has not delivered yet.",
                    nodes.here().behind,
                ),
            }
            if nodes is not None
            else {}
        )
        return {
            **others,
            "connections": ("Connections of clients, over any transport.", len(self._keepalive)),
            "users_online": ("People who are here.", self._services.presence.online()),
            "rooms_loaded": ("RoomRegistry in memory.", len(self._services.rooms)),
            "messages_per_second": (
                "Messages committed, over ten seconds.",
                metrics.message_rate.per_second(now, metrics.messages),
            ),
            "loop_lag_seconds": ("By how much the last periodic tick came late.", metrics.loop_lag_seconds),
            "store_waiting": ("Pieces of work that wait to be written.", self._services.store.waiting),
            "forms_waiting": ("Forms of plugins that are not answered yet.", self._services.dialogs.waiting),
            "uptime_seconds": ("Since the start.", now - self._services.started),
        }

    def by_transport(self) -> Mapping[str, int]:
        """How many clients are connected over each transport."""
        return self._keepalive.by_transport()

    async def health(self) -> dict[str, str]:
        """What is wrong, by name; what the storage fails at, at once."""
        problems = await self._checked.get()
        bus = self._services.bus.problem
        alone = "each server counts alone, as others are not heard" if bus is not None else None
        failing = {"store": self._services.store.failures.why, "bus": bus, "limits": alone}
        return {**problems, **{name: why for name, why in failing.items() if why is not None}}

    async def _check(self) -> dict[str, str]:
        plugins, store = await asyncio.gather(
            self._host.current.hooks.health(), self._services.store.try_to_write()
        )
        return {**plugins, "store": store} if store is not None else dict(plugins)
