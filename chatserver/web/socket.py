"""One WebSocket: frames in, frames out, within limits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable
from typing import Any

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketHandler, WebSocketProtocol, _WebSocketParams

from ..chat.session import Session
from ..errors import Close, Reject
from ..frames import PING, close_frame, frame
from ..model import Request
from ..protocol import events as wire
from ..protocol import requests
from .framing import ChatProtocol, buffered, write
from .handler import COOKIE, request_of
from .security import HEADERS, client_address
from .site import Site

log = logging.getLogger(__name__)

HELLO_SECONDS = 10.0
SLOW_SECONDS = 10.0
SUBPROTOCOL = "chat.v1"
ERRORS_AT_ONCE = 100
ERRORS_PER_SECOND = 2.0


class SocketHandler(WebSocketHandler):
    """The connection below a `Session` (`chatserver.chat.session.Connection`)."""

    site: Site
    remote_ip: str

    def initialize(self, site: Site) -> None:
        self.site = site
        self.remote_ip = client_address(self.request, site.proxies)
        self.heard = time.monotonic()
        self._session: Session | None = None
        self._stream: IOStream | None = None
        self._closing = False
        self._limit = site.settings.limits.send_buffer_bytes
        self._hello_timer: asyncio.TimerHandle | None = None
        self._errors = float(ERRORS_AT_ONCE)
        self._errors_at = self.heard

    # The handshake

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def check_origin(self, origin: str) -> bool:
        return origin in self.site.origins

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        if self.request.headers.get("Sec-WebSocket-Version") != "13":
            return None
        return ChatProtocol(
            self,
            False,
            _WebSocketParams(max_message_size=self.site.settings.limits.frame_bytes),
        )

    def open(self, room: str | None = None) -> None:
        assert self.ws_connection is not None
        self._stream = self.ws_connection.stream
        self._room = room
        self.set_nodelay(True)
        if self.site.connections.full(self.remote_ip):
            self.close(Close.TOO_MANY, "too many connections")
            return
        self.site.connections.add(self)
        loop = asyncio.get_running_loop()
        self._hello_timer = loop.call_later(HELLO_SECONDS, self._no_hello)

    def _no_hello(self) -> None:
        self.send(wire.error(None, Reject("Say hello first.", "hello_required")))
        self.close(Close.HELLO_REQUIRED, "hello required")

    # Frames in

    def on_frame(self, data: bytes, text: bool) -> Awaitable[None] | None:
        """A whole message. What is returned is awaited before the next one is read."""
        self.heard = time.monotonic()
        if self._closing:
            return None
        if not text:
            return self._refuse(None, Reject("Frames are text.", "bad_request"))
        try:
            request = self.site.decoder.decode(data)
        except requests.BadRequest as bad:
            if not _is_utf8(data):
                self._refuse(None, Reject("Frames are UTF-8.", "bad_request"))
                self.close(Close.INVALID_UTF8, "not UTF-8")
                return None
            return self._refuse(bad.re, bad.reject)
        if self._session is None:
            return self._hello(request)
        waiting = self.site.dispatch.handle(self._session, request)
        if waiting is None and self._stream is not None and buffered(self._stream) > self._limit // 2:
            return self.drained()
        return waiting

    def _refuse(self, re: str | None, reject: Reject) -> Awaitable[None] | None:
        """Answer with an error; somebody who sends nothing else is shown the door."""
        now = time.monotonic()
        level = self._errors + (now - self._errors_at) * ERRORS_PER_SECOND
        self._errors, self._errors_at = min(ERRORS_AT_ONCE, level) - 1, now
        self.send(wire.error(re, reject))
        if self._errors < 0:
            log.info("%s: too many bad frames", self.remote_ip)
            self.close(Close.RATE, "too many bad frames")
        return None

    async def _hello(self, request: Any) -> None:
        if not isinstance(request, requests.Hello):
            self.send(wire.error(request.id, Reject("Say hello first.", "hello_required")))
            self.close(Close.HELLO_REQUIRED, "hello required")
            return
        try:
            session = await self.site.welcoming.hello(self, request, self._asked())
        except Reject as reject:
            self._refuse(request.id, reject)
            return
        except Exception:
            log.exception("hello failed")
            self.close(Close.RESTART, "the server failed")
            return
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        self._session = session
        if session is None or self.closed:
            self._leave()
        elif self._room is not None:
            waiting = self.site.dispatch.handle(session, requests.Join(room=self._room))
            if waiting is not None:
                await waiting

    def _asked(self) -> Request:
        """What is known of this connection. A cookie counts only for pages, which say where they come from."""
        token = self.get_cookie(COOKIE) if "Origin" in self.request.headers else None
        return request_of(self.request, self.remote_ip, token)

    def on_pong(self, data: bytes) -> None:
        self.heard = time.monotonic()

    def on_ping(self, data: bytes) -> None:
        self.heard = time.monotonic()

    # Frames out

    @property
    def closed(self) -> bool:
        return self._closing or self._stream is None or self._stream.closed()

    def send(self, payload: bytes) -> None:
        """Send one frame to this connection."""
        if self._stream is not None and not self.closed:
            self._write(frame(payload))

    def send_frames(self, frames: bytes, durable: bytes) -> None:
        """Send frames that everybody gets. Past half of the buffer only the durable ones, past all of it none."""
        stream = self._stream
        if stream is None or self._closing:
            return
        waiting = buffered(stream)
        if waiting:
            if waiting > self._limit // 2:
                frames = durable
            if waiting + len(frames) > self._limit:
                self._too_slow()
                return
        if frames:
            self._write(frames)

    def _write(self, frames: bytes) -> None:
        assert self._stream is not None
        try:
            write(self._stream, frames)
        except StreamClosedError:
            self._closing = True

    async def drained(self) -> None:
        """Wait until what was sent is on its way."""
        if self._stream is None or self._stream.closed():
            return
        with contextlib.suppress(StreamClosedError):
            await self._stream.write(b"")

    def _too_slow(self) -> None:
        """It gets what is in the buffer, if it reads that soon, and the reason; it will resume without loss."""
        log.info("%s: too slow", self.remote_ip)
        self._end(Close.TOO_SLOW, "too slow")
        self._leave()

    def _end(self, code: int, reason: str) -> None:
        if self._closing or self._stream is None:
            return
        self._write(close_frame(code, reason))
        self._closing = True
        # The stream, not the handler: by then the handler may have forgotten it.
        asyncio.get_running_loop().call_later(SLOW_SECONDS, self._stream.close)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        if not self.closed:
            self._closing = True
            super().close(code, reason)

    def goodbye(self, after_ms: int) -> None:
        """Say that the server goes, and when to come back."""
        self.send(wire.bye(after_ms))

    # Keeping alive

    def beat(self) -> None:
        """A ping, and for pages, which can't see pings, an event."""
        if self.closed:
            return
        self._write(frame(b"", PING))
        if self._session is not None and "Origin" in self.request.headers:
            heads = self.site.rooms.moved(self._session.rooms)
            self.send(wire.heartbeat(heads))

    def lost(self) -> None:
        """Nothing came for too long."""
        self._end(Close.HEARTBEAT_LOST, "heartbeat lost")
        if self._stream is not None:
            self._stream.close()

    # The end

    def on_close(self) -> None:
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        self._closing = True
        self._leave()
        self._stream = None

    def _leave(self) -> None:
        self.site.connections.remove(self)
        if self._session is not None:
            self.site.welcoming.left(self._session)
            self._session = None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
