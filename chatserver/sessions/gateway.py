"""Sessions over a plugin's own connections: its link is the transport, its format the codec."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import msgspec

from ..delivery.session import Session
from ..model.errors import Reject
from ..model.values import Request, User
from ..plugins.gateways import Format, Link
from ..protocol import events as wire
from ..protocol import requests
from ..protocol.decoder import invalid
from .connection import Connection
from .context import ConnectionContext

T = TypeVar("T")

CLOSE_SECONDS = 5.0
"""How long a link has to send what waits, once it is to be closed."""


class FormatCodec:
    """A plugin's format as a codec. What fails in it is left out and logged, once for each type of event."""

    transport = "gateway"

    def __init__(self, plugin: str, format: Format) -> None:
        self.ping: bytes = getattr(format, "ping", b"")
        self._format = format
        self._log = logging.getLogger(f"chatserver.plugin.{plugin}")
        self._failed: set[str] = set()

    def encode(self, payload: bytes, readers: int = 1, *, secret: bool = False) -> bytes:
        """The payload as the plugin formats it."""
        event: dict[str, Any] = msgspec.json.decode(payload)
        try:
            data = self._format.format(event)
            if not isinstance(data, bytes):
                raise TypeError(f"format() gives bytes, not {type(data).__name__}")
        except Exception as error:
            if event["type"] not in self._failed:
                self._failed.add(event["type"])
                self._log.exception("an event of type %s can't be formatted: %s", event["type"], error)
            return b""
        return data


class LinkTransport:
    """A plugin's link as a transport. A link that fails is closed."""

    def __init__(self, connection: Connection, codec: FormatCodec, link: Link, log: logging.Logger) -> None:
        self.writable = True
        self._connection = connection
        self._codec = codec
        self._link = link
        self._log = log
        self._timer: asyncio.TimerHandle | None = None

    @property
    def buffered(self) -> int:
        return self._guarded(lambda: self._link.buffered, 0)

    def write(self, data: bytes | memoryview, first: bytes = b"") -> None:
        if self.writable:
            self._guarded(lambda: self._link.write(first + data), None)

    async def drained(self) -> None:
        try:
            await self._link.drained()
        except Exception:
            self._failed()

    def close(self, code: int, reason: str) -> None:
        if not self.writable:
            return
        self.write(self._codec.encode(wire.encode({"type": "closed", "code": code, "reason": reason})))
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(CLOSE_SECONDS, self.abort)
        self._end()
        self._guarded(self._link.close, None)

    def abort(self) -> None:
        self._end()
        self._guarded(self._link.abort, None)

    def gone(self) -> None:
        """The other side has ended, and the plugin said so."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.writable:
            self.writable = False
            self._connection.on_closed()

    def _end(self) -> None:
        if self.writable:
            self.writable = False
            # Not here: a caller that writes to many must not be called back in the middle.
            asyncio.get_running_loop().call_soon(self._connection.on_closed)

    def _guarded(self, call: Callable[[], T], otherwise: T) -> T:
        try:
            return call()
        except Exception:
            self._failed()
            return otherwise

    def _failed(self) -> None:
        self._log.exception("a gateway's connection failed")
        self._end()


class OpenedSession:
    """What the plugin holds of a session that it opened (`chatserver.plugins.gateways.GatewaySession`)."""

    def __init__(self, session: Session, connection: Connection, transport: LinkTransport) -> None:
        self._session = session
        self._connection = connection
        self._transport = transport
        # One after the other, as a WebSocket's are.
        self._turn = asyncio.Lock()

    @property
    def user(self) -> User:
        return self._session.user

    @property
    def token(self) -> str | None:
        return self._session.token

    @property
    def closed(self) -> bool:
        return not self._transport.writable

    async def request(self, type: str, **fields: Any) -> None:
        async with self._turn:
            if self.closed:
                return
            waiting = self._connection.on_message(wire.encode({**fields, "type": type}))
            if waiting is not None:
                await waiting

    def alive(self) -> None:
        self._connection.on_activity()

    def close(self) -> None:
        self._connection.flush()
        self._transport.gone()


class Gateways:
    """Opens sessions over plugins' own connections, within the limits of all."""

    def __init__(self, context: ConnectionContext) -> None:
        self._context = context
        # A codec lives as long as connections use it, and keeps its format: no other object can have the id meanwhile.
        self._codecs: WeakValueDictionary[tuple[str, int], FormatCodec] = WeakValueDictionary()

    async def open(
        self,
        plugin: str,
        link: Link,
        format: Format,
        *,
        user: User | None,
        name: str | None,
        token: str | None,
        remote_ip: str,
    ) -> OpenedSession:
        """Say hello over ``link``. Raises `Reject` where a WebSocket would be refused; the link stays open."""
        if self._context.services.stopping:
            raise Reject("The server is stopping.", "unavailable")
        if self._context.keepalive.full(remote_ip):
            raise Reject("There are too many connections.", "rate_limited", retry_after=60)
        codec = self._codec(plugin, format)
        connection = Connection(self._context, codec, Request(remote_ip))
        transport = LinkTransport(connection, codec, link, logging.getLogger(f"chatserver.plugin.{plugin}"))
        connection.on_open(transport)
        self._context.keepalive.heard_hello(connection)
        try:
            session = await connection.enter(_hello(name, token), user)
        except BaseException:
            transport.gone()
            raise
        if session is None:
            raise Reject("The connection was closed meanwhile.", "unavailable")
        return OpenedSession(session, connection, transport)

    def _codec(self, plugin: str, format: Format) -> FormatCodec:
        key = plugin, id(format)
        codec = self._codecs.get(key)
        if codec is None:
            codec = self._codecs[key] = FormatCodec(plugin, format)
        return codec


def _hello(name: str | None, token: str | None) -> requests.Hello:
    """The request, checked as one that comes over the wire. Raises `Reject` ``invalid``."""
    try:
        return msgspec.convert({"type": "hello", "name": name, "token": token}, requests.Hello)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
