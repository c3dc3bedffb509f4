"""What is below a WebSocket once its handshake is done: frames to messages, and the closing handshake.

There are two ways to the other side: on the bare socket, which costs a fraction of the time and memory, or through
Tornado's stream, for TLS. What is above can't tell them apart.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Awaitable
from typing import Protocol

from tornado.util import _websocket_mask

from ...model.errors import Close
from . import frames as outgoing
from . import parser as incoming
from .deflate import InflatingParser
from .parser import FrameParser, ProtocolError

log = logging.getLogger(__name__)

READ_BYTES = 65536

CLOSE_SECONDS = 5.0
"""How long the other side has to answer a close frame, and to read what was sent before."""
UNREAD_BYTES = 64 * 1024 * 1024
"""How much of a message that is too large is read, so that the answer to it arrives, before the socket is closed."""


class State(enum.Enum):
    """Of a WebSocket, as seen from the server (RFC 6455, sections 4 and 7)."""

    CONNECTING = "connecting"
    """The handshake is not over; nothing may be sent."""
    OPEN = "open"
    """Messages go both ways."""
    CLOSING = "closing"
    """A close frame was sent; nothing may follow it."""
    CLOSED = "closed"
    """The socket is closed."""


class Owner(Protocol):
    """Gets the messages."""

    def on_open(self, transport: Transport) -> None:
        """The handshake is done. May close the transport at once."""

    def on_direct(self, fd: int) -> None:
        """What is written goes straight to the socket ``fd``, which others may write to; -1: no longer."""

    def on_message(self, data: bytes, text: bool) -> Awaitable[None] | None:
        """A data message; text is UTF-8. What is returned is awaited before the next one is read."""

    def on_activity(self) -> None:
        """A ping or pong, or bytes that the other side took: it lives."""

    def on_protocol_error(self, code: Close, reason: str) -> None:
        """The other side broke the protocol; what follows is not read. Closes the transport with this code."""

    def on_closed(self) -> None:
        """The connection is gone. Called once."""


class Transport:
    """What both ways share: frames to messages, and the closing handshake (RFC 6455, section 7)."""

    __slots__ = ("__weakref__", "_close_received", "_discarded", "_parser", "_timer", "owner", "state")

    def __init__(self, owner: Owner, most: int, inflates: bool) -> None:
        self.owner = owner
        self.state = State.CONNECTING
        self._close_received = False
        """The closing handshake is complete: the socket is closed once everything is sent."""
        self._discarded = 0
        """How many bytes came after a breach of the protocol, and were not looked at; 0 without one."""
        self._parser = (InflatingParser if inflates else FrameParser)(most, _websocket_mask)
        self._timer: asyncio.TimerHandle | None = None

    def opened(self) -> None:
        """The handshake is done: tell the owner."""
        self.state = State.OPEN
        self.owner.on_open(self)

    @property
    def writable(self) -> bool:
        """Whether what is written goes out."""
        return self.state is State.OPEN

    # What the two ways differ in

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        raise NotImplementedError

    def write(self, frames: bytes | memoryview, first: bytes = b"") -> None:
        """Send ``first`` and ``frames``; what the socket does not take at once is kept. Nothing unless it is open."""
        raise NotImplementedError

    async def drained(self) -> None:
        """Wait until nothing waits to be sent, or the connection is gone."""
        raise NotImplementedError

    def shut(self) -> None:
        """Tell the other side that nothing more is sent, and go on reading."""
        raise NotImplementedError

    def abort(self) -> None:
        """Close the socket at once."""
        raise NotImplementedError

    # Closing

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame; the socket is closed when it is answered, or after `CLOSE_SECONDS`."""
        if self.state is not State.OPEN:
            return
        self.write(outgoing.close_frame(code, reason))
        self._start_closing()
        self._timer = asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.abort)

    def _start_closing(self) -> None:
        self.state = State.CLOSING
        self.owner.on_direct(-1)

    def emptied(self) -> None:
        """Nothing waits to be sent any more: go on with the end where it has begun."""
        if self._close_received:
            self.abort()
        elif self._discarded:
            # Closing with unread input would reset the socket, and the reset would overtake the close frame; so
            # only our half ends, and what still comes is read and forgotten (sections 7.1.1 and 7.1.7).
            self.shut()

    def gone(self) -> None:
        """The socket is closed: tell the owner."""
        self.state = State.CLOSED
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.owner.on_closed()

    # Reading

    def take(self, data: bytes) -> Awaitable[None] | None:
        """Handle the messages in what came, up to one that has to be awaited before `take` is called again."""
        if self._discarded:
            self._discarded += len(data)
            if self._discarded > UNREAD_BYTES:
                self.abort()
            return None
        if data:
            self._parser.feed(data)
        try:
            return self._messages()
        except ProtocolError as broken:
            self.owner.on_protocol_error(broken.code, broken.reason)
            self._discarded = 1
            if not self.buffered:
                self.emptied()
            return None

    def _messages(self) -> Awaitable[None] | None:
        while self.state is not State.CLOSED:
            message = self._parser.next()
            if message is None:
                return None
            opcode, data = message
            if opcode & incoming.CONTROL:
                if opcode == incoming.CLOSE:
                    self._answer_close(data)
                    return None
                self._sign(opcode, data)
            elif self.state is State.OPEN:
                text = opcode == incoming.TEXT
                if text:
                    incoming.check_text(data)
                waiting = self.owner.on_message(data, text)
                if waiting is not None:
                    return waiting
        return None

    def _sign(self, opcode: int, data: bytes) -> None:
        self.owner.on_activity()
        # To a peer that doesn't read, an unsent pong would only be the first of many (section 5.5.3).
        if opcode == incoming.PING and not self.buffered:
            self.write(outgoing.frame(data, outgoing.PONG))

    def _answer_close(self, data: bytes) -> None:
        if self.state is State.OPEN:
            # Echo the code (section 5.5.1).
            self.write(outgoing.frame(data[:2], outgoing.CLOSE))
            self._start_closing()
        self._close_received = True
        if not self.buffered:
            self.emptied()
