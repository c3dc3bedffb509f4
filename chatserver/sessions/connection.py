"""One client's connection, whatever the transport: requests in, events out, within limits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable

from ..delivery.codec import Codec
from ..delivery.session import Session
from ..model import errors
from ..model.errors import Close, Reject
from ..model.values import Request, User
from ..protocol import events as wire
from ..protocol import replies, requests
from ..protocol.decoder import BadRequest
from .context import ConnectionContext
from .transport import Transport

log = logging.getLogger(__name__)

ERRORS_AT_ONCE = 100.0
ERRORS_PER_SECOND = 2.0


class Connection:
    """The connection of a `Session` (`chatserver.delivery.session.Connection`), the owner of a transport.

    ``asked`` is what was known of the client when it connected, ``codec`` how payloads are encoded for it, ``room``
    the one it joins right after hello; ``heartbeats`` are for clients that can't see pings.
    """

    __slots__ = (
        "_asked",
        "_asked_for",
        "_context",
        "_counted_as",
        "_direct",
        "_errors",
        "_errors_at",
        "_heartbeats",
        "_own",
        "_room",
        "_said_goodbye",
        "_session",
        "_since",
        "_transport",
        "codec",
        "fd",
        "heard",
        "remote_ip",
    )  # fmt: skip

    def __init__(
        self,
        context: ConnectionContext,
        codec: Codec,
        asked: Request,
        *,
        room: str | None = None,
        heartbeats: bool = False,
    ) -> None:
        self.remote_ip = asked.remote_ip
        self._counted_as = context.services.address_limit.key(asked.remote_ip)
        self.codec = codec
        self.heard = self._since = time.monotonic()
        self._context = context
        self._asked: Request | None = asked
        self._room = room
        self._heartbeats = heartbeats
        self._asked_for = 0
        self._own: list[bytes] | None = None
        self._session: Session | None = None
        self._transport: Transport | None = None
        self._said_goodbye = False
        # -1 while something of its own waits, so that what is sent to all can't overtake it.
        self.fd = self._direct = -1
        self._errors = ERRORS_AT_ONCE
        self._errors_at = self.heard

    def on_open(self, transport: Transport) -> None:
        """The transport is ready."""
        self._transport = transport
        if self._context.services.stopping:
            # The stop began between the handshake and here, and has said goodbye to all others.
            self.close(Close.RESTART)
        elif self._context.keepalive.full(self.remote_ip):
            self._context.services.refusals.note(self.remote_ip, "rate_limited", "connection")
            self.close(Close.TOO_MANY)
        else:
            self._context.keepalive.add(self)

    # In

    def on_message(self, data: bytes, text: bool = True) -> Awaitable[None] | None:
        """A request. What is returned is awaited before the next one is read."""
        if self._said_goodbye:
            return None
        self.heard = time.monotonic()
        self._context.metrics.frames_in += 1
        if not text:
            self._refuse(None, Reject("Frames are text.", "bad_request"))
            return None
        try:
            request = self._context.plugins.current.decoder.decode(data)
        except BadRequest as bad:
            self._refuse(bad.re, bad.reject)
            return None
        if self._session is None:
            return self._hello(request)
        if self._counted_as is not None and not self._may_ask(self._session, request.id, len(data)):
            return None
        waiting = self._context.request_handler.handle(self._session, request)
        if waiting is not None:
            return self._answered(waiting)
        return self.drained() if self._behind() else None

    def _may_ask(self, session: Session, re: str | None, size: int) -> bool:
        """Count a request for this address; False for one that is too much, which is answered."""
        try:
            self._context.services.address_limit.take(self._counted_as, size)
        except Reject as reject:
            self._context.services.refusals.note(self.remote_ip, reject.code, "request")
            session.error(re, reject)
            return False
        return True

    async def _answered(self, waiting: Awaitable[None]) -> None:
        await waiting
        if self._behind():
            await self.drained()

    def _behind(self) -> bool:
        """Whether the client leaves answers unread: more than half of the send buffer waits."""
        if self._direct >= 0:
            return False
        return self._transport is not None and self._transport.buffered > self._context.send_buffer // 2

    def _refuse(self, re: str | None, reject: Reject) -> None:
        """Answer with an error; a client that sends little else is disconnected."""
        now = time.monotonic()
        level = self._errors + (now - self._errors_at) * ERRORS_PER_SECOND
        self._errors, self._errors_at = min(ERRORS_AT_ONCE, level) - 1, now
        self.send(replies.error(re, reject))
        if self._errors < 0:
            self._context.services.refusals.note(self.remote_ip, "rate_limited", "bad frames")
            self.close(Close.RATE)

    async def _hello(self, request: requests.Core | requests.PluginRequest) -> None:
        if self._asked is None:
            return
        if not isinstance(request, requests.Hello):
            self.send(replies.error(request.id, errors.hello_required()))
            self.close(Close.HELLO_REQUIRED)
            return
        self._context.keepalive.heard_hello(self)
        try:
            await self.enter(request)
        except Reject as reject:
            self._context.services.refusals.note(self.remote_ip, reject.code, "hello")
            self._refuse(request.id, reject)
            if reject.code == "banned":
                self.close(Close.BANNED, reject.message)
                return
            self._context.keepalive.expect_hello(self)
            return
        except Exception:
            log.exception("hello failed")
            self.close(Close.RESTART, "the server failed")
            return
        if self._session is not None and self._room is not None:
            waiting = self._context.request_handler.handle(self._session, requests.Join(room=self._room))
            if waiting is not None:
                await waiting

    async def enter(self, hello: requests.Hello, user: User | None = None) -> Session | None:
        """Begin the session of ``user``, or of the one that ``hello`` names. None when the client is gone already.

        Raises `Reject` when it is refused; it may be tried again.
        """
        assert self._asked is not None
        session = await self._context.hello_handler.hello(self, hello, self._asked, user)
        self._asked = None
        self._session = session
        if session is None or self.closed:
            self._leave()
        return self._session

    def on_activity(self) -> None:
        """The client gave a sign of life."""
        self.heard = time.monotonic()

    # Out

    def on_direct(self, fd: int) -> None:
        """What is written goes straight to the socket ``fd``; -1: it waits, or has nowhere to go."""
        self._direct = fd
        self.fd = -1 if self._own else fd

    @property
    def closed(self) -> bool:
        """Nothing can be sent any more."""
        return self._transport is None or not self._transport.writable

    def send(self, payload: bytes, *, secret: bool = False) -> None:
        """Send one payload to this client, at the end of this turn of the loop at the latest."""
        if self._transport is None:
            return
        data = self.codec.encode(payload, secret=secret)
        if not data:
            return
        if self._own is None:
            self._own = []
            self.fd = -1
            self._context.hub.later(self)
        self._own.append(data)
        self._context.metrics.frames_out += 1

    def flush(self) -> None:
        """Send what is waiting for the end of the turn."""
        if self._own and self._transport is not None:
            own, self._own = self._own, None
            self._transport.write(b"".join(own))
            self.fd = self._direct

    def send_encoded(self, data: bytes, durable: bytes) -> None:
        """Send what all get. Past half of the buffer only what is durable, past all of it nothing."""
        transport = self._transport
        if transport is None:
            return
        waiting = transport.buffered - self._asked_for
        if waiting > 0:
            if waiting > self._context.send_buffer // 2:
                self._context.metrics.lagging += 1
                data = durable
            if waiting + len(data) > self._context.send_buffer:
                self._too_slow()
                return
        if self._own:
            own, self._own = self._own, None
            transport.write(data, b"".join(own))
            self.fd = self._direct
        elif data:
            transport.write(data)

    def send_rest(self, data: bytes, taken: int) -> None:
        """Send the end of what all get, of which the socket took the first ``taken`` bytes."""
        if self._transport is not None:
            self._transport.write(memoryview(data)[taken:])

    def _too_slow(self) -> None:
        """It gets what is in the buffer, if it reads that soon, and the reason; it will resume without loss."""
        if not self.closed:
            log.info("%s: too slow", self.remote_ip)
            self.close(Close.TOO_SLOW)
            self._leave()

    async def drained(self) -> None:
        """Wait until what was sent is on its way, for as long as a client may take for it."""
        if self._transport is not None:
            # Replies and replay make no client a slow reader: nothing more is read until they are sent.
            self.flush()
            self._asked_for = self._transport.buffered
            try:
                async with asyncio.timeout(self._context.services.timeouts.write):
                    await self._transport.drained()
            except TimeoutError:
                self._too_slow()
            self._asked_for = 0

    def close(self, code: Close, reason: str = "") -> None:
        """Close; without ``reason`` with the one that the code stands for."""
        self.flush()
        if self._transport is not None and not self.closed:
            self._context.metrics.closes[code] += 1
            self._transport.close(code, reason or code.reason)

    def goodbye(self, after_ms: int) -> None:
        """Say that the server goes, and when to come back. What comes from here on gets no answer."""
        self.send(wire.bye(after_ms))
        self._said_goodbye = True

    # Keeping alive

    def beat(self) -> None:
        """A ping, and for clients that can't see pings, an event."""
        if self._transport is None:
            return
        if self.codec.ping:
            self._transport.write(self.codec.ping)
        if self._heartbeats and self._session is not None:
            self.send(wire.heartbeat(self._context.services.rooms.recently_changed(self._session.rooms)))

    def silent(self) -> None:
        """No hello came in time."""
        self.send(replies.error(None, errors.hello_required()))
        self.close(Close.HELLO_REQUIRED)

    def lost(self) -> None:
        """Nothing came for too long: close, unless this client isn't asked for signs of life."""
        if not self.codec.ping:
            return
        self.close(Close.HEARTBEAT_LOST)
        if self._transport is not None:
            self._transport.abort()

    # The end

    def on_protocol_error(self, code: Close, reason: str) -> None:
        """The client broke the protocol: send its answers and the reason, close, and end its session."""
        if not self.closed:
            log.info("%s: %s", self.remote_ip, reason)
            self.close(code, reason)
        self._leave()

    def on_closed(self) -> None:
        """The transport is gone."""
        self._transport = None
        self._own = None
        self.fd = self._direct = -1
        self._context.metrics.connection_seconds.observe(time.monotonic() - self._since)
        self._leave()

    def _leave(self) -> None:
        self._context.keepalive.remove(self)
        if self._session is not None:
            self._context.hello_handler.left(self._session)
            self._session = None
