"""The WebSocket's handshake: origin, address, limits; what follows is on a transport of our own."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tornado.iostream import IOStream, SSLIOStream, StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler, WebSocketProtocol, WebSocketProtocol13, _WebSocketParams

from ...sessions.connection import Connection
from ..cookies import session_cookie
from ..handler import request_of
from ..security import HEADERS, client_address, is_ours, same_scheme
from .codec import DeflateCodec, FrameCodec
from .extensions import agreed
from .socket_transport import SocketTransport
from .stream_transport import StreamTransport

if TYPE_CHECKING:
    from ..site import Site

SUBPROTOCOL = "chat.v1"


class SocketHandler(WebSocketHandler):
    """Answers ``GET /ws`` and ``GET /ws/{room}`` and hands the stream to a `Connection`."""

    site: Site

    def initialize(self, site: Site, plain: FrameCodec, deflating: DeflateCodec) -> None:
        self.site = site
        self.services = site.services
        self._plain = plain
        self._deflating = deflating

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def prepare(self) -> None:
        if not is_ours(self.request.host, self.site.hosts):
            raise HTTPError(403, "this server is not known by this name: set server.public_url")
        if self.services.stopping:
            raise HTTPError(503, "the server is stopping")

    def check_origin(self, origin: str) -> bool:
        return origin in self.site.origins

    @property
    def _secure(self) -> bool:
        return self.site.secure or self.request.protocol == "https"

    def _origin_matches_host(self, origin: str) -> bool:
        return super()._origin_matches_host(origin) and same_scheme(origin, self._secure)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        if self.request.headers.get("Sec-WebSocket-Version") != "13":
            return None
        self._deflates = self._agree()
        # Without compression options: Tornado's own compression keeps some 300 KiB a connection.
        return _Handshake(self, False, _WebSocketParams())

    def _agree(self) -> bool:
        """Answer to the offered extensions; whether frames may be compressed."""
        if not self.services.settings.server.compression:
            return False
        answer = agreed(self.request.headers.get("Sec-WebSocket-Extensions", ""))
        if answer is not None:
            self.set_header("Sec-WebSocket-Extensions", answer)
        return answer is not None

    async def take_over(self, stream: IOStream) -> None:
        """From here on Tornado has no part in this connection, but for TLS."""
        services = self.services
        page = "Origin" in self.request.headers
        # Without an Origin it is a program, and then no cookie counts.
        token = self.get_cookie(session_cookie(self._secure)) if page else None
        asked = request_of(self.request, client_address(self.request, self.site.proxies), token)
        codec = self._deflating if self._deflates else self._plain
        connection = Connection(
            self.site.context, codec, asked, room=self.path_kwargs.get("room"), heartbeats=page
        )
        most = services.settings.limits.frame_bytes
        stream.set_nodelay(True)
        if services.settings.server.transport == "stream" or isinstance(stream, SSLIOStream):
            await StreamTransport(connection, stream, most, self._deflates).run()
            return
        with contextlib.suppress(StreamClosedError):
            # The answer to the handshake has to be out before the stream goes.
            await stream.write(b"")
            early = bytes(stream._read_buffer)
            bare = SocketTransport(connection, stream.socket.dup(), most, self._deflates)
            stream.close()
            bare.start(early)


class _Handshake(WebSocketProtocol13):
    """Tornado's handshake, without what comes after it."""

    async def _receive_frame_loop(self) -> None:
        assert isinstance(self.handler, SocketHandler)
        assert self.stream is not None
        try:
            await self.handler.take_over(self.stream)
        finally:
            # The handler and what it holds refer to each other: some 20 KB that only the collector would find.
            self.handler.on_connection_close()
