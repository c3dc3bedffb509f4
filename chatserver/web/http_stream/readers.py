"""The two ways to read a stream: Server-Sent Events, and one list of events an answer (long polling)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from tornado.iostream import IOStream, StreamClosedError

from ...model.errors import Reject
from ...protocol import replies
from .codec import PING, EventCodec, payloads
from .transport import HttpTransport

BEATS = 2
"""After so many heartbeats an answer of events ends. The client's next request is its own sign of life, and a proxy
that keeps an answer back to its end passes it on."""

RETRY_MS = 100
"""How soon a client of the standard asks again after that."""

POLL_BYTES = 256 * 1024
"""About as much goes into one list."""


def replaced() -> Reject:
    """Another request has taken the stream over."""
    return Reject("Another request reads this stream by now.", "replaced")


class EventReader:
    """Writes events into an answer that stays open. ``write(data)`` sends, ``stream`` is what it sends over."""

    def __init__(self, transport: HttpTransport, write: Callable[[bytes], object], stream: IOStream) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport = transport
        self._write = write
        self._stream = stream
        self._beats = 0

    @property
    def buffered(self) -> int:
        return 0 if self._stream.closed() else len(self._stream._write_buffer)

    async def drained(self) -> None:
        with contextlib.suppress(StreamClosedError):
            await self._stream.write(b"")

    def start(self, number: int) -> None:
        """Say which number comes before the first event, so that the head of the answer is on its way."""
        self._write(b"retry: %d\nid: %d\n\n" % (RETRY_MS, number))

    def more(self) -> None:
        if self.ended.done():
            return
        chunks, last = self._transport.take()
        if chunks:
            self._write(b"".join((*chunks, b"id: %d\n\n" % last)))
        if not self._transport.writable:
            self.end()

    def beat(self) -> None:
        self._write(PING)
        self._beats += 1
        if self._beats == BEATS:
            self.end()

    def replaced(self) -> None:
        self._write(EventCodec().encode(replies.error(None, replaced())))
        self.end()

    def abort(self) -> None:
        self._stream.close()

    def end(self) -> None:
        """Nothing more is written."""
        if not self.ended.done():
            self.ended.set_result(None)
            self._transport.left(self)

    gone = end


class PollReader:
    """Waits for events, and takes them all at once, ``pause`` seconds after the last one that did.

    While ``holds()``, it waits for the stream's end.
    """

    buffered = 0

    def __init__(
        self, transport: HttpTransport, holds: Callable[[], bool] = lambda: False, pause: float = 0.0
    ) -> None:
        loop = asyncio.get_running_loop()
        self.woken: asyncio.Future[None] = loop.create_future()
        self._over: asyncio.Future[None] = loop.create_future()
        self._transport = transport
        self._holds = holds
        self._pause = pause
        self._refusal: Reject | None = None
        self._gone = False

    async def drained(self) -> None:
        """Nothing is sent before its end."""

    def more(self) -> None:
        if not self._transport.writable:
            self._end()
        elif not (self._holds() or self.woken.done()):
            self.woken.set_result(None)

    def beat(self) -> None:
        """What comes at the end is the sign of life."""

    def replaced(self) -> None:
        self._refusal = replaced()
        self._end()

    def abort(self) -> None:
        self._end()

    def gone(self) -> None:
        """Its client has gone: what there is stays for the next reader."""
        self._transport.left(self)
        self._gone = True
        self._end()

    def _end(self) -> None:
        for future in (self.woken, self._over):
            if not future.done():
                future.set_result(None)

    async def events(self, number: int, seconds: float) -> tuple[list[bytes], int]:
        """The payloads of the events after that of this ``number``, waited for so long at most, and the number of the
        last one.

        Raises `Reject` as `HttpTransport.begin` does, and ``replaced``.
        """
        if self._transport.begin(self, number):
            self.more()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.woken, seconds)
            await asyncio.wait_for(self._over, self._transport.polled_at + self._pause - time.monotonic())
        if self._refusal is not None:
            raise self._refusal
        if self._gone:
            return [], 0
        self._transport.polled_at = time.monotonic()
        chunks, last = self._transport.take(POLL_BYTES)
        self._transport.left(self)
        return payloads(chunks), last
