"""What a client missed while it was away: sent room by room, before each goes live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from ..chat.access import without_hidden
from ..chat.services import Services
from ..delivery.session import Session
from ..model.values import Event
from ..protocol import events as wire
from ..protocol import requests
from ..store import queries as reading
from ..store import room_lists

PACE_BYTES = 64 * 1024


class Resume:
    """Reads what was said since a client's cursors."""

    def __init__(self, services: Services) -> None:
        self._rooms = services.rooms
        self._access = services.access
        self._store = services.store
        self._sessions = services.sessions
        self._sizes = services.sizes

    @property
    def epoch(self) -> str:
        """Which log it is; cursors of another one mean nothing."""
        return self._store.epoch

    def cursors(self, hello: requests.Hello, listed: list[room_lists.Membership]) -> dict[str, int]:
        """The rooms to catch up with. Another epoch, or a cursor beyond the head: that log is not this one."""
        if hello.resume is None or hello.resume.epoch != self.epoch:
            return {}
        cursors = {}
        for entry in listed:
            cursor = hello.resume.rooms.get(entry.room.name)
            if cursor is not None and cursor < self._head(entry):
                cursors[entry.room.name] = cursor
        return cursors

    def _head(self, entry: room_lists.Membership) -> int:
        live = self._rooms.loaded(entry.room.name)
        return live.position.seq if live is not None else entry.position.seq

    async def catch_up(self, session: Session, cursors: Mapping[str, int]) -> None:
        """Send what was missed in each room, and go live in it."""
        left = self._sizes.resume_all
        for name, cursor in cursors.items():
            left -= await self._catch_up(session, name, cursor, left)

    async def _catch_up(self, session: Session, name: str, cursor: int, left: int) -> int:
        """Send what was missed in one room and go live; the number of events sent.

        A user who is removed meanwhile gets nothing more.
        """
        live = await self._rooms.get(name)
        if name not in session.rooms:
            return 0
        floor = await self._access.visible_after(session.user, live)
        if live.position.seq - cursor > min(self._sizes.resume_room, left) or cursor < floor:
            self._sessions.go_live(session, name)
            session.connection.send(wire.gap(name, cursor + 1, live.position.seq))
            return 0
        sent = 0
        while not session.connection.closed:
            live = await self._rooms.get(name)
            # In the same turn as this comparison: whatever is published later, the session hears live.
            if cursor >= live.position.seq:
                self._sessions.go_live(session, name)
                break
            events = await self._store.read(
                partial(reading.events_after, room=name, after=cursor, limit=self._sizes.resume_page)
            )
            if name not in session.rooms:
                break
            # What another server committed may be in the log before it is published here.
            head = (await self._rooms.get(name)).position.seq
            events = [event for event in events if event.seq <= head]
            if not events:
                continue
            await self._send_paced(session, without_hidden(events, session.user, floor))
            cursor, sent = events[-1].seq, sent + len(events)
        return sent

    async def _send_paced(self, session: Session, events: Sequence[Event]) -> None:
        """Send a page, so that no more than `PACE_BYTES` wait for a slow reader."""
        waiting = 0
        for event in events:
            payload = wire.durable(event)
            session.connection.send(payload)
            waiting += len(payload)
            if waiting > PACE_BYTES:
                await session.connection.drained()
                waiting = 0
        await session.connection.drained()
