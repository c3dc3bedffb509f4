"""The composition root: opens the store, has everything built from the settings, starts it, and stops it in order."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..chat.plugin_handles import PluginHandles
from ..chat.services import Services
from ..config import Settings, switched_off
from ..config.settings import Server
from ..delivery.bus import MakeBus
from ..delivery.bus_choice import choose_bus
from ..model.errors import Close
from ..model.metrics import Metrics
from ..model.tuning import Sizes, Timeouts
from ..plugins.deadline import wait_at_most
from ..plugins.host import PluginHost
from ..plugins.timer import timer_of
from ..sessions.context import ConnectionContext
from ..sessions.gateway import Gateways
from ..store import Store
from ..store.folder import make_private
from ..store.plugin_tables import Contributions, migrate
from ..store.sqlite import database_file
from ..web.assets import Assets
from ..web.figures import Figures
from ..web.listener import Listener, listening_sockets
from ..web.routes import application
from ..web.site import Site
from .lifecycle import Lifecycle, PeriodicTasks, in_own_thread

TICK_SECONDS = 1.0
CLEAN_UP_SECONDS = 3600.0
RETENTION_SECONDS = 3600.0
CERTIFICATE_SECONDS = 10.0
BYE_SPREAD_MS = 3000


class Process(NamedTuple):
    """What a server is among others: ``node`` is what it is called. As one of several processes on one port it has a
    ``number``, listens on ``sockets``, and ``ask_all()`` gives the figures of all of them."""

    node: str = ""
    sockets: Sequence[socket.socket] = ()
    number: int = 0
    ask_all: Callable[[], Awaitable[str]] | None = None


class ChatServer:
    """One server in one process. `start` it inside a running loop; two may run beside each other.

    After `start`: ``services``, ``context`` of the connections, and the ``port`` it listens on. ``clock`` gives the
    time of day, in seconds since the epoch, and ``read_settings`` the settings as they are now, for a reload.
    """

    services: Services
    context: ConnectionContext
    listener: Listener

    def __init__(
        self,
        settings: Settings,
        *,
        strict: bool = False,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        sizes: Sizes = Sizes(),  # noqa: B008 - frozen
        clock: Callable[[], float] = time.time,
        make_bus: MakeBus | None = None,
        read_settings: Callable[[], Settings] | None = None,
        process: Process = Process(),  # noqa: B008 - frozen
    ) -> None:
        self.settings = settings
        self.timeouts = timeouts
        self._sizes = sizes
        self._clock = clock
        self._make_bus = make_bus
        self._read_settings = read_settings
        self._process = process
        self.port = process.sockets[0].getsockname()[1] if process.sockets else settings.server.port
        self.host = PluginHost(settings, strict=strict, timeouts=timeouts, tell=self._tell_admins)
        self._lifecycle = Lifecycle()

    # Start

    async def start(self) -> None:
        """Open the store, start the plugins, listen. Raises ConfigError or PluginError, with nothing left running."""
        self.host.load()
        try:
            self._build()
            with self.services.store.failures.as_mistake("can't start"):
                await self._start_chat()
            self._listen()
        except BaseException:
            await self._lifecycle.stop()
            raise
        self._start_periodic_tasks()
        self.services.plugin_reload.changed = self.context.tell_clients
        self._lifecycle.add("a reload", self.services.plugin_reload.stop, self.timeouts.stop_http)

    def _build(self) -> None:
        metrics, until = Metrics(), self.timeouts.stop_store
        data_dir = self.settings.data_dir
        make_private(data_dir, database_file(self.settings.store.url, data_dir))
        store = Store.open(
            self.settings.store.url,
            data_dir,
            self.settings.store.durability,
            Contributions(lambda: self.host.current.hooks.in_commit),
            metrics,
            "server" if self.settings.bus.url or self._make_bus is not None else "only",
        )
        self._lifecycle.add("the storage", lambda: in_own_thread(store.close), until)
        bus = self.settings.bus
        services = self.services = Services(
            self.settings,
            self.host,
            store,
            metrics,
            self.timeouts,
            self._sizes,
            self._clock,
            self._make_bus or choose_bus(bus.url, bus.prefix, store.epoch, self._process.node),
            self._read_settings,
        )
        self._lifecycle.add("the accounts", lambda: in_own_thread(services.accounts.close), until)
        self.assets = Assets(public_dir(), lambda: self.host.current.plugins)
        self.context = ConnectionContext(services, __version__, self.assets)
        self.figures = Figures(self.context, self._process.number, self._process.ask_all)
        self._gateways = Gateways(self.context)

    async def _start_chat(self) -> None:
        services, add = self.services, self._lifecycle.add
        if services.nodes is not None:
            await services.nodes.start(lambda: self.address, __version__)
            add("the bus", services.nodes.stop, self.timeouts.stop_http)
        if services.switches is not None:
            off = await services.switches.off(self.settings.off)
            if set(off) != set(self.settings.off):
                switched_off.write(self.settings.data_dir, off)
                self.host.load(off)
        add("presence", services.presence.stop, self.timeouts.stop_http)
        handles = self.handles = PluginHandles(services, timer_of(self._clock), self._gateways.open)
        await self.host.start(handles.give, self._migrate)
        add("the plugins", self.host.stop, self.timeouts.stop)
        add("what plugins have asked", services.dialogs.stop, self.timeouts.stop_plugin_step)
        handles.jobs.start()
        add("planned jobs", handles.jobs.stop, self.timeouts.stop_hooks)
        services.notifier.start()
        add("all after_ hooks", services.notifier.stop, self.timeouts.stop_hooks)
        await services.sanctions.load()
        await services.profiles.load()
        await services.blocks.load()
        await services.room_service.make_missing(self.settings.rooms)
        await services.account_changes.start()
        await services.account_changes.clean_up()

    async def _migrate(self, plugin: str, migrations: Sequence[Any]) -> None:
        await migrate(self.services.store, plugin, migrations)

    def _listen(self) -> None:
        site = Site(self.context, __version__, self.assets, self.figures)
        self.listener = Listener(application(site), site)
        server = self.settings.server
        sockets = list(self._process.sockets) or listening_sockets(server.host, server.port)
        self.listener.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]
        self._lifecycle.add("all HTTP requests", self.listener.close, self.timeouts.stop_http)

    @property
    def address(self) -> str:
        """Where users find this server."""
        return address_of(self.settings.server, self.port)

    # While it runs

    def _start_periodic_tasks(self) -> None:
        tasks = PeriodicTasks()
        self._tick_due = time.monotonic() + TICK_SECONDS
        tasks.every(TICK_SECONDS, self._tick)
        tasks.every(CLEAN_UP_SECONDS, self.services.account_changes.clean_up)
        tasks.every(CERTIFICATE_SECONDS, self._refresh_certificate)
        tasks.every(RETENTION_SECONDS, self.services.retention.run)
        self._lifecycle.add("erasing users", self.services.erasure.stop, self.timeouts.stop_http)
        self._lifecycle.add("periodic tasks", tasks.stop, self.timeouts.stop_http)

    async def _refresh_certificate(self) -> None:
        if self.listener.certificate is not None:
            self.listener.certificate.refresh()

    async def _tick(self) -> None:
        now, services = time.monotonic(), self.services
        services.metrics.loop_lag_seconds = max(0.0, now - self._tick_due)
        self._tick_due = now + TICK_SECONDS
        services.metrics.message_rate.sample(now, services.metrics.messages)
        self.context.keepalive.tick()
        services.rooms.unload_idle(services.hub.listened_to, self.timeouts.room_idle)
        services.people.end_texts()
        services.account_changes.end_due()
        await services.account_changes.apply()

    def _tell_admins(self, text: str) -> None:
        self.services.people.tell_admins(text)

    async def reload(self, settings: Settings | None = None) -> str:
        """Put the plugins and permissions of ``settings`` in place, while clients chat; all else stays as it is.

        Without them, those of the file as it is now.

        Returns what has changed, for people. Raises ConfigError or PluginError, with nothing changed.
        """
        reload = self.services.plugin_reload
        return await (reload.again() if settings is None else reload.to(settings))

    async def reload_changed(self, files: Iterable[Path]) -> str:
        """The same, with the code of the plugins to which these ``files`` belong read anew."""
        return await self.services.plugin_reload.changed_on_disk(files)

    # Stop

    async def stop(self) -> None:
        """Say goodbye, finish what was accepted, close. Clients are told when to come back, not all at once.

        Nothing is waited for without end: what is late is logged, and left as it is.
        """
        self.services.stopping = True
        self.listener.stop()
        keepalive = self.context.keepalive
        for connection in keepalive.all():
            connection.goodbye(random.randint(100, BYE_SPREAD_MS))
        drained = self.services.rooms.drain()
        await wait_at_most("everything that was accepted", drained, self.timeouts.drain)
        for connection in keepalive.all():
            connection.close(Close.RESTART)
        await self._lifecycle.stop()


def address_of(server: Server, port: int) -> str:
    """Where users find a server that listens on ``port``."""
    if server.public_url:
        return server.public_url.rstrip("/")
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{'https' if server.tls else 'http'}://{host}:{port}"


def public_dir() -> Path:
    """The browser client's folder."""
    return Path(str(resources.files("chatserver_public")))
