"""The log of each room, read over the wire from its first event to its last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

import msgspec

from .connection import Connection, Event

PAGE = 500


class LogLost(Exception):
    """The server refused to give the log, or closed the connection; the text says what was asked."""


class Sender(msgspec.Struct):
    """The user of an event."""

    id: str = ""


class LoggedEvent(Event):
    """A durable event, or the reply that carries a page of them."""

    content: str = ""
    user: Sender = msgspec.field(default_factory=Sender)
    events: Sequence[LoggedEvent] = ()


class LogReader:
    """A guest that reads whole logs, which the plugin `history` lets it do. Use it in an ``async with`` block."""

    def __init__(self, port: int, name: str = "auditor") -> None:
        self._port = port
        self._name = name
        self._waiting: list[LoggedEvent] = []

    async def __aenter__(self) -> LogReader:
        self._connection = await Connection.open(self._port, kind=LoggedEvent)
        await self._ask("hello", name=self._name)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._connection.close()

    async def join(self, room: str) -> int:
        """Join the room; the seq of its last event. Raises `LogLost`."""
        reply = await self._ask("join", room=room)
        head: int = reply.room["head"]
        return head

    async def pages(self, room: str) -> AsyncIterator[Sequence[LoggedEvent]]:
        """The log of a room that was joined, page by page. Raises `LogLost`."""
        after, more = 0, True
        while more:
            page = await self._ask("sync", room=room, after=after, limit=PAGE)
            yield page.events
            more = page.more and bool(page.events)
            after = page.events[-1].seq if page.events else after

    async def _ask(self, type: str, **fields: object) -> LoggedEvent:
        self._connection.send(type=type, id=type, **fields)
        while True:
            if not self._waiting:
                self._waiting = cast("list[LoggedEvent]", await self._connection.events() or [])
            if not self._waiting:
                raise LogLost(f"{type} {fields}: the connection was closed with {self._connection.code}")
            reply = self._waiting.pop(0)
            if reply.re != type:
                continue
            if reply.type == "error":
                raise LogLost(f"{type} {fields}: {reply.code}: {reply.message}")
            return reply
