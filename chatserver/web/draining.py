"""Requests that are answered before their body has come, such as a refused upload.

Closing a socket with bytes that were not read resets the connection, and a client that sends everything before it reads
never sees the answer (RFC 9112, section 9.6). So what still comes is read and dropped, within bounds.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)

DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_SECONDS = 30.0
PAUSE_SECONDS = 2.0
"""How long a client may send nothing."""

StartLine = RequestStartLine | ResponseStartLine


class DrainingConnection(HTTPConnection):
    """A request's connection as the application answers on it. ``finish`` waits for the rest of the body.

    What is waited for is bounded in bytes, in seconds, and in seconds without a byte; beyond that the connection is
    closed.
    """

    def __init__(
        self, connection: HTTP1Connection, most_bytes: int, most_seconds: float, pause_seconds: float
    ) -> None:
        self._connection = connection
        self._left = self._left_before = most_bytes
        self._seconds = most_seconds
        self._pause = pause_seconds
        self._timer: asyncio.TimerHandle | None = None
        self.body_is_due = True
        """False once the body is complete, or where the client sends it only when it is told to."""
        self.answered_early = False

    def __getattr__(self, name: str) -> Any:
        # What HTTP/1 has beyond the interface: limits, the stream, whom it is from.
        return getattr(self._connection, name)

    def write_headers(
        self, start_line: StartLine, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> asyncio.Future[None]:
        return self._connection.write_headers(start_line, headers, chunk)

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        return self._connection.write(chunk)

    def finish(self) -> None:
        if not self.body_is_due:
            self._connection.finish()
            return
        self.answered_early = True
        # Counted here: an announced length beyond the limit is no error any more, the client has its answer.
        self._connection.set_max_body_size(sys.maxsize)
        self._wait(asyncio.get_running_loop().time() + self._seconds)

    def _wait(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        self._left_before = self._left
        self._timer = loop.call_at(min(loop.time() + self._pause, deadline), self._look, deadline)

    def _look(self, deadline: float) -> None:
        if self._left == self._left_before or asyncio.get_running_loop().time() >= deadline:
            self.end()
        else:
            self._wait(deadline)

    def drop(self, size: int) -> None:
        """Count ``size`` bytes that came after the answer."""
        self._left -= size
        if self._left < 0:
            self.end()

    def end(self) -> None:
        """Finish the request; with a part of the body left this closes the connection."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._connection.finish()

    def forget(self) -> None:
        """The connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Draining(HTTPMessageDelegate):
    """Hands a request to the delegate that ``start`` makes, until it is answered, and drops what comes after that."""

    def __init__(
        self,
        connection: HTTPConnection,
        start: Callable[[HTTPConnection], HTTPMessageDelegate],
        most_bytes: int = DRAIN_BYTES,
        most_seconds: float = DRAIN_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._connection = DrainingConnection(
            cast(HTTP1Connection, connection), most_bytes, most_seconds, pause_seconds
        )
        self._delegate = start(self._connection)

    def headers_received(self, start_line: StartLine, headers: HTTPHeaders) -> Awaitable[None] | None:
        expects = headers.get("Expect") == "100-continue"
        has_body = "Content-Length" in headers or "Transfer-Encoding" in headers
        self._connection.body_is_due = has_body and not expects
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._connection.answered_early:
            self._connection.drop(len(chunk))
            return None
        self._connection.body_is_due = True
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._connection.body_is_due = False
        if self._connection.answered_early:
            self._connection.end()
            self._delegate.on_connection_close()
        else:
            self._delegate.finish()

    def on_connection_close(self) -> None:
        self._connection.forget()
        self._delegate.on_connection_close()
