"""What users wish of rooms: which conversations are hidden, and invitations that wait for their answer."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, delete, exists, insert, select

from ..model.people import Invitation
from ..model.values import User
from . import schema as s
from .accounts import user_by_id
from .rows import room_of, user_columns, user_of

MOST_INVITATIONS = 100
"""So many a user sees at once, the newest."""


def _number(conn: Connection, room: str) -> int | None:
    return conn.execute(select(s.room.c.id).where(s.room.c.name == room)).scalar()


def hide(conn: Connection, user_id: str, room: str, on: bool) -> bool:
    """Hide a room from a user's list until its next message, or show it; whether that changed anything."""
    found = conn.execute(select(s.room.c.id, s.room.c.messages).where(s.room.c.name == room)).first()
    if found is None:
        return False
    c = s.user_hidden_room.c
    dropped = conn.execute(delete(s.user_hidden_room).where(c.user_id == user_id, c.room_id == found.id))
    if on:
        values = {"user_id": user_id, "room_id": found.id, "messages": found.messages}
        conn.execute(insert(s.user_hidden_room).values(**values))
    return on or dropped.rowcount > 0


def share_a_room(conn: Connection, user_id: str, other_id: str) -> bool:
    """Whether two users are in one room."""
    other = s.member.alias("other")
    both = (
        select(s.member.c.room_id)
        .join(other, other.c.room_id == s.member.c.room_id)
        .where(s.member.c.user_id == user_id, other.c.user_id == other_id)
    )
    return conn.execute(both.limit(1)).first() is not None


def add_invitation(conn: Connection, user_id: str, room: str, by_id: str, now: float) -> None:
    """Ask a user to come into a room; in the place of an earlier time that they were asked."""
    drop_invitation(conn, user_id, room)
    number = _number(conn, room)
    if number is not None:
        values = {"room_id": number, "user_id": user_id, "by_id": by_id, "ts": now}
        conn.execute(insert(s.room_invitation).values(**values))


def drop_invitation(conn: Connection, user_id: str, room: str) -> User | None:
    """Take an invitation away; the user who had asked, None where there was none."""
    c = s.room_invitation.c
    number = _number(conn, room)
    where = c.room_id == number, c.user_id == user_id
    by = conn.execute(select(c.by_id).where(*where)).scalar()
    conn.execute(delete(s.room_invitation).where(*where))
    return user_by_id(conn, by) if by is not None else None


def invitations(conn: Connection, user_id: str) -> list[Invitation]:
    """Those that wait for a user's answer, the newest first; not for rooms that they are in by now."""
    c, by = s.room_invitation.c, s.user.alias("by")
    inside = exists().where(s.member.c.room_id == c.room_id, s.member.c.user_id == c.user_id)
    columns: list[Any] = [s.room.c.name, s.room.c.settings, *user_columns(by, "user_"), c.ts]
    query = (
        select(*columns)
        .join(s.room, s.room.c.id == c.room_id)
        .join(by, by.c.id == c.by_id)
        .where(and_(c.user_id == user_id, ~inside))
        .order_by(c.ts.desc(), c.room_id)
        .limit(MOST_INVITATIONS)
    )
    return [Invitation(room_of(row), user_of(row), row.ts) for row in conn.execute(query)]
