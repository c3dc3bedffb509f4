"""Reads the logs of all rooms for one function of a plugin: each event once, in order within its room."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from ..model.errors import Reject
from ..model.values import Event
from ..plugins.database import Transaction
from ..plugins.timer import Timer
from ..store import Store
from ..store import followers as stored
from ..store.changes import Contributor
from ..store.followers import Moved, Place
from ..store.plugin_tables import as_raised
from ..store.plugin_transaction import Tx, contained
from .follower_places import Places

log = logging.getLogger(__name__)

MOST = 500
"""So many events are given to the function at once."""
ROOMS = 50
"""From so many rooms at most."""
FIRST = 50
"""So many are tried first, as it is not known how long the function takes."""
WRITER_SECONDS = 0.01
"""How long the function may hold the writer: with more, it gets fewer events at once."""
PAUSE_SECONDS = 0.02
"""Between two times, so that events are taken together, and messages go before."""
RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""After the function failed at an event: its room waits so long."""
STORAGE_SECONDS = 5.0
PLACES_SECONDS = 5.0
"""So long it is not stored that there was nothing to read, as `in_commit` had it: after a crash that much is read."""
PROGRESS_SECONDS = 10.0
"""How often the log says how far it is."""

Function = Callable[[Transaction, Sequence[Event]], Any]
Empty = Callable[[Transaction], Any]
Failed = Callable[[float, BaseException | None], object]


class Follower:
    """One function that follows. ``rooms()`` are those that it may read, None for all; ``types`` the types of events it
    wants, None for all; ``anew(tx)`` empties what it has written; ``ran(started, error)`` counts a call; ``tell``
    tells the admins."""

    def __init__(
        self,
        store: Store,
        timer: Timer,
        plugin: str,
        name: str,
        function: Function,
        *,
        types: frozenset[str] | None,
        only_missed: bool,
        rooms: Callable[[], frozenset[str] | None],
        ran: Failed,
        tell: Callable[[str], None],
        anew: Empty | None = None,
    ) -> None:
        self.plugin = plugin
        self.name = name
        self._store = store
        self._timer = timer
        self._function = function
        self._types = types
        self.anew = anew
        self._only_missed = only_missed
        self._rooms = rooms
        self._ran = ran
        self._tell = tell
        self._places = Places(store, plugin, name)
        self._waiting: dict[str, None] = {}
        """Rooms with something to read, in the order in which they are taken."""
        self._news = asyncio.Event()
        self._held: dict[str, tuple[float, int]] = {}
        """Rooms that wait as the function fails there: until when, and how often it has."""
        self._store_at: float | None = None
        """When to store places of events that were passed over, if there are any."""
        self._again = False
        self._size = FIRST
        self._singly = 0
        """So many events are given one at a time, to find the one that fails."""
        self._read = self._told_at = 0.0

    def told(self, event: Event, contributors: Sequence[Contributor]) -> None:
        """An event was committed, and with it what ``contributors`` wrote."""
        if self._only_missed and self._places.pass_over(event, contributors):
            if self._store_at is None:
                self._store_at = self._timer() + PLACES_SECONDS
                self._news.set()
            return
        self._waiting[event.room] = None
        self._news.set()

    def look_again(self) -> None:
        """Other rooms may be read by now."""
        self._again = True
        self._news.set()

    async def restart(self, anew: Empty) -> None:
        """Empty what the function has written, and read all logs from their start once more."""

        def write(conn: Connection) -> None:
            stored.restart(conn, self.plugin, self.name)
            contained(anew, Tx(conn, self.plugin))

        await as_raised(self._store.write(write))
        self._places.forget()
        self.look_again()

    async def behind(self) -> int:
        """How many events are still to be read."""
        rooms = self._rooms()
        left = await self._store.read(lambda conn: stored.behind(conn, self.plugin, self.name, rooms))
        return max(0, left - self._places.unstored)

    async def run(self, at_the_end: bool) -> None:
        """Read for ever, from the stored place on, or, the first time, from the start or the end of the logs."""
        begun = False
        while True:
            try:
                if not begun:
                    await self._begin(at_the_end)
                    begun = True
                await self._step()
            except asyncio.CancelledError:
                await self._places.store()
                raise
            except Moved:
                self._again = True
            except Reject as refusal:
                # The storage, which has logged it.
                log.debug("plugin %s: %s waits: %s", self.plugin, self.name, refusal)
                await asyncio.sleep(STORAGE_SECONDS)

    async def _begin(self, at_the_end: bool) -> None:
        await self._store.write(lambda conn: stored.begin(conn, self.plugin, self.name, at_the_end))
        self._again = True
        left = await self.behind()
        if left > MOST:
            log.info("plugin %s: %s has %s events to read", self.plugin, self.name, f"{left:,}")
        self._told_at = time.monotonic()

    async def _step(self) -> None:
        """Wait for something to read, and let the function have it."""
        if self._again:
            await self._find()
        now = self._timer()
        if self._store_at is not None and self._store_at <= now:
            await self._places.store()
            self._store_at = None
        if all(room in self._held and self._held[room][0] > now for room in self._waiting):
            self._news.clear()
            times = [self._store_at, *(self._held[room][0] for room in self._waiting)]
            due = min((each for each in times if each is not None), default=None)
            await self._timer.until_set(self._news, due)
            await asyncio.sleep(PAUSE_SECONDS)
            return
        batch = await self._take()
        seconds = await self._give(batch) if batch else 0.0
        await self._progress(sum(len(events) for _, events in batch))
        await asyncio.sleep(max(PAUSE_SECONDS / 4, seconds))

    async def _find(self) -> None:
        """Look in all rooms for what is to be read."""
        self._again = False
        found = await self._places.read()
        self._waiting |= {place.room: None for place in found if place.head > place.seq}

    async def _take(self) -> list[tuple[Place, list[Event]]]:
        """Events of some rooms that wait. A room with more of them waits again, after the others."""
        allowed, now = self._rooms(), self._timer()
        ready = [room for room in self._waiting if self._held.get(room, (now, 0))[0] <= now][:ROOMS]
        for room in ready:
            del self._waiting[room]
        if allowed is not None:
            ready = [room for room in ready if room in allowed]
        most = 1 if self._singly else self._size
        try:
            wanted = [
                (place.room, place.seq)
                for room in ready
                if (place := await self._places.of(room)) is not None
            ]
            found = await self._store.read(lambda conn: stored.read(conn, wanted, most))
        except BaseException:
            self._first(ready)
            raise
        full = sum(len(events) for _, events in found) >= most
        read = dict(found)
        for room, _ in wanted:
            if room not in read or (full and room == found[-1][0]):
                self._waiting[room] = None
        return [(self._places.known[room], events) for room, events in found if events]

    def _first(self, rooms: Iterable[str]) -> None:
        """Let rooms wait before all others."""
        self._waiting = {**dict.fromkeys(rooms), **self._waiting}

    async def _give(self, batch: list[tuple[Place, list[Event]]]) -> float:
        """Let the function write, and move the places in its transaction; how long it took. What fails comes again."""
        events = [event for _, found in batch for event in found]
        wanted = events if self._types is None else [event for event in events if event.type in self._types]
        moves = [(place.room_id, place.stored, found[-1].seq) for place, found in batch]
        seconds = 0.0

        def write(conn: Connection) -> None:
            nonlocal seconds
            started = time.perf_counter()
            # First, so that one who is too late writes nothing.
            stored.move(conn, self.plugin, self.name, moves)
            if wanted:
                contained(lambda tx: self._function(tx, wanted), Tx(conn, self.plugin))
            seconds = time.perf_counter() - started

        started = time.perf_counter()
        writing = asyncio.ensure_future(as_raised(self._store.write(write)))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            # Nothing of a plugin runs after its end.
            await asyncio.wait([writing])
            raise
        except BaseException as error:
            self._first(place.room for place, _ in batch)
            if isinstance(error, Moved | Reject):
                raise
            self._failed(started, error, events)
            return 0.0
        for place, found in batch:
            place.stored = found[-1].seq
        self._worked(started, seconds, events, len(wanted))
        return seconds

    def _failed(self, started: float, error: BaseException, events: Sequence[Event]) -> None:
        self._ran(started, error)
        if len(events) > 1:
            self._singly = len(events)
            return
        (event,) = events
        _, before = self._held.get(event.room, (0.0, 0))
        self._held[event.room] = (
            self._timer() + RETRY_SECONDS[min(before, len(RETRY_SECONDS) - 1)],
            before + 1,
        )
        if not before:
            self._tell(
                f"The plugin {self.plugin} can't go on in {self.name} at {event.seq} of {event.room} ({event.type}):"
                f" {type(error).__name__}: {error}. It tries again and again."
            )

    def _worked(self, started: float, seconds: float, events: Sequence[Event], wanted: int) -> None:
        if wanted:
            self._ran(started, None)
        for room in {event.room for event in events}:
            if self._held.pop(room, None) is not None:
                self._tell(f"The plugin {self.plugin} goes on in {self.name} in {room}.")
        if self._singly:
            self._singly -= 1
            return
        fitting = int(self._size * WRITER_SECONDS / max(seconds, 1e-6))
        # Slowly up: what one event costs says little of the next.
        self._size = max(1, min(MOST, 2 * self._size, fitting))

    async def _progress(self, count: int) -> None:
        self._read += count
        now = time.monotonic()
        if now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            left = await self.behind()
            if left > MOST:
                log.info(
                    "plugin %s: %s has read %s events, %s are left",
                    *(self.plugin, self.name, f"{self._read:,.0f}", f"{left:,}"),
                )
