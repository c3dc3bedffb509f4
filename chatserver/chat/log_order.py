"""The order of a room's log where several servers append to it: what each of them committed, in one sequence.

What another server committed comes over the bus, which may lose, repeat and reorder. What is missing is read from the
log before anything that comes after it is delivered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from ..model.errors import Reject
from ..model.values import Event, Room, RoomPosition
from ..store import Store
from ..store.changes import RoomState
from ..store.queries import events_after, room_state

log = logging.getLogger(__name__)

GRACE_SECONDS = 0.05
"""So long what is missing may be on its way, before the log is read."""
PAGE = 500
AGAIN_SECONDS = 1.0
"""Before a log that could not be read is read again."""

Run = Callable[[], None]


class Followed(Protocol):
    """A room in memory. ``position`` is that of the last event that was delivered here, with the version of the state
    that is held here."""

    room: Room
    position: RoomPosition

    def adopt(self, state: RoomState) -> None:
        """Take over a newer state, but for the position."""

    def take_from_log(self, event: Event) -> None:
        """Deliver the next event, which another server committed."""

    def settle(self, state: RoomState) -> None:
        """All of the log up to ``state`` is delivered: let its sessions be those of its members."""


class LogOrder:
    """Keeps what is committed to one room until its turn has come."""

    def __init__(self, live: Followed, store: Store, clock: Callable[[], float]) -> None:
        self._live = live
        self._store = store
        self._clock = clock
        self._events: dict[int, Run] = {}
        """What delivers an event, by its seq."""
        self._others: list[tuple[int, Run]] = []
        """What takes no seq, and the one after which it comes."""
        self._reading: asyncio.Task[None] | None = None
        self._grace: asyncio.TimerHandle | None = None
        self._wanted = RoomPosition()
        """What is known to be there."""
        self._then: list[Run] = []
        """What waits until nothing is missing."""

    @property
    def waits(self) -> bool:
        """Whether something waits for what is missing before it."""
        return bool(self._events or self._others or self._reading)

    @property
    def behind(self) -> int:
        """How many events are known to be in the log that were not delivered here."""
        last = max(self._wanted.seq, max(self._events, default=0))
        return max(0, last - self._live.position.seq)

    def put(self, position: RoomPosition, is_event: bool, run: Run) -> None:
        """Something was committed as ``position``: ``run`` delivers it, and moves the room on. What is there already is
        left out."""
        if is_event:
            if position.seq <= self._live.position.seq:
                return
            self._events.setdefault(position.seq, run)
        else:
            self._others.append((position.seq, run))
        self._drain()
        self._fill(GRACE_SECONDS)
        self._run_then()

    def known(self, position: RoomPosition, *, grace: float = 0.0) -> None:
        """The log is known to reach so far, with a state of this version: read it if that was not heard."""
        self._wanted = RoomPosition(
            max(self._wanted.seq, position.seq), 0, max(self._wanted.version, position.version)
        )
        self._fill(grace)

    def when_at(self, position: RoomPosition, run: Run) -> None:
        """Call ``run`` once the room is so far."""
        self._then.append(run)
        self.known(position)
        self._run_then()

    async def reach(self, position: RoomPosition) -> None:
        """Wait until the room is so far."""
        at = self._live.position
        if position.seq <= at.seq and position.version <= at.version:
            return
        reached = asyncio.Event()
        self.when_at(position, reached.set)
        await reached.wait()

    def stop(self) -> None:
        """The room is unloaded, or the server stops."""
        if self._reading is not None:
            self._reading.cancel()
        if self._grace is not None:
            self._grace.cancel()
        then, self._then = self._then, []
        for run in then:
            run()

    def _missing(self) -> bool:
        at = self._live.position
        return bool(
            self._events or self._others or at.seq < self._wanted.seq or at.version < self._wanted.version
        )

    def _fill(self, grace: float) -> None:
        """See to it that what is missing comes: from the bus within ``grace``, or from the log."""
        if not self._missing() or self._reading is not None:
            return
        if self._grace is not None:
            if grace:
                return
            self._grace.cancel()
            self._grace = None
        if grace:
            self._grace = asyncio.get_running_loop().call_later(grace, self._read_if_missing)
        else:
            self._begin_to_read()

    def _read_if_missing(self) -> None:
        self._grace = None
        if self._missing() and self._reading is None:
            self._begin_to_read()

    def _begin_to_read(self) -> None:
        self._reading = asyncio.get_running_loop().create_task(self._read())

    def _drain(self) -> None:
        """Deliver all whose turn it is."""
        while True:
            seq = self._live.position.seq
            ready = [run for after, run in self._others if after <= seq]
            if ready:
                self._others = [other for other in self._others if other[0] > seq]
                for run in ready:
                    run()
            following = self._events.pop(seq + 1, None)
            if following is None:
                break
            following()
        if self._events and min(self._events) <= self._live.position.seq:
            self._events = {seq: run for seq, run in self._events.items() if seq > self._live.position.seq}

    async def _read(self) -> None:
        """Read the log from where the room is, to its end."""
        try:
            while not await self._page():
                pass
        finally:
            self._reading = None
        # What came meanwhile, and is not in what was read.
        self._fill(GRACE_SECONDS)
        self._run_then()

    async def _page(self) -> bool:
        """Read and deliver a page; whether it was the last."""
        name, after, now = self._live.room.name, self._live.position.seq, self._clock()
        wanted = self._wanted
        try:
            events, state = await self._store.read(
                lambda conn: (events_after(conn, name, after, PAGE), room_state(conn, name, now))
            )
            if state is not None:
                self._take(events, state)
        except Reject as refusal:
            log.debug("what is missing in %s can't be read: %s", name, refusal)
            await asyncio.sleep(AGAIN_SECONDS)
            return False
        except Exception:
            log.exception("what another server has committed could not be taken over in %s", name)
            await asyncio.sleep(AGAIN_SECONDS)
            return False
        if len(events) == PAGE:
            return False
        if self._wanted == wanted:
            self._wanted = RoomPosition()
        return True

    def _take(self, events: list[Event], state: RoomState) -> None:
        live = self._live
        if state.position.version > live.position.version:
            live.adopt(state)
        for event in events:
            if event.seq <= live.position.seq:
                continue
            own = self._events.pop(event.seq, None)
            if own is not None:
                own()
            else:
                live.take_from_log(event)
            self._drain()
        if len(events) < PAGE:
            live.settle(state)

    def _run_then(self) -> None:
        if self._then and self._reading is None and not self._missing():
            then, self._then = self._then, []
            for run in then:
                run()
