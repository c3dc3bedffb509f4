"""A simulated client that behaves as a real one should: it resumes after a loss, asks for what is missing, sends again
what was not answered, and records what the server gets wrong."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .connection import ANSWER_SECONDS, Connection, Event

PAGE = 500
SMALL_BUFFER = 32768
"""Bytes: enough to catch up through, and soon full."""


class Refused(Exception):
    """The server answered with an error; the text is its code and message."""


@dataclass
class Journal:
    """What all clients saw."""

    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By nonce: the room and the seq."""
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Cursor:
    """How far a client has a room's log without a hole."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.syncing = False
        """A part is missing and was asked for."""
        self._ahead: set[int] = set()

    def take(self, seq: int) -> bool:
        """Whether ``seq`` is the next one, or was taken before."""
        if seq > self.last + 1:
            self._ahead.add(seq)
            return False
        self.last = max(self.last, seq)
        while self._ahead and self.last + 1 in self._ahead:
            self.last += 1
        return True

    def start_again(self) -> None:
        """Forget what came after a hole: on a new connection it comes again."""
        self.syncing = False
        self._ahead.clear()

    def caught_up(self) -> bool:
        """Whether nothing was taken that is still after a hole."""
        self._ahead = {seq for seq in self._ahead if seq > self.last}
        return not self._ahead


class Client:
    """A guest on the server at ``port``. ``slow`` makes the socket's buffer small, so that not reading is soon felt."""

    def __init__(self, name: str, port: int, journal: Journal, *, slow: bool = False) -> None:
        self.name = name
        self.cursors: dict[str, Cursor] = {}
        self.unanswered: dict[str, tuple[str, str]] = {}
        self._port = port
        self._journal = journal
        self._slow = slow
        self._token: str | None = None
        self._epoch = ""
        self._connection: Connection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[str, Callable[[Event], None]] = {}
        self._futures: set[asyncio.Future[Event]] = set()
        self._numbers = itertools.count(1)
        self._live = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()

    @property
    def connected(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def connect(self) -> None:
        """Connect and say hello, the second time with a resume; send again what was not answered.

        Raises OSError or `Refused`.
        """
        self._live.clear()
        for cursor in self.cursors.values():
            cursor.start_again()
        self._connection = await Connection.open(self._port, SMALL_BUFFER if self._slow else None)
        self._reader = asyncio.create_task(self._read(self._connection))
        hello: dict[str, Any] = {"name": self.name}
        if self._token is not None:
            rooms = {room: cursor.last for room, cursor in self.cursors.items()}
            hello.update(token=self._token, resume={"epoch": self._epoch, "rooms": rooms})
            self._journal.counts["resumes"] += 1
        welcome = await self.ask("hello", **hello)
        self._token = welcome.token or self._token
        if self._epoch and welcome.epoch != self._epoch:
            self.report("the epoch is another one")
        self._epoch = welcome.epoch
        await asyncio.wait_for(self._live.wait(), ANSWER_SECONDS)
        for nonce in list(self.unanswered):
            await self._send(nonce)

    async def join(self, room: str) -> None:
        """Join, and follow the room's log from here on."""

        def joined(reply: Event) -> None:
            self.cursors[room] = Cursor(max([reply.room["head"], *(event.seq for event in reply.events)]))

        await self.ask("join", joined, room=room)

    async def leave(self, room: str) -> None:
        """Leave the room for good."""
        self.cursors.pop(room, None)
        await self.ask("leave", room=room)

    async def say(self, room: str, text: str) -> None:
        """Send a message once, and wait until it is acknowledged."""
        nonce = f"{self.name}-{next(self._numbers)}"
        self.unanswered[nonce] = (room, text)
        await self._send(nonce)

    async def _send(self, nonce: str) -> None:
        room, text = self.unanswered[nonce]
        reply = await self.ask("message", room=room, content=text, nonce=nonce)
        self.unanswered.pop(nonce, None)
        known = self._journal.acknowledged.setdefault(nonce, (room, reply.seq))
        if known != (room, reply.seq):
            self.report(f"{nonce} was acknowledged as {known[1]} and as {reply.seq}")

    async def ask(self, type: str, on_ok: Callable[[Event], None] | None = None, **fields: object) -> Event:
        """A request and its reply; ``on_ok`` gets the reply before any later event is looked at.

        Raises `Refused`, or ConnectionError.
        """
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def answered(reply: Event) -> None:
            if on_ok is not None and reply.type == "ok":
                on_ok(reply)
            if not future.done():
                future.set_result(reply)

        if not self.connected:
            raise ConnectionError("the connection is closed")
        self._request(answered, type, **fields)
        self._futures.add(future)
        try:
            reply = await asyncio.wait_for(future, ANSWER_SECONDS)
        except TimeoutError:
            self.report(f"no answer to {type}")
            raise ConnectionError("no answer") from None
        finally:
            self._futures.discard(future)
        if reply.type == "error":
            raise Refused(f"{reply.code}: {reply.message}")
        return reply

    def _request(self, answered: Callable[[Event], None], type: str, **fields: object) -> None:
        assert self._connection is not None
        number = f"{type} {next(self._numbers)}"
        self._answers[number] = answered
        self._connection.send(type=type, id=number, **fields)

    async def catch_up(self) -> None:
        """Wait until everything sent so far has arrived. Raises ConnectionError when nothing comes."""
        await self.ask("ping")
        reached, moved = self._reached(), time.monotonic()
        while any(cursor.syncing for cursor in self.cursors.values()):
            await asyncio.sleep(0.05)
            if self._reached() != reached:
                reached, moved = self._reached(), time.monotonic()
            elif time.monotonic() - moved > ANSWER_SECONDS:
                raise ConnectionError("what is missing does not come")

    def _reached(self) -> int:
        return sum(cursor.last for cursor in self.cursors.values())

    def stop_reading(self) -> None:
        """Read nothing more."""
        self._reads.clear()

    def read_on(self) -> None:
        """Read again."""
        self._reads.set()

    async def disconnect(self, *, reset: bool = False) -> None:
        """Close the connection, with a close frame or a reset (RST)."""
        self.read_on()
        if self._connection is not None and self._reader is not None:
            if reset:
                self._connection.reset()
            else:
                self._connection.close()
            self._reader.cancel()
            await asyncio.wait([self._reader])

    async def _read(self, connection: Connection) -> None:
        try:
            while (events := await connection.events()) is not None:
                for event in events:
                    self._take(event)
                await self._reads.wait()
        finally:
            self._answers.clear()
            for future in self._futures:
                if not future.done():
                    future.set_exception(ConnectionError("the connection was closed"))
            if connection.code:
                self._journal.counts[f"closed with {connection.code}"] += 1

    def _take(self, event: Event) -> None:
        self._journal.counts["events received"] += 1
        if event.re is not None:
            self._answers.pop(event.re, _given_up)(event)
        elif event.type == "live":
            self._live.set()
        elif event.type == "gap":
            self._journal.counts["gaps"] += 1
            self._sync(event.room)
        elif event.seq and isinstance(event.room, str):
            cursor = self.cursors.get(event.room)
            if cursor is not None and not cursor.take(event.seq) and not cursor.syncing:
                self.report(f"{event.room} {event.seq} came after {cursor.last}")
                self._sync(event.room)

    def _sync(self, room: str) -> None:
        cursor = self.cursors.get(room)
        if cursor is not None:
            cursor.syncing = True
            self._request(partial(self._synced, room), "sync", room=room, after=cursor.last, limit=PAGE)

    def _synced(self, room: str, reply: Event) -> None:
        cursor = self.cursors.get(room)
        if cursor is None:
            return
        if reply.type == "error":
            self.report(f"sync was refused: {reply.code}")
            return
        for event in reply.events:
            if not cursor.take(event.seq):
                self.report(f"the log of {room} has {event.seq} after {cursor.last}")
        self._journal.counts["events synced"] += len(reply.events)
        cursor.syncing = reply.more or not cursor.caught_up()
        if cursor.syncing:
            self._sync(room)

    def report(self, text: str) -> None:
        """Record what should not have happened."""
        self._journal.problems.append(f"{self.name}: {text}")


def _given_up(reply: Event) -> None:
    """A reply that is no longer waited for."""
