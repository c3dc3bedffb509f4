"""A session's way over HTTP, which outlives the connections that it goes over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ...model.errors import Reject
from ...protocol import events as wire
from ...sessions.connection import Connection
from .codec import PING
from .kept_events import KeptEvents

KEPT_BYTES = 256 * 1024
"""How much of what was sent is kept for a client whose connection is cut."""


class Reader(Protocol):
    """The answer to the request that reads a stream."""

    @property
    def buffered(self) -> int:
        """How many bytes of it wait to be sent."""

    async def drained(self) -> None:
        """Wait until none does, or the connection is gone."""

    def more(self) -> None:
        """There is something to `take`, or the stream has ended."""

    def beat(self) -> None:
        """Give a sign of life."""

    def replaced(self) -> None:
        """Another request reads the stream: end, and say so."""

    def abort(self) -> None:
        """End at once."""


class HttpTransport:
    """Keeps the events until a `Reader` takes them.

    A client without a reader for ``cut_seconds`` is gone; so long the end of a stream can be read, too. ``gone()`` is
    called then.
    """

    def __init__(self, connection: Connection, cut_seconds: float, gone: Callable[[], None]) -> None:
        self.writable = True
        self.polled_at = float("-inf")
        """When the last list was taken, on the monotonic clock."""
        self._connection = connection
        self._cut_seconds = cut_seconds
        self._gone = gone
        self._kept = KeptEvents()
        self._reader: Reader | None = None
        self._taken = 0
        self._waiting = 0
        self._moved = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._await_reader()

    # Written by the connection

    @property
    def buffered(self) -> int:
        return self._waiting + (self._reader.buffered if self._reader is not None else 0)

    def write(self, data: bytes | memoryview, first: bytes = b"") -> None:
        if not self.writable:
            return
        if data == PING:
            if self._reader is not None:
                self._reader.beat()
            return
        for chunk in (first, bytes(data)):
            if chunk:
                self._kept.add(chunk)
                self._waiting += len(chunk)
        if self._reader is not None:
            self._reader.more()

    async def drained(self) -> None:
        while self.writable and self.buffered:
            if self._reader is not None and not self._waiting:
                await self._reader.drained()
            else:
                self._moved.clear()
                await self._moved.wait()

    def close(self, code: int, reason: str) -> None:
        if not self.writable:
            return
        closed = wire.encode({"type": "closed", "code": code, "reason": reason})
        self.write(self._connection.codec.encode(closed))
        self._end()
        # Not here: a caller that writes to many must not be called back in the middle.
        asyncio.get_running_loop().call_soon(self._connection.on_closed)

    def abort(self) -> None:
        self._end()
        if self._reader is not None:
            self._reader.abort()

    def leave(self) -> None:
        """The client has gone, and won't read the rest."""
        if self.writable:
            self._end()
            self._connection.on_closed()
        self._stop_waiting()
        self._gone()

    def _end(self) -> None:
        self.writable = False
        self._moved.set()
        if self._reader is not None:
            self._reader.more()

    # Read by the client

    def begin(self, reader: Reader, number: int) -> bool:
        """From here on ``reader`` takes what comes after the event of this number. Whether there is something already.

        Raises `Reject` ``invalid`` for a number that no event has, ``outdated`` where what follows is not kept any
        more, ``not_found`` once the stream has ended and all of it was read.
        """
        if number > self._kept.last:
            raise Reject("There is no event of this number yet.", "invalid", field="Last-Event-ID")
        if number + 1 < self._kept.first:
            raise Reject("The next event is not kept any more: open another stream.", "outdated")
        if not self.writable and number == self._kept.last:
            raise stream_ended()
        before, self._reader = self._reader, reader
        if before is not None:
            before.replaced()
        self._stop_waiting()
        self._kept.forget(number)
        self._taken, self._waiting = number, self._kept.size
        self._connection.on_activity()
        return self._waiting > 0

    def take(self, most: int | None = None) -> tuple[list[bytes], int]:
        """The next events for the reader, and the number of the last one. With ``most``, all of them are kept."""
        chunks, self._taken = self._kept.after(self._taken, most)
        self._waiting -= sum(map(len, chunks))
        if most is None:
            self._kept.trim(self._taken, KEPT_BYTES + self._waiting)
        self._moved.set()
        return chunks, self._taken

    def first(self) -> bytes | None:
        """The first event, until it is read."""
        chunks, _ = self._kept.after(0)
        return chunks[0] if chunks else None

    def left(self, reader: Reader) -> None:
        """This reader takes nothing more."""
        if reader is self._reader:
            self._reader = None
            self._moved.set()
            self._await_reader()

    def _await_reader(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._cut_seconds, self.leave)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def stream_ended() -> Reject:
    """There is no such stream, or none of this session."""
    return Reject("There is no such stream, or it has ended: open another one.", "not_found")
