"""A WebSocket through Tornado's stream, which knows TLS."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket

from tornado.iostream import IOStream, StreamClosedError

from .transport import READ_BYTES, Owner, State, Transport

log = logging.getLogger(__name__)


class StreamTransport(Transport):
    """Through Tornado's stream, for TLS."""

    __slots__ = ("_stream",)

    def __init__(self, owner: Owner, stream: IOStream, most: int, inflates: bool) -> None:
        super().__init__(owner, most, inflates)
        self._stream = stream
        stream.set_close_callback(self.gone)

    async def run(self) -> None:
        """The handshake is done: read until the connection is gone."""
        self.opened()
        try:
            while True:
                waiting = self.take(await self._stream.read_bytes(READ_BYTES, partial=True))
                while waiting is not None:
                    await waiting
                    waiting = self.take(b"")
        except StreamClosedError:
            pass
        except Exception:
            log.exception("a frame could not be handled")
            self.abort()

    @property
    def buffered(self) -> int:
        return 0 if self._stream.closed() else len(self._stream._write_buffer)

    def write(self, frames: bytes | memoryview, first: bytes = b"") -> None:
        if self.state is not State.OPEN:
            return
        with contextlib.suppress(StreamClosedError):
            written = self._stream.write(first + frames if first else frames)
            # What the kernel takes at once says nothing about the other side.
            if not written.done():
                written.add_done_callback(self._written)

    def _written(self, future: asyncio.Future[None]) -> None:
        # A failure is the connection's end, which the close callback tells.
        if future.cancelled() or future.exception() is not None:
            return
        # A client that takes what we send is there, even while nothing from it is read.
        self.owner.on_activity()
        if not self.buffered:
            self.emptied()

    async def drained(self) -> None:
        with contextlib.suppress(StreamClosedError):
            await self._stream.write(b"")

    def shut(self) -> None:
        if not self._stream.closed():
            # An error is the connection's end, which reading tells.
            with contextlib.suppress(OSError):
                self._stream.socket.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        self.state = State.CLOSED
        self._stream.close()
