"""One signed-in connection: who it is, what it follows, what of it is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from ..model.errors import Close, Reject
from ..model.values import User
from ..protocol import events as wire
from ..protocol import replies
from .codec import Codec


class Connection(Protocol):
    """The way to a session's client, whatever the transport."""

    remote_ip: str

    @property
    def codec(self) -> Codec:
        """How payloads are encoded for this client."""

    def send(self, payload: bytes, *, secret: bool = False) -> None:
        """Send one payload, as soon as may be. The length of one that holds a secret tells nothing of it."""

    def send_encoded(self, data: bytes, durable: bytes) -> None:
        """Send what is encoded already; a client that lags may get ``durable`` instead."""

    @property
    def fd(self) -> int:
        """The socket that takes what is sent to all, or -1 while that has to go through `send_encoded`."""

    def send_rest(self, data: bytes, taken: int) -> None:
        """Send ``data`` from the byte ``taken`` on: the socket took only what is before it."""

    async def drained(self) -> None:
        """Wait until what was sent is on its way. Returns at once on a closed connection."""

    def close(self, code: Close, reason: str = "") -> None:
        """Close; without ``reason`` with the one that the code stands for."""

    @property
    def closed(self) -> bool: ...


class Session:
    """A connection after ``hello``. ``rooms`` are those it follows; ``language`` is what its user reads, as a tag of
    BCP 47; ``shows_forms`` says that the client can ask its user."""

    __slots__ = ("_idle", "connection", "language", "outstanding", "rooms", "shows_forms", "token", "user")

    def __init__(
        self,
        user: User,
        connection: Connection,
        token: str | None,
        *,
        language: str | None = None,
        shows_forms: bool = False,
    ) -> None:
        self.language = language
        self.shows_forms = shows_forms
        self.user = user
        self.connection = connection
        self.token = token
        self.rooms: set[str] = set()
        self.outstanding = 0
        self._idle: asyncio.Future[None] | None = None

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event to this connection alone. Raises ValueError for a type that only the server sends."""
        type = event.get("type")
        if not isinstance(type, str) or (type != "notice" and ":" not in type):
            raise ValueError(f"the type of an event is <plugin>:<name> or notice, not {type!r}")
        self.connection.send(wire.encode(event))

    def ok(self, re: str | None, fields: Mapping[str, Any]) -> None:
        """Answer a request that worked; one without id wants no answer."""
        if re is not None:
            self.connection.send(replies.ok(re, fields))

    def error(self, re: str | None, reject: Reject) -> None:
        """Answer a request that did not."""
        self.connection.send(replies.error(re, reject))

    def began(self) -> None:
        """A message is on its way to the log."""
        self.outstanding += 1

    def ended(self) -> None:
        """A message was answered."""
        self.outstanding -= 1
        if self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

    async def answered(self, most: int = 0) -> None:
        """Wait until at most so many messages are on their way."""
        while self.outstanding > most:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await self._idle
