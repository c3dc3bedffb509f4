"""The composition root: builds everything from the settings, starts it, and stops it in order."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import Any

from tornado.netutil import bind_sockets

from .. import __version__
from ..accounts.accounts import Accounts
from ..accounts.sign_in import SignIn
from ..chat.access import Access
from ..chat.after_commit import AfterCommit
from ..chat.drafts import DraftPipeline
from ..chat.messages import Messages
from ..chat.moderation import Moderation
from ..chat.people import People
from ..chat.plugin_api import Chat, PluginChat
from ..chat.plugin_requests import PluginRequests
from ..chat.registry import RoomRegistry
from ..chat.resends import Resends
from ..chat.rooms import RoomService
from ..chat.run_command import CommandRunner
from ..config import Settings
from ..delivery.bus_local import LocalBus
from ..delivery.hub import Hub, user_topic
from ..delivery.presence import GRACE_SECONDS, Presence
from ..model.confusables import confusable_key
from ..model.errors import Close, ConfigError, Reject
from ..model.ids import SYSTEM_ID
from ..model.metrics import Metrics
from ..model.rate_limit import RateLimiter
from ..model.values import Room, User
from ..plugins.deadline import wait_at_most
from ..plugins.host import PluginHost
from ..protocol import events as wire
from ..protocol.requests import Decoder
from ..sessions.connection import ConnectionContext
from ..sessions.hello import HelloHandler
from ..sessions.keepalive import Keepalive
from ..sessions.requests import RequestHandler
from ..sessions.server_info import ServerInfo
from ..store import Store
from ..store import accounts as people
from ..store import changes as log_entries
from ..store import queries as reading
from ..store.plugin_tables import Contributions, PluginDatabase, migrate
from ..web.listener import Listener
from ..web.routes import application
from ..web.security import networks, origins
from ..web.services import Services

log = logging.getLogger(__name__)

SYSTEM = User(SYSTEM_ID, "system", "system", "member")
"""In whose name the server itself acts; nobody can sign in as it."""
NAME_GRACE_SECONDS = 30.0
DRAIN_SECONDS = 10.0
"""How long a stop waits for what was accepted to be stored."""
HTTP_SECONDS = 1.0
"""How long for HTTP connections, which are closed by then: only a handler of a plugin can take time."""
HOOKS_SECONDS = 3.0
"""How long for the calls of ``after_*`` hooks that wait."""
STORE_SECONDS = 3.0
"""How long for the storage to close, once nothing new comes: only a query of a plugin can take time."""
STOP_SECONDS = 30.0
"""How long a stop takes in all, at most."""
BACKLOG = 4096
"""How many may wait to be accepted, or as many as the kernel allows: all who come back after a restart. Those beyond
it would try again after seconds, or be reset."""
TICK_SECONDS = 1.0
FORGET_SECONDS = 3600.0
BYE_SPREAD_MS = 3000


class ChatServer:
    """One server in one process. `start` it inside a running loop; two may run beside each other."""

    def __init__(
        self, settings: Settings, *, strict: bool = False, presence_grace: float = GRACE_SECONDS
    ) -> None:
        self.settings = settings
        self.host = PluginHost(settings, strict=strict)
        self.metrics = Metrics()
        self._presence_grace = presence_grace
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = 0.0
        self._stopping = False
        self.port = 0

    # Start

    async def start(self) -> None:
        """Open the store, start the plugins, listen. Raises ConfigError or PluginError, with nothing left running."""
        self.host.load()
        store = self.settings.store
        self.store = Store.open(
            store.url,
            self.settings.data_dir,
            store.durability,
            Contributions(lambda: self.host.hooks.in_commit),
            self.metrics,
        )
        self._started = time.time()
        try:
            self._build()
            await self._prepare()
            await self._listen()
        except BaseException:
            await self._close()
            raise
        self._tick_due = time.monotonic() + TICK_SECONDS
        self._every(TICK_SECONDS, self._tick)
        self._every(FORGET_SECONDS, self._forget)

    def _build(self) -> None:
        settings, host, clock = self.settings, self.host, time.time
        hooks, limits = host.hooks, settings.limits
        loop = asyncio.get_running_loop()
        self.hub = Hub(loop.call_soon, self.metrics)
        hooks.on_suspend = self._suspended
        self.bus = LocalBus(self.hub.deliver)
        self.presence = Presence(self._gone, self._presence_grace)
        self.after_commit = AfterCommit(
            self.hub, self.bus, self.presence, hooks, limits.presence_members, self.metrics
        )
        resends = Resends(self.store)
        self.rooms = RoomRegistry(self.store, self.bus, self.after_commit, resends, clock)
        self.access = Access(host.permissions, hooks)
        self.accounts = Accounts(
            self.store,
            guest_days=settings.auth.guest_days,
            session_days=settings.auth.session_days,
            is_here=self._is_here,
            on_release=self._released,
        )
        self.room_service = RoomService(self.rooms, self.store, self.access, self.presence, hooks)
        self.after_commit.listing = self.room_service.listing
        limiter = self.limiter = RateLimiter(limits.messages_per_second, limits.burst, clock)
        pipeline = DraftPipeline(hooks, limits.content_chars)
        self.messages = Messages(
            self.rooms, self.room_service, self.store, self.access, pipeline, hooks, limiter, resends,
        )  # fmt: skip
        self.people = People(
            self.rooms,
            self.store,
            self.bus,
            self.access,
            self.presence,
            self.after_commit,
            self.accounts,
            clock,
        )
        self.commands = CommandRunner(
            host.commands, self.accounts, self.rooms, self.access, pipeline, limiter
        )
        self.connections = Keepalive(limits.connections, limits.connections_per_ip)
        self.about = ServerInfo(
            settings, host, self.access, self.presence, self.connections, self.rooms, self.after_commit, self.store,
            self.metrics, self._started, __version__,
        )  # fmt: skip
        # As many new guests at once as connections, and as many again in a minute.
        most = limits.connections_per_ip
        new_guests = RateLimiter(most / 60, most, clock) if settings.auth.guests else None
        self.sign_in = SignIn(self.accounts, hooks, new_guests)
        self.hello_handler = HelloHandler(
            self.sign_in, self.accounts, self.access, self.rooms, self.room_service, self.store, self.hub,
            self.presence, self.after_commit, facts=self.about.facts,
        )  # fmt: skip
        self.chat = Chat(
            self.rooms, self.bus, self.presence, self.accounts, self.access, self.messages, self.room_service,
            self.people, Moderation(self.rooms, self.store, self.access, clock), self.after_commit, hooks,
            host.commands, host.event_types,
        )  # fmt: skip

    async def _prepare(self) -> None:
        await self.bus.start()
        self.after_commit.start()
        await self.host.start(self._bind, self._migrate)
        await self._make_rooms()
        await self.people.start_listening()
        await self._forget()

    def _bind(self, plugin: str) -> tuple[PluginChat, PluginDatabase]:
        return PluginChat(plugin, self.chat), PluginDatabase(self.store)

    async def _migrate(self, plugin: str, migrations: Sequence[Any]) -> None:
        await migrate(self.store, plugin, migrations)

    async def _make_rooms(self) -> None:
        """Make the rooms of the settings that aren't there yet, owned by nobody."""
        wanted = {room.name: room for room in self.settings.rooms}
        missing = await self.store.read(lambda conn: reading.missing_names(conn, list(wanted)))
        if not missing:
            return
        await self.store.write(
            lambda conn: people.ensure_user(conn, SYSTEM, confusable_key(SYSTEM.name), time.time())
        )
        for name in missing:
            room = wanted[name]
            made = Room(name, title=room.title, topic=room.topic, kind=room.kind, history=room.history)
            await self.rooms.create(log_entries.CreateRoom(SYSTEM, made))

    async def _listen(self) -> None:
        server, limits = self.settings.server, self.settings.limits
        proxies = networks(server.trusted_proxies)
        secure = server.tls is not None or server.public_url.startswith("https:")
        request_handler = RequestHandler(
            self.messages, self.room_service, self.people, self.commands,
            PluginRequests(self.host.requests, self.host.hooks), self.accounts, self.limiter,
            RateLimiter(5 * limits.messages_per_second, 10 * limits.burst, time.time), self.about.stats.get,
        )  # fmt: skip
        decoder = Decoder(
            {name: spec.fields for name, (_, spec) in self.host.requests.items()}, self._request_failed
        )
        connections = ConnectionContext(
            hello_handler=self.hello_handler, request_handler=request_handler, decoder=decoder, hub=self.hub,
            keepalive=self.connections, metrics=self.metrics, send_buffer=limits.send_buffer_bytes,
            recently_changed=self.rooms.recently_changed, stopping=lambda: self._stopping,
        )  # fmt: skip
        services = Services(
            settings=self.settings, version=__version__, accounts=self.accounts, access=self.access,
            rooms=self.rooms, messages=self.messages, room_service=self.room_service, people=self.people,
            commands=self.commands, connections=connections, metrics=self.metrics, gauges=self.about.gauges,
            hooks=self.host.hooks, limiter=self.limiter, sign_in=self.sign_in,
            chat=lambda plugin: PluginChat(plugin, self.chat), stats=self.about.stats.get, health=self.about.health.get,
            stopping=lambda: self._stopping, proxies=proxies,
            origins=origins(server.public_url, server.allowed_origins), secure=secure,
        )  # fmt: skip
        self.listener = Listener(
            application(services, self.host, public_dir()),
            most=limits.connections, most_per_ip=limits.connections_per_ip, proxies=proxies, tls=server.tls,
        )  # fmt: skip
        try:
            sockets = bind_sockets(server.port, server.host, backlog=BACKLOG)
        except OSError as error:
            raise ConfigError(
                f"can't listen on {server.host}:{server.port}: {error.strerror}", path="server.port"
            ) from error
        self.listener.add_sockets(sockets)
        self.port = sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        """Where people find this server."""
        server = self.settings.server
        if server.public_url:
            return server.public_url.rstrip("/")
        host = f"[{server.host}]" if ":" in server.host else server.host
        return f"{'https' if server.tls else 'http'}://{host}:{self.port}"

    # While it runs

    def _every(self, seconds: float, tick: Any) -> None:
        async def run() -> None:
            while True:
                await asyncio.sleep(seconds)
                try:
                    await tick()
                except Exception:
                    log.exception("a periodic task failed")

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)

    async def _tick(self) -> None:
        now = time.monotonic()
        self.metrics.loop_lag_seconds = max(0.0, now - self._tick_due)
        self._tick_due = now + TICK_SECONDS
        self.metrics.message_rate.sample(time.time(), self.metrics.messages)
        self.connections.tick()
        self.rooms.unload_idle(self.hub.listened_to)
        await self.people.listen()

    async def _forget(self) -> None:
        # Using a session keeps it alive, and being connected is using it.
        for user in self.presence.people():
            for session in self.after_commit.sessions(user.id):
                if session.token is not None:
                    await self.accounts.of_token(session.token)
        self.rooms.forget(await self.accounts.forget_ended())

    def _is_here(self, user_id: str) -> bool:
        # Just after a start nobody has had the time to come back.
        return self.presence.is_here(user_id) or time.time() - self._started < NAME_GRACE_SECONDS

    def _released(self, user_id: str) -> None:
        self.people.released(user_id)

    def _gone(self, user: User, rooms: Iterable[str]) -> None:
        self.people.gone(user, rooms)

    def _suspended(self, plugin: str, hook: str, error: BaseException) -> None:
        """A plugin keeps failing and is left out: the admins who are here are told."""
        text = f"The plugin {plugin} was suspended: it keeps failing in {hook} ({error})."
        for user in self.presence.people():
            if user.role == "admin":
                self.bus.publish(user_topic(user.id), wire.notice(text, None, "warn"), ephemeral=True)

    def _request_failed(self, type: str, error: BaseException) -> Reject:
        return self.host.hooks.failed(self.host.requests[type][0], f"request {type}", error)

    # Stop

    async def stop(self) -> None:
        """Say goodbye, finish what was accepted, close. Clients are told when to come back, not all at once.

        Nothing is waited for without end: what is late is logged, and left behind.
        """
        self._stopping = True
        self.listener.stop()
        for connection in self.connections.all():
            connection.goodbye(random.randint(100, BYE_SPREAD_MS))
        await wait_at_most("everything that was accepted", self.rooms.drain(), DRAIN_SECONDS)
        for connection in self.connections.all():
            connection.close(Close.RESTART)
        await self._close()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if hasattr(self, "listener"):
            self.listener.stop()
            await wait_at_most("all HTTP requests", self.listener.close_all_connections(), HTTP_SECONDS)
        if hasattr(self, "after_commit"):
            await wait_at_most("all after_ hooks", self.after_commit.stop(), HOOKS_SECONDS)
            await self.host.stop()
            self.presence.stop()
            await self.bus.stop()
        await wait_at_most("the storage", self._close_storage(), STORE_SECONDS)

    async def _close_storage(self) -> None:
        def close() -> None:
            if hasattr(self, "accounts"):
                self.accounts.close()
            self.store.close()

        # A thread of its own: plugins may have taken all of the loop's.
        await asyncio.get_running_loop().run_in_executor(ThreadPoolExecutor(1, "store-closer"), close)


def public_dir() -> Path:
    """The browser client's folder."""
    return Path(str(resources.files("chatserver_public")))
