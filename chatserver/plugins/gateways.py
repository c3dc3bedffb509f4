"""What a plugin brings to open sessions over connections of its own: a link to each client, and a format for all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Protocol

from ..model.values import User


class Format(Protocol):
    """How a gateway's clients get events. One object for all of them: each event is formatted once, not once a client.

    An attribute ``ping`` (bytes) is sent to each client every 25 seconds; one that gives no sign of life for 60 is
    closed. Without it silence is no loss.
    """

    def format(self, event: Mapping[str, Any]) -> bytes:
        """An event or reply of the wire protocol as the client gets it; empty for what it is not shown.

        The last one is ``closed``, with ``code`` and ``reason``, which only formats see.
        """


class Link(Protocol):
    """The connection to one client of a gateway."""

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""

    def write(self, data: bytes) -> None:
        """Send, or keep until it can be sent. Never blocks."""

    async def drained(self) -> None:
        """Wait until nothing waits to be sent, or the connection is gone."""

    def close(self) -> None:
        """Send what waits, then close."""

    def abort(self) -> None:
        """Close at once."""


class GatewaySession(Protocol):
    """A session that a plugin opened."""

    @property
    def user(self) -> User:
        """The user it is for, as they are called now."""

    @property
    def token(self) -> str | None:
        """What brings the same guest back; None for a user that the plugin named."""

    @property
    def closed(self) -> bool:
        """It is over: the server closed it, or the plugin."""

    async def request(self, type: str, **fields: Any) -> None:
        """Do what a client asks, as if it had come over a WebSocket. The reply comes through the format.

        Returns when the next one may be read. Limits count as for all clients.
        """

    def alive(self) -> None:
        """The client gave a sign of life other than a request."""

    def close(self) -> None:
        """The client is gone. To be called once its connection has ended, whichever side ended it."""


class StreamLink:
    """A link over the `asyncio.StreamWriter` of a connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        # `drain` then waits for the last byte.
        writer.transport.set_write_buffer_limits(high=0)

    @property
    def buffered(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drained(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        self._writer.transport.abort()
