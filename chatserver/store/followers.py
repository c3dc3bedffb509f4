"""How far plugins have read the rooms' logs. Each function takes a connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, literal, select, update

from ..model.values import Event
from . import schema as s
from .queries import events_after

WHOLE = 0
"""The number of no room: the row that says that a follower has begun."""

_f = s.plugin_follower


class Place(msgspec.Struct):
    """A room, where its log ends, and up to where a follower has read it; ``stored`` is None before the first time.

    ``reached`` is how far it is where that is not stored yet."""

    room_id: int
    room: str
    head: int
    stored: int | None
    reached: int = 0

    @property
    def seq(self) -> int:
        return max(self.stored or 0, self.reached)


class Moved(Exception):
    """Another reader has moved the place."""


def begin(conn: Connection, plugin: str, name: str, at_the_end: bool) -> None:
    """Note that a follower begins, unless it has: at the start of all logs, or at the end of those there are."""
    own = _f.c.plugin == plugin, _f.c.name == name
    if conn.execute(select(_f.c.seq).where(*own, _f.c.room_id == WHOLE)).first() is not None:
        return
    conn.execute(insert(_f).values(plugin=plugin, name=name, room_id=WHOLE, seq=0))
    if at_the_end:
        ends = select(literal(plugin), literal(name), s.room.c.id, s.room.c.head)
        conn.execute(insert(_f).from_select(["plugin", "name", "room_id", "seq"], ends))


def restart(conn: Connection, plugin: str, name: str) -> None:
    """Let a follower begin again, at the start of all logs."""
    conn.execute(delete(_f).where(_f.c.plugin == plugin, _f.c.name == name, _f.c.room_id != WHOLE))


def places(conn: Connection, plugin: str, name: str, room: str | None = None) -> list[Place]:
    """Where a follower is in all rooms, or in one."""
    own = and_(_f.c.room_id == s.room.c.id, _f.c.plugin == plugin, _f.c.name == name)
    query = select(s.room.c.id, s.room.c.name, s.room.c.head, _f.c.seq).outerjoin(_f, own).select_from(s.room)
    if room is not None:
        query = query.where(s.room.c.name == room)
    return [Place(*row) for row in conn.execute(query)]


def read(conn: Connection, wanted: Iterable[tuple[str, int]], most: int) -> list[tuple[str, list[Event]]]:
    """The events after a seq in each of these rooms, ``most`` in all; rooms beyond that are left out."""
    found = []
    for room, after in wanted:
        if most <= 0:
            break
        events = events_after(conn, room, after, most)
        most -= len(events)
        found.append((room, events))
    return found


def move(conn: Connection, plugin: str, name: str, moves: Sequence[tuple[int, int | None, int]]) -> None:
    """Move places on: (room's number, from, to). Raises `Moved` where one is not there."""
    for room_id, before, after in moves:
        if before is None:
            there = select(_f.c.seq).where(_f.c.plugin == plugin, _f.c.name == name, _f.c.room_id == room_id)
            if conn.execute(there).first() is not None:
                raise Moved
            conn.execute(insert(_f).values(plugin=plugin, name=name, room_id=room_id, seq=after))
            continue
        where = _f.c.plugin == plugin, _f.c.name == name, _f.c.room_id == room_id, _f.c.seq == before
        if conn.execute(update(_f).where(*where).values(seq=after)).rowcount != 1:
            raise Moved


def behind(conn: Connection, plugin: str, name: str, rooms: frozenset[str] | None) -> int:
    """How many events a follower has still to read, in these rooms or in all."""
    own = and_(_f.c.room_id == s.room.c.id, _f.c.plugin == plugin, _f.c.name == name)
    total: Any = func.coalesce(func.sum(s.room.c.head - func.coalesce(_f.c.seq, 0)), 0)
    query = select(total).select_from(s.room.outerjoin(_f, own))
    if rooms is not None:
        query = query.where(s.room.c.name.in_(sorted(rooms)))
    return int(conn.execute(query).scalar_one())
