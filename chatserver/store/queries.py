"""Queries on the log and the state of rooms. Each takes a connection and returns values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select

from ..model.values import Event, Member, Message
from . import schema as s
from .changes import RoomState
from .compiled_statement import CompiledStatement
from .message_ids import place_of
from .rows import BY, event_of, message_of, position_of, room_of, user_columns, user_of

LAST_WORDS = 5000
"""So far back it is looked who wrote last, for slow mode."""
TIMELINE = ("message", "room", "member")
"""The types of event that people page through; the rest only changes what these show."""

_target = s.log.alias("target")
_author = s.user.alias("author")

_user_columns = user_columns(s.user, "user_")


def _message_columns() -> list[Any]:
    """A message's columns, from the event's own row or from that which it is about; only one of them has any."""
    names = (
        "ts", "kind", "content", "html", "nonce", "reply_to", "attachments", "extras", "rev", "edited_at", "deleted",
        "old_id", "plugin", "display_name", "actions",
    )  # fmt: skip
    return [
        *(func.coalesce(_target.c[name], s.log.c[name]).label(f"m_{name}") for name in names),
        func.coalesce(s.log.c.target_seq, s.log.c.seq).label("m_seq"),
        *user_columns(_author, "author_"),
    ]


def room_id(name: str = "in_room") -> Any:
    """The number of the room whose name is the parameter ``name``."""
    return select(s.room.c.id).where(s.room.c.name == bindparam(name)).scalar_subquery()


def _events() -> Select[Any]:
    return (
        select(
            s.log.c.room_id, s.log.c.seq, s.log.c.type, s.log.c.ts, s.log.c.target_seq, s.log.c.data,
            *_user_columns, *_message_columns(),
        )
        .join(s.user, s.user.c.id == s.log.c.user_id)
        .outerjoin(_target, and_(_target.c.room_id == s.log.c.room_id, _target.c.seq == s.log.c.target_seq))
        .outerjoin(_author, _author.c.id == _target.c.user_id)
    )  # fmt: skip


_EVENTS = _events()
_EVENTS_OF = _EVENTS.where(s.log.c.room_id == room_id())
_EVENTS_AFTER = CompiledStatement(
    _EVENTS_OF.where(s.log.c.seq > bindparam("after")).order_by(s.log.c.seq).limit(bindparam("most"))
)
_END = 2**62
"""A seq beyond all others."""
_TIMELINE = _EVENTS_OF.where(
    s.log.c.seq > bindparam("after"),
    s.log.c.seq < bindparam("before"),
    or_(*(s.log.c.type == type for type in TIMELINE)),
).limit(bindparam("most"))
_NEWER = CompiledStatement(_TIMELINE.order_by(s.log.c.seq))
_OLDER = CompiledStatement(_TIMELINE.order_by(s.log.c.seq.desc()))
_EVENT_AT = CompiledStatement(_EVENTS_OF.where(s.log.c.seq == bindparam("at")))
_IN_ROOM = (
    _EVENTS.add_columns(s.room.c.name.label("room_name"))
    .join(s.room, s.room.c.id == s.log.c.room_id)
    .where(s.log.c.type == "message")
)
_MESSAGE = CompiledStatement(
    # An old message has its old id alone.
    _IN_ROOM.where(
        s.log.c.room_id == bindparam("number"), s.log.c.seq == bindparam("at"), s.log.c.old_id.is_(None)
    )
)
_OLD_MESSAGE = CompiledStatement(_IN_ROOM.where(s.log.c.old_id == bindparam("id")))


def events_after(conn: Connection, room: str, after: int, limit: int) -> list[Event]:
    """The log after ``after``, every seq, ascending, ``limit`` at most."""
    return [event_of(row, room) for row in _EVENTS_AFTER.all(conn, in_room=room, after=after, most=limit)]


def event_at(conn: Connection, room: str, seq: int) -> Event | None:
    """One event of the log."""
    row = _EVENT_AT.first(conn, in_room=room, at=seq)
    return event_of(row, room) if row is not None else None


def newer(conn: Connection, room: str, after: int, limit: int) -> tuple[list[Event], bool]:
    """What people read after ``after``, ascending, ``limit`` at most; and whether there is more."""
    found = _NEWER.all(conn, in_room=room, after=after, before=_END, most=limit + 1)
    events = [event_of(row, room) for row in found]
    return events[:limit], len(events) > limit


def older(
    conn: Connection, room: str, after: int, before: int | None, limit: int
) -> tuple[list[Event], bool]:
    """The newest of what people read before ``before``, all of it without, ascending, ``limit`` at most; and whether
    there is more after ``after``."""
    end = _END if before is None else before
    found = _OLDER.all(conn, in_room=room, after=after, before=end, most=limit + 1)
    events = [event_of(row, room) for row in found]
    return events[:limit][::-1], len(events) > limit


def message(conn: Connection, message_id: str) -> Message | None:
    """A message as it is now."""
    place = place_of(message_id)
    if place is not None:
        row = _MESSAGE.first(conn, number=place[0], at=place[1])
    else:
        row = _OLD_MESSAGE.first(conn, id=message_id)
    return message_of(row, row.room_name) if row is not None else None


_SENT_BEFORE = CompiledStatement(
    select(s.log.c.seq, s.log.c.request_hash).where(
        s.log.c.room_id == room_id(),
        s.log.c.user_id == bindparam("user"),
        s.log.c.nonce == bindparam("sent_as"),
    )
)


def sent_before(conn: Connection, room: str, user_id: str, nonce: str) -> tuple[int, str] | None:
    """What became of this nonce: the message's seq and request hash; None if it is new."""
    row = _SENT_BEFORE.first(conn, in_room=room, user=user_id, sent_as=nonce)
    return (row.seq, row.request_hash) if row is not None else None


_ROOM = CompiledStatement(select(s.room).where(s.room.c.name == bindparam("in_room")))
_ROOM_MEMBERS = CompiledStatement(
    select(s.member.c.role, s.member.c.since, s.user.c.name_key, *_user_columns)
    .join(s.user, s.user.c.id == s.member.c.user_id)
    .where(s.member.c.room_id == bindparam("number"))
)
_ROOM_SANCTIONS = CompiledStatement(
    select(s.sanction.c.user_id, s.sanction.c.kind, s.sanction.c.until).where(
        s.sanction.c.room_id == bindparam("number")
    )
)


def room_state(conn: Connection, name: str, now: float) -> RoomState | None:
    """A room with its members, mutes and bans."""
    row = _ROOM.first(conn, in_room=name)
    if row is None:
        return None
    found = _ROOM_MEMBERS.all(conn, number=row.id)
    members = {r.user_id: Member(user_of(r), r.role, r.since) for r in found}
    released = frozenset(r.user_id for r in found if r.name_key is None)
    mutes: dict[str, float] = {}
    bans: dict[str, float] = {}
    for r in _ROOM_SANCTIONS.all(conn, number=row.id):
        until = r.until or float("inf")
        if until > now:
            (mutes if r.kind == "mute" else bans)[r.user_id] = until
    room = room_of(row)
    spoke = _last_words(conn, row.id, row.head, now - room.slow_mode) if room.slow_mode else {}
    return RoomState(room, position_of(row), members, mutes, bans, released, spoke, row.floor)


def _last_words(conn: Connection, room_id: int, head: int, since: float) -> dict[str, float]:
    """When each user last wrote, of those who wrote since then."""
    log = s.log.c
    query = select(log.user_id, func.max(log.ts)).where(
        log.room_id == room_id, log.seq > head - LAST_WORDS, log.type == "message", log.ts > since
    )
    return dict(conn.execute(query.group_by(log.user_id)).all())


def bans(conn: Connection, room: str, now: float) -> list[tuple[Any, ...]]:
    """The bans in force, as (user, by, reason, until)."""
    by = s.user.alias("by")
    query = (
        select(
            *_user_columns,
            *user_columns(by, "by_"),
            s.sanction.c.reason,
            s.sanction.c.until,
        )
        .join(s.user, s.user.c.id == s.sanction.c.user_id)
        .join(by, by.c.id == s.sanction.c.by_id)
        .where(
            s.sanction.c.room_id == room_id(),
            s.sanction.c.kind == "ban",
            or_(s.sanction.c.until == 0, s.sanction.c.until > now),
        )
        .order_by(s.user.c.name)
    )
    return [(user_of(r), user_of(r, BY), r.reason, r.until) for r in conn.execute(query, {"in_room": room})]


_MESSAGES_AT = CompiledStatement(
    select(s.log.c.messages)
    .where(s.log.c.room_id == bindparam("number"), s.log.c.seq <= bindparam("at"))
    .order_by(s.log.c.seq.desc())
    .limit(1)
)


def messages_at(conn: Connection, room_id: int, seq: int) -> int:
    """How many messages were ever posted to the room up to ``seq``: what a read mark stores."""
    row = _MESSAGES_AT.first(conn, number=room_id, at=seq)
    return row.messages if row is not None else 0


def counts(conn: Connection) -> tuple[int, int]:
    """How many rooms there are (direct ones aside), and messages in all."""
    rooms = select(func.count()).where(s.room.c.kind != "direct")
    messages = select(func.coalesce(func.sum(s.room.c.messages), 0))
    return conn.execute(rooms).scalar() or 0, int(conn.execute(messages).scalar() or 0)


def missing_names(conn: Connection, names: Sequence[str]) -> list[str]:
    """Which of these rooms don't exist yet."""
    there = set(conn.execute(select(s.room.c.name).where(s.room.c.name.in_(names))).scalars())
    return [name for name in names if name not in there]
