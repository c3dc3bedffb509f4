"""What servers of a cluster compare with what they hold in memory. Each takes a connection."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from ..model.values import RoomPosition
from . import schema as s
from .rows import position_of


def positions(conn: Connection, rooms: Collection[str]) -> list[tuple[str, RoomPosition]]:
    """How far these rooms have come."""
    query = select(s.room.c.name, s.room.c.head, s.room.c.messages, s.room.c.version)
    return [(row.name, position_of(row)) for row in conn.execute(query.where(s.room.c.name.in_(rooms)))]


def memberships(conn: Connection, users: Collection[str]) -> dict[str, set[str]]:
    """The names of the rooms that these users are in, by the user's id."""
    query = select(s.member.c.user_id, s.room.c.name).join(s.room, s.room.c.id == s.member.c.room_id)
    found: dict[str, set[str]] = {user_id: set() for user_id in users}
    for user_id, room in conn.execute(query.where(s.member.c.user_id.in_(users))):
        found[user_id].add(room)
    return found
