"""The server under test: all of it, with an echo in the place of the chat at the other end of the WebSocket."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from unittest import mock

from chatserver.delivery.codec import Codec
from chatserver.model.errors import Close
from chatserver.model.values import Request
from chatserver.sessions.context import ConnectionContext
from chatserver.testing import Harness
from chatserver.web.websocket.codec import DeflateCodec
from chatserver.web.websocket.deflate import compress_frame
from chatserver.web.websocket.frames import TEXT, frame
from chatserver.web.websocket.transport import Transport

TRANSPORTS = ("lean", "stream")
BINARY = 0x82

MOST = 2**26
"""The largest message, in bytes; the cases send up to 16 MiB."""
BEHIND = 2**20
"""With this many bytes unsent, nothing more is read."""


class Echo:
    """Sends each message back; made where a `chatserver.sessions.connection.Connection` would be."""

    def __init__(self, context: ConnectionContext, codec: Codec, asked: Request, **options: object) -> None:
        self._deflates = isinstance(codec, DeflateCodec)
        self._transport: Transport | None = None

    def on_open(self, transport: Transport) -> None:
        """The handshake is done."""
        self._transport = transport

    def on_direct(self, fd: int) -> None:
        pass

    def on_message(self, data: bytes, text: bool) -> Awaitable[None] | None:
        """A whole message."""
        transport = self._transport
        assert transport is not None
        whole = frame(data, TEXT if text else BINARY)
        transport.write(compress_frame(whole) if self._deflates else whole)
        return transport.drained() if transport.buffered > BEHIND else None

    def on_activity(self) -> None:
        """Pings are answered below."""

    def on_protocol_error(self, code: Close, reason: str) -> None:
        """A frame that RFC 6455 forbids."""
        assert self._transport is not None
        self._transport.close(code, reason)

    def on_closed(self) -> None:
        """The socket is closed."""
        self._transport = None


@contextlib.asynccontextmanager
async def echoing(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A server for each transport; gives their WebSocket addresses."""
    logging.getLogger("chatserver").setLevel(logging.WARNING)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(mock.patch("chatserver.web.websocket.handshake.Connection", Echo))
        urls = {}
        for name in TRANSPORTS:
            place = folder / name
            place.mkdir(parents=True, exist_ok=True)
            server = {"transport": name, "compression": True}
            settings = {"server": server, "limits": {"frame_bytes": MOST}}
            harness = await stack.enter_async_context(Harness(place, settings=settings))
            urls[name] = harness.url.replace("http", "ws", 1) + "/ws"
        yield urls
