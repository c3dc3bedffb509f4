"""The messages that mention a user, the newest first."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, and_, bindparam, func, or_, select

from ..model.values import Event
from . import schema as s
from .compiled_statement import CompiledStatement
from .queries import event_at


class Place(msgspec.Struct, frozen=True):
    """Where a mention stands among all of a user's: the time of the event that made it, its room and seq."""

    ts: float
    room_id: int
    seq: int


class Mention(msgspec.Struct, frozen=True):
    """A message, as its event, that mentions a user; ``read``: the user has read that far."""

    place: Place
    event: Event
    read: bool


_BEFORE = CompiledStatement(
    select(
        s.mention.c.room_id,
        s.mention.c.seq,
        s.mention.c.message_seq,
        s.log.c.ts,
        s.room.c.name,
        func.coalesce(s.read_mark.c.seq, s.member.c.since).label("read"),
    )
    .join(
        s.member,
        and_(s.member.c.room_id == s.mention.c.room_id, s.member.c.user_id == s.mention.c.user_id),
    )
    .join(s.room, s.room.c.id == s.mention.c.room_id)
    .join(s.log, and_(s.log.c.room_id == s.mention.c.room_id, s.log.c.seq == s.mention.c.seq))
    .outerjoin(
        s.read_mark,
        and_(s.read_mark.c.room_id == s.mention.c.room_id, s.read_mark.c.user_id == s.mention.c.user_id),
    )
    .where(
        s.mention.c.user_id == bindparam("user"),
        or_(
            s.log.c.ts < bindparam("ts"),
            and_(s.log.c.ts == bindparam("ts"), s.mention.c.room_id < bindparam("number")),
            and_(
                s.log.c.ts == bindparam("ts"),
                s.mention.c.room_id == bindparam("number"),
                s.mention.c.seq < bindparam("at"),
            ),
        ),
    )
    .order_by(s.log.c.ts.desc(), s.mention.c.room_id.desc(), s.mention.c.seq.desc())
    .limit(bindparam("most"))
)
END = Place(1e18, 2**31 - 1, 2**62)


def mentions_before(conn: Connection, user_id: str, before: Place, most: int) -> list[Mention]:
    """So many mentions of a user in rooms they are in, those just before ``before``."""
    rows = _BEFORE.all(conn, user=user_id, ts=before.ts, number=before.room_id, at=before.seq, most=most)
    found = []
    for row in rows:
        event = event_at(conn, row.name, row.message_seq)
        if event is not None:
            found.append(Mention(Place(row.ts, row.room_id, row.seq), event, row.seq <= row.read))
    return found
