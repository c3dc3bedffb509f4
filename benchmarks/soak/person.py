"""Somebody with a real client's manners: resumes after a loss, asks for what is missing, sends again what was not
answered, and takes down what the server gets wrong."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .line import PATIENCE, Event, Line

PAGE = 500
LAGGING_BUFFER = 32768
"""In bytes: enough to catch up through, and soon full."""


class Refused(Exception):
    """The server answered with an error; the text is its code and message."""


@dataclass
class Journal:
    """What all of them saw."""

    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By nonce: the room and the seq."""
    problems: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Track:
    """One room's numbers, as somebody heard them."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.behind = False
        """A part is missing and was asked for."""
        self._ahead: set[int] = set()

    def take(self, seq: int) -> bool:
        """Whether it follows on what was heard, or was heard before."""
        if seq > self.last + 1:
            self._ahead.add(seq)
            return False
        self.last = max(self.last, seq)
        while self._ahead and self.last + 1 in self._ahead:
            self.last += 1
        return True

    def start_again(self) -> None:
        """The connection is a new one: what follows comes from what was heard without a hole."""
        self.behind = False
        self._ahead.clear()

    def caught_up(self) -> bool:
        """Whether nothing that was heard is still ahead."""
        self._ahead = {seq for seq in self._ahead if seq > self.last}
        return not self._ahead


class Person:
    """``lags`` makes the socket's buffer small, so that not reading is soon felt."""

    def __init__(self, name: str, port: int, journal: Journal, *, lags: bool = False) -> None:
        self.name = name
        self.tracks: dict[str, Track] = {}
        self.unanswered: dict[str, tuple[str, str]] = {}
        self._port = port
        self._journal = journal
        self._lags = lags
        self._token: str | None = None
        self._epoch = ""
        self._line: Line | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[str, Callable[[Event], None]] = {}
        self._futures: set[asyncio.Future[Event]] = set()
        self._numbers = itertools.count(1)
        self._live = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()

    @property
    def here(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def come(self) -> None:
        """Connect and say hello, the second time with a resume; send again what was not answered.

        Raises OSError or `Refused`.
        """
        self._live.clear()
        for track in self.tracks.values():
            track.start_again()
        self._line = await Line.open(self._port, LAGGING_BUFFER if self._lags else None)
        self._reader = asyncio.create_task(self._read(self._line))
        hello: dict[str, Any] = {"name": self.name}
        if self._token is not None:
            rooms = {room: track.last for room, track in self.tracks.items()}
            hello.update(token=self._token, resume={"epoch": self._epoch, "rooms": rooms})
            self._journal.counts["resumes"] += 1
        welcome = await self.ask("hello", **hello)
        self._token = welcome.token or self._token
        if self._epoch and welcome.epoch != self._epoch:
            self.wrong("the epoch is another one")
        self._epoch = welcome.epoch
        await asyncio.wait_for(self._live.wait(), PATIENCE)
        for nonce in list(self.unanswered):
            await self._send(nonce)

    async def join(self, room: str) -> None:
        """Join, and follow the room's numbers from here on."""

        def joined(reply: Event) -> None:
            self.tracks[room] = Track(max([reply.room["head"], *(event.seq for event in reply.events)]))

        await self.ask("join", joined, room=room)

    async def leave(self, room: str) -> None:
        """Leave the room for good."""
        self.tracks.pop(room, None)
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
            self.wrong(f"{nonce} was acknowledged as {known[1]} and as {reply.seq}")

    async def ask(self, type: str, heard: Callable[[Event], None] | None = None, **fields: object) -> Event:
        """A request and its reply, which ``heard`` gets before anything behind it is looked at.

        Raises `Refused`, or ConnectionError.
        """
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()

        def answered(reply: Event) -> None:
            if heard is not None and reply.type == "ok":
                heard(reply)
            if not future.done():
                future.set_result(reply)

        if not self.here:
            raise ConnectionError("the connection is closed")
        self._request(answered, type, **fields)
        self._futures.add(future)
        try:
            reply = await asyncio.wait_for(future, PATIENCE)
        except TimeoutError:
            self.wrong(f"no answer to {type}")
            raise ConnectionError("no answer") from None
        finally:
            self._futures.discard(future)
        if reply.type == "error":
            raise Refused(f"{reply.code}: {reply.message}")
        return reply

    def _request(self, answered: Callable[[Event], None], type: str, **fields: object) -> None:
        assert self._line is not None
        number = f"{type} {next(self._numbers)}"
        self._answers[number] = answered
        self._line.send(type=type, id=number, **fields)

    async def hear_out(self) -> None:
        """Wait until everything that was said so far has been heard. Raises ConnectionError when nothing comes."""
        await self.ask("ping")
        reached, moved = self._reached(), time.monotonic()
        while any(track.behind for track in self.tracks.values()):
            await asyncio.sleep(0.05)
            if self._reached() != reached:
                reached, moved = self._reached(), time.monotonic()
            elif time.monotonic() - moved > PATIENCE:
                raise ConnectionError("what is missing does not come")

    def _reached(self) -> int:
        return sum(track.last for track in self.tracks.values())

    def pause(self) -> None:
        """Read nothing more."""
        self._reads.clear()

    def go_on(self) -> None:
        """Read again."""
        self._reads.set()

    async def go(self, *, rudely: bool = False) -> None:
        """Close the connection, or reset it."""
        self.go_on()
        if self._line is not None and self._reader is not None:
            if rudely:
                self._line.reset()
            else:
                self._line.close()
            self._reader.cancel()
            await asyncio.wait([self._reader])

    async def ended(self) -> int:
        """Wait for the server to end the connection, reading to the end; the close code."""
        self.go_on()
        assert self._reader is not None
        assert self._line is not None
        await asyncio.wait([self._reader])
        return self._line.code

    async def _read(self, line: Line) -> None:
        try:
            while (events := await line.events()) is not None:
                for event in events:
                    self._hear(event)
                await self._reads.wait()
        finally:
            self._answers.clear()
            for future in self._futures:
                if not future.done():
                    future.set_exception(ConnectionError("the connection was closed"))
            if line.code:
                self._journal.counts[f"closed with {line.code}"] += 1

    def _hear(self, event: Event) -> None:
        self._journal.counts["events heard"] += 1
        if event.re is not None:
            self._answers.pop(event.re, _unasked)(event)
        elif event.type == "live":
            self._live.set()
        elif event.type == "gap":
            self._journal.counts["gaps"] += 1
            self._ask_missing(event.room)
        elif event.seq and isinstance(event.room, str):
            track = self.tracks.get(event.room)
            if track is not None and not track.take(event.seq) and not track.behind:
                self.wrong(f"{event.room} {event.seq} came behind {track.last}")
                self._ask_missing(event.room)

    def _ask_missing(self, room: str) -> None:
        track = self.tracks.get(room)
        if track is not None:
            track.behind = True
            self._request(partial(self._synced, room), "sync", room=room, after=track.last, limit=PAGE)

    def _synced(self, room: str, reply: Event) -> None:
        track = self.tracks.get(room)
        if track is None:
            return
        if reply.type == "error":
            self.wrong(f"sync was refused: {reply.code}")
            return
        for event in reply.events:
            if not track.take(event.seq):
                self.wrong(f"the log of {room} has {event.seq} behind {track.last}")
        self._journal.counts["events synced"] += len(reply.events)
        track.behind = reply.more or not track.caught_up()
        if track.behind:
            self._ask_missing(room)

    def wrong(self, text: str) -> None:
        """Note what should not have happened."""
        self._journal.problems.append(f"{self.name}: {text}")


def _unasked(reply: Event) -> None:
    """A reply to somebody who has stopped waiting."""
