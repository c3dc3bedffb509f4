"""A WebSocket on its bare socket, in the loop's own selector: no task, no stream, no buffer but for what is stuck."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
from collections import deque
from collections.abc import Awaitable

from .transport import READ_BYTES, Owner, State, Transport

log = logging.getLogger(__name__)

OPEN = State.OPEN

AT_ONCE = 64
"""How many pieces one call sends."""


class SocketTransport(Transport):
    """On the bare socket, in the loop's own selector."""

    __slots__ = ("_drained", "_loop", "_out", "_reading", "_size", "_sock", "_task")

    def __init__(self, owner: Owner, sock: socket.socket, most: int, inflates: bool) -> None:
        super().__init__(owner, most, inflates)
        self._sock: socket.socket | None = sock
        self._loop = asyncio.get_running_loop()
        self._out: deque[memoryview] | None = None
        self._size = 0
        self._drained: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._reading = False
        sock.setblocking(False)

    def start(self, early: bytes) -> None:
        """The handshake is done: begin to read; ``early`` is what came with it."""
        self.opened()
        self._direct()
        self._resume()
        if early:
            self._take(early)

    @property
    def buffered(self) -> int:
        return self._size

    def _resume(self) -> None:
        if not self._reading and self._sock is not None:
            self._reading = True
            # By number: for a socket that is new to it the selector makes an error with its repr, which is never read.
            self._loop.add_reader(self._sock.fileno(), self._readable)

    def _pause(self) -> None:
        if self._reading and self._sock is not None:
            self._reading = False
            self._loop.remove_reader(self._sock.fileno())

    def _readable(self) -> None:
        if self._sock is None:
            return
        if self._task is not None and not self._task.done():
            # What came waits in the kernel. Most tasks are over before anything comes.
            self._pause()
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
            self._task = self._loop.create_task(self._later(waiting))

    async def _later(self, waiting: Awaitable[None]) -> None:
        """Await one message's handling; the messages after it wait until it is over."""
        following: Awaitable[None] | None = waiting
        try:
            while following is not None:
                await following
                following = self.take(b"")
        except Exception:
            log.exception("a frame could not be handled")
            self.abort()
        except asyncio.CancelledError:
            # Reading would never go on.
            self.abort()
            raise
        self._task = None
        self._resume()

    def _direct(self) -> None:
        """Tell the owner that nothing waits."""
        if self._sock is not None and self.state is OPEN:
            self.owner.on_direct(self._sock.fileno())

    def write(self, frames: bytes | memoryview, first: bytes = b"") -> None:
        if self._sock is None or self.state is not OPEN:
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
            # Not here: a caller that writes to many must not be called back in the middle.
            self._loop.call_soon(self.abort)
            return
        left = len(first) + len(frames) - sent
        if left:
            rest = (memoryview(first)[sent:], memoryview(frames)[max(0, sent - len(first)) :])
            self._out = deque(part for part in rest if part)
            self._size = left
            self.owner.on_direct(-1)
            self._loop.add_writer(self._sock.fileno(), self._writable)

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
        # A client that takes what we send is there, even while nothing from it is read.
        self.owner.on_activity()
        while sent:
            first = self._out[0]
            if sent < len(first):
                self._out[0] = first[sent:]
                break
            sent -= len(first)
            self._out.popleft()
        if not self._out:
            self._out = None
            self._loop.remove_writer(self._sock.fileno())
            self._wake()
            self._direct()
            self.emptied()

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

    def shut(self) -> None:
        if self._sock is not None:
            # An error is the connection's end, which reading tells.
            with contextlib.suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        sock, self._sock = self._sock, None
        if sock is None:
            return
        self.state = State.CLOSED
        # Before the number can be another socket's.
        self.owner.on_direct(-1)
        if self._reading:
            self._loop.remove_reader(sock.fileno())
        if self._out:
            self._loop.remove_writer(sock.fileno())
        self._out, self._size = None, 0
        sock.close()
        self._wake()
        self.gone()
