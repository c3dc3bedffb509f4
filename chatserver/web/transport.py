"""The two ways below a WebSocket once its handshake is done: on the bare socket, or through Tornado's stream.

The bare socket costs a fraction of the stream's time and memory; TLS needs the stream. Whoever uses them can't tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
from collections import deque
from collections.abc import Awaitable
from typing import Protocol

from tornado.iostream import IOStream, StreamClosedError
from tornado.util import _websocket_mask

from .. import frame_parser as incoming
from .. import frames as outgoing
from ..frame_parser import FrameParser, Violation

log = logging.getLogger(__name__)

READ_BYTES = 65536
AT_ONCE = 64
CLOSE_SECONDS = 5.0
"""How long the other side has to answer a close frame, and to read what was sent before."""
UNREAD_BYTES = 64 * 1024 * 1024
"""How much of a message that is too large is read, so that the answer to it arrives, before the socket is closed."""


class Owner(Protocol):
    """Who gets the messages."""

    def on_frame(self, data: bytes, text: bool) -> Awaitable[None] | None:
        """A data message. What is returned is awaited before the next one is read."""

    def on_sign(self) -> None:
        """A ping or pong: the other side lives."""

    def on_lost(self) -> None:
        """The connection is gone. Called once."""


class Transport:
    """What both ways share: frames to messages, and the closing handshake (RFC 6455, section 7)."""

    __slots__ = ("__weakref__", "_dropped", "_parser", "_timer", "closing", "ending", "owner")

    def __init__(self, owner: Owner, most: int) -> None:
        self.owner = owner
        self.closing = False
        """A close frame was sent; nothing may follow it."""
        self.ending = False
        """One came, too; the socket is closed once everything is sent."""
        self._parser = FrameParser(most, _websocket_mask)
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = 0

    # What the two ways differ in

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        raise NotImplementedError

    @property
    def closed(self) -> bool:
        """The socket is closed."""
        raise NotImplementedError

    def write(self, frames: bytes, first: bytes = b"") -> None:
        """Send ``first`` and ``frames``; what the socket does not take at once is kept. Nothing on a closed one."""
        raise NotImplementedError

    async def drained(self) -> None:
        """Wait until nothing waits to be sent, or the connection is gone."""
        raise NotImplementedError

    def abort(self) -> None:
        """Close the socket at once."""
        raise NotImplementedError

    # Closing

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame; the socket is closed when it is answered, or after `CLOSE_SECONDS`."""
        if self.closing or self.closed:
            return
        self.write(outgoing.close_frame(code, reason))
        self.closing = True
        self._timer = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.abort)

    def gone(self) -> None:
        """The socket is closed: tell the owner."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.owner.on_lost()

    # Reading

    def take(self, data: bytes) -> Awaitable[None] | None:
        """Handle the messages in what came, up to one that has to be awaited before `take` is called again."""
        if self._dropped:
            self._dropped += len(data)
            if self._dropped > UNREAD_BYTES:
                self.abort()
            return None
        if data:
            self._parser.feed(data)
        try:
            return self._messages()
        except Violation as broken:
            self.close(broken.code, broken.reason)
            # Closing with unread input would reset the socket, and the reset would overtake the close frame.
            self._dropped = 1
            return None

    def _messages(self) -> Awaitable[None] | None:
        while not self.closed:
            message = self._parser.next()
            if message is None:
                return None
            opcode, data = message
            if opcode == incoming.CLOSE:
                self._answer_close(data)
                return None
            if opcode in (incoming.PING, incoming.PONG):
                self._sign(opcode, data)
            elif not self.closing:
                waiting = self.owner.on_frame(data, opcode == incoming.TEXT)
                if waiting is not None:
                    return waiting
        return None

    def _sign(self, opcode: int, data: bytes) -> None:
        self.owner.on_sign()
        # To a peer that doesn't read, an unsent pong would only be the first of many (section 5.5.3).
        if opcode == incoming.PING and not self.buffered:
            self.write(outgoing.frame(data, outgoing.PONG))

    def _answer_close(self, data: bytes) -> None:
        if not self.closing:
            # Echo the code (section 5.5.1).
            self.write(outgoing.frame(data[:2], outgoing.CLOSE))
            self.closing = True
        self.ending = True
        if not self.buffered:
            self.abort()


class SocketTransport(Transport):
    """On the bare socket, in the loop's own selector."""

    __slots__ = ("_drained", "_loop", "_out", "_reading", "_size", "_sock", "_task", "_tell")

    def __init__(self, owner: Owner, sock: socket.socket, most: int) -> None:
        super().__init__(owner, most)
        self._sock: socket.socket | None = sock
        self._loop = asyncio.get_running_loop()
        self._out: deque[memoryview] | None = None
        self._size = 0
        self._drained: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._reading = False
        sock.setblocking(False)

    def start(self, early: bytes) -> None:
        """Begin to read; ``early`` is what came with the handshake."""
        self._resume()
        if early:
            self._take(early)

    @property
    def buffered(self) -> int:
        return self._size

    @property
    def closed(self) -> bool:
        return self._sock is None

    def _resume(self) -> None:
        if not self._reading and self._sock is not None:
            self._reading = True
            self._loop.add_reader(self._sock, self._readable)

    def _pause(self) -> None:
        if self._reading and self._sock is not None:
            self._reading = False
            self._loop.remove_reader(self._sock)

    def _readable(self) -> None:
        if self._sock is None:
            return
        try:
            data = self._sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:
            self.abort()

    def _take(self, data: bytes) -> None:
        try:
            waiting = self.take(data)
        except Exception:
            log.exception("a frame could not be handled")
            self.abort()
            return
        if waiting is not None:
            self._pause()
            self._task = self._loop.create_task(self._later(waiting))

    async def _later(self, waiting: Awaitable[None]) -> None:
        """One at a time: what has to be awaited holds back what comes behind it."""
        following: Awaitable[None] | None = waiting
        try:
            while following is not None:
                await following
                following = self.take(b"")
        except Exception:
            log.exception("a frame could not be handled")
            self.abort()
        self._task = None
        self._resume()

    def write(self, frames: bytes, first: bytes = b"") -> None:
        if self._sock is None or self.closing:
            return
        if self._out:
            self._out.extend(memoryview(part) for part in (first, frames) if part)
            self._size += len(first) + len(frames)
            return
        try:
            sent = self._sock.sendmsg((first, frames)) if first else self._sock.send(frames)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            # Not here: whoever writes to many must not be called back in the middle.
            self._loop.call_soon(self.abort)
            return
        left = len(first) + len(frames) - sent
        if left:
            rest = (memoryview(first)[sent:], memoryview(frames)[max(0, sent - len(first)) :])
            self._out = deque(part for part in rest if part)
            self._size = left
            self._loop.add_writer(self._sock, self._writable)

    def _writable(self) -> None:
        if self._sock is None or not self._out:
            return
        try:
            sent = self._sock.sendmsg(itertools.islice(self._out, AT_ONCE))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.abort()
            return
        self._size -= sent
        while sent:
            first = self._out[0]
            if sent < len(first):
                self._out[0] = first[sent:]
                break
            sent -= len(first)
            self._out.popleft()
        if not self._out:
            self._out = None
            self._loop.remove_writer(self._sock)
            self._wake()
            if self.ending:
                self.abort()

    def _wake(self) -> None:
        if self._drained is not None:
            if not self._drained.done():
                self._drained.set_result(None)
            self._drained = None

    async def drained(self) -> None:
        if self._size and self._sock is not None:
            if self._drained is None:
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def abort(self) -> None:
        sock, self._sock = self._sock, None
        if sock is None:
            return
        if self._reading:
            self._loop.remove_reader(sock)
        if self._out:
            self._loop.remove_writer(sock)
        self._out, self._size = None, 0
        sock.close()
        self._wake()
        self.gone()


class StreamTransport(Transport):
    """Through Tornado's stream, for TLS."""

    __slots__ = ("_stream",)

    def __init__(self, owner: Owner, stream: IOStream, most: int) -> None:
        super().__init__(owner, most)
        self._stream = stream
        stream.set_close_callback(self.gone)

    async def run(self) -> None:
        """Read until the connection is gone."""
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
        return len(self._stream._write_buffer)

    @property
    def closed(self) -> bool:
        return self._stream.closed()

    def write(self, frames: bytes, first: bytes = b"") -> None:
        if self.closing:
            return
        with contextlib.suppress(StreamClosedError):
            self._stream.write(first + frames).add_done_callback(self._written)

    def _written(self, future: asyncio.Future[None]) -> None:
        # A failure is the connection's end, which the close callback tells.
        if not future.cancelled() and future.exception() is None and self.ending and not self.buffered:
            self.abort()

    async def drained(self) -> None:
        with contextlib.suppress(StreamClosedError):
            await self._stream.write(b"")

    def abort(self) -> None:
        self._stream.close()
