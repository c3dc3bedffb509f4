"""Tornado's WebSocket protocol, where its public face stops. All use of its private parts is in this file.

Three things differ: text arrives as bytes (the JSON decoder checks the UTF-8), a frame that is too large is answered
with 1009 in a way that arrives, and frames built elsewhere go to the stream as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketProtocol13

from ..errors import Close

LINGER_SECONDS = 5.0
LINGER_BYTES = 64 * 1024 * 1024


class ChatProtocol(WebSocketProtocol13):
    """RFC 6455 as `WebSocketProtocol13`, for `chatserver.web.socket.SocketHandler`."""

    _lingering: asyncio.Task[None] | None = None
    _too_large = False

    def _handle_message(self, opcode: int, data: bytes) -> Any:
        if opcode in (0x1, 0x2) and not self.client_terminated:
            return self._run_callback(self.handler.on_frame, data, opcode == 0x1)  # type: ignore[attr-defined]
        return super()._handle_message(opcode, data)

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self._too_large = self._too_large or code == Close.FRAME_TOO_LARGE
        super().close(code, reason)

    def _abort(self) -> None:
        # Closing a socket with unread input resets it, and the reset overtakes the close frame.
        if not self._too_large or self.stream.closed():
            super()._abort()
            return
        self.client_terminated = self.server_terminated = True
        if self._lingering is None:
            self._lingering = asyncio.get_running_loop().create_task(self._linger(self.stream))

    async def _linger(self, stream: IOStream) -> None:
        with contextlib.suppress(StreamClosedError, TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                left = LINGER_BYTES
                while left > 0:
                    left -= len(await stream.read_bytes(65536, partial=True))
        stream.close()


def buffered(stream: IOStream) -> int:
    """How many bytes wait to be sent."""
    return len(stream._write_buffer)


def write(stream: IOStream, frames: bytes) -> None:
    """Send frames; the loop is asked only for what the socket does not take at once."""
    future = stream.write(frames)
    if not future.done():
        # A closed connection is noticed by its reader.
        future.add_done_callback(_retrieve)


def _retrieve(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()
