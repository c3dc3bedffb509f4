"""Queries on the log, rooms and memberships. Each takes a connection and returns values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, or_, select

from ..model.values import Event, Member, Message, Room, RoomPosition, RoomRole, User
from . import schema as s
from .compiled_statement import CompiledStatement
from .rows import BY, event_of, message_of, room_of, user_of

TIMELINE = ("message", "room", "member")
"""The types of event that people page through; the rest only changes what these show."""

_TEXTS = ("message", "edited")
"""The types of event that carry a message's text."""

_author = s.user.alias("author")

_message_columns = [column.label(f"m_{column.name}") for column in s.message.c] + [
    _author.c.id.label("author_id"),
    _author.c.name.label("author_name"),
    _author.c.display_name.label("author_display_name"),
    _author.c.role.label("author_role"),
]
_user_columns = [
    s.user.c.id.label("user_id"),
    s.user.c.name.label("user_name"),
    s.user.c.display_name.label("user_display_name"),
    s.user.c.role.label("user_role"),
]


class RoomState(msgspec.Struct):
    """All of a room that its live keeps in memory. Sanctions: user id → until (infinity where it has no end).

    ``released`` are the ids of members whose names have gone to other users.
    """

    room: Room
    position: RoomPosition
    members: dict[str, Member]
    mutes: dict[str, float]
    bans: dict[str, float]
    released: frozenset[str] = frozenset()


class Membership(msgspec.Struct):
    """One of somebody's rooms, as ``welcome`` shows it."""

    room: Room
    position: RoomPosition
    role: RoomRole | None
    since: int
    read: int
    unread: int
    mentions: int
    members: int


def _events() -> Select[Any]:
    columns = [c for c in s.event.c if c.name not in ("user_id", "messages")]
    return (
        select(*columns, *_user_columns, *_message_columns)
        .join(s.user, s.user.c.id == s.event.c.user_id)
        .outerjoin(
            s.message,
            and_(s.message.c.id == s.event.c.message_id, or_(*(s.event.c.type == type for type in _TEXTS))),
        )
        .outerjoin(_author, _author.c.id == s.message.c.user_id)
    )


_EVENTS = _events()
_EVENTS_AFTER = CompiledStatement(
    _EVENTS.where(s.event.c.room == bindparam("in_room"), s.event.c.seq > bindparam("after"))
    .order_by(s.event.c.seq)
    .limit(bindparam("most"))
)
_END = 2**62
"""A seq beyond all others."""
_TIMELINE = _EVENTS.where(
    s.event.c.room == bindparam("in_room"),
    s.event.c.seq > bindparam("after"),
    s.event.c.seq < bindparam("before"),
    or_(*(s.event.c.type == type for type in TIMELINE)),
).limit(bindparam("most"))
_NEWER = CompiledStatement(_TIMELINE.order_by(s.event.c.seq))
_OLDER = CompiledStatement(_TIMELINE.order_by(s.event.c.seq.desc()))
_EVENT_AT = CompiledStatement(
    _EVENTS.where(s.event.c.room == bindparam("in_room"), s.event.c.seq == bindparam("at"))
)
_MESSAGE = CompiledStatement(
    select(*_message_columns)
    .join(_author, _author.c.id == s.message.c.user_id)
    .where(s.message.c.id == bindparam("message"))
)


def events_after(conn: Connection, room: str, after: int, limit: int) -> list[Event]:
    """The log behind ``after``, every seq, ascending, ``limit`` at most."""
    return [event_of(row) for row in _EVENTS_AFTER.all(conn, in_room=room, after=after, most=limit)]


def event_at(conn: Connection, room: str, seq: int) -> Event | None:
    """One log entry."""
    row = _EVENT_AT.first(conn, in_room=room, at=seq)
    return event_of(row) if row is not None else None


def timeline(
    conn: Connection,
    room: str,
    floor: int,
    limit: int,
    *,
    before: int | None = None,
    after: int | None = None,
    around: int | None = None,
) -> tuple[list[Event], bool]:
    """A page of what people read, ascending, all above ``floor``; and whether there is more in that direction.

    ``around`` takes half a page on each side; "more" then means older ones.
    """
    if around is not None:
        newer, _ = _newer(conn, room, max(floor, around), limit // 2)
        older, more = _older(conn, room, floor, around + 1, limit - limit // 2)
        return older + newer, more
    if after is not None:
        return _newer(conn, room, max(floor, after), limit)
    return _older(conn, room, floor, _END if before is None else before, limit)


def _newer(conn: Connection, room: str, after: int, limit: int) -> tuple[list[Event], bool]:
    found = _NEWER.all(conn, in_room=room, after=after, before=_END, most=limit + 1)
    events = [event_of(row) for row in found]
    return events[:limit], len(events) > limit


def _older(conn: Connection, room: str, after: int, before: int, limit: int) -> tuple[list[Event], bool]:
    found = _OLDER.all(conn, in_room=room, after=after, before=before, most=limit + 1)
    events = [event_of(row) for row in found]
    return events[:limit][::-1], len(events) > limit


def message(conn: Connection, message_id: str) -> Message | None:
    """A message as it is now."""
    row = _MESSAGE.first(conn, message=message_id)
    return message_of(row) if row is not None else None


_SENT_BEFORE = CompiledStatement(
    select(s.message.c.id, s.message.c.seq, s.message.c.ts, s.message.c.request_hash).where(
        s.message.c.room == bindparam("in_room"),
        s.message.c.user_id == bindparam("user"),
        s.message.c.nonce == bindparam("sent_as"),
    )
)


def sent_before(conn: Connection, room: str, user_id: str, nonce: str) -> tuple[str, int, float, str] | None:
    """What became of this nonce: message id, seq, ts and request hash; None if it is new."""
    row = _SENT_BEFORE.first(conn, in_room=room, user=user_id, sent_as=nonce)
    return (row.id, row.seq, row.ts, row.request_hash) if row is not None else None


_ROOM = CompiledStatement(select(s.room).where(s.room.c.name == bindparam("in_room")))
_ROOM_MEMBERS = CompiledStatement(
    select(s.member.c.role, s.member.c.since, s.user.c.name_key, *_user_columns)
    .join(s.user, s.user.c.id == s.member.c.user_id)
    .where(s.member.c.room == bindparam("in_room"))
)
_ROOM_SANCTIONS = CompiledStatement(
    select(s.sanction.c.user_id, s.sanction.c.kind, s.sanction.c.until).where(
        s.sanction.c.room == bindparam("in_room")
    )
)


def room_state(conn: Connection, name: str, now: float) -> RoomState | None:
    """A room with its members, mutes and bans."""
    row = _ROOM.first(conn, in_room=name)
    if row is None:
        return None
    found = _ROOM_MEMBERS.all(conn, in_room=name)
    members = {r.user_id: Member(user_of(r), r.role, r.since) for r in found}
    released = frozenset(r.user_id for r in found if r.name_key is None)
    mutes: dict[str, float] = {}
    bans: dict[str, float] = {}
    for r in _ROOM_SANCTIONS.all(conn, in_room=name):
        until = r.until or float("inf")
        if until > now:
            (mutes if r.kind == "mute" else bans)[r.user_id] = until
    return RoomState(room_of(row), RoomPosition(row.head, row.messages), members, mutes, bans, released)


def bans(conn: Connection, room: str, now: float) -> list[tuple[Any, ...]]:
    """The bans in force, as (user, by, reason, until)."""
    by = s.user.alias("by")
    query = (
        select(
            *_user_columns,
            by.c.id.label("by_id"),
            by.c.name.label("by_name"),
            by.c.display_name.label("by_display_name"),
            by.c.role.label("by_role"),
            s.sanction.c.reason,
            s.sanction.c.until,
        )
        .join(s.user, s.user.c.id == s.sanction.c.user_id)
        .join(by, by.c.id == s.sanction.c.by_id)
        .where(
            s.sanction.c.room == room,
            s.sanction.c.kind == "ban",
            or_(s.sanction.c.until == 0, s.sanction.c.until > now),
        )
        .order_by(s.user.c.name)
    )
    return [(user_of(r), user_of(r, BY), r.reason, r.until) for r in conn.execute(query)]


def _member_count() -> Any:
    counted = s.member.alias("counted")
    return select(func.count()).where(counted.c.room == s.room.c.name).scalar_subquery().label("member_count")


def _memberships() -> Select[Any]:
    user_id: BindParameter[str] = bindparam("user")
    mentions = (
        select(func.count())
        .where(
            s.mention.c.user_id == user_id,
            s.mention.c.room == s.room.c.name,
            s.mention.c.seq > func.coalesce(s.read_mark.c.seq, s.member.c.since),
        )
        .scalar_subquery()
    )
    return (
        select(
            s.room,
            s.member.c.role,
            s.member.c.since,
            func.coalesce(s.read_mark.c.seq, s.member.c.since).label("read"),
            func.coalesce(s.read_mark.c.messages, 0).label("read_messages"),
            mentions.label("mentions"),
            _member_count(),
        )
        .join(s.member, and_(s.member.c.room == s.room.c.name, s.member.c.user_id == user_id))
        .outerjoin(s.read_mark, and_(s.read_mark.c.room == s.room.c.name, s.read_mark.c.user_id == user_id))
        .order_by(s.room.c.name)
    )


def _public_rooms() -> Select[Any]:
    mine = select(s.member.c.room).where(s.member.c.user_id == bindparam("user"))
    return (
        select(s.room, _member_count())
        .where(s.room.c.kind == "public", s.room.c.archived.is_(False), s.room.c.name.not_in(mine))
        .order_by(s.room.c.messages.desc(), s.room.c.name)
        .limit(bindparam("most"))
    )


_MEMBERSHIPS = CompiledStatement(_memberships())
_PUBLIC_ROOMS = CompiledStatement(_public_rooms())


class RoomList(msgspec.Struct):
    """The rooms that somebody is shown: their own, public ones, and whom their direct rooms are with."""

    mine: list[Membership]
    public: list[Membership]
    partners: dict[str, User]


def room_list(conn: Connection, user_id: str, most_public: int) -> RoomList:
    """Somebody's rooms by name, and so many public ones that they are not in, the busiest first."""
    mine = _memberships_of(conn, user_id)
    direct = [entry.room.name for entry in mine if entry.room.kind == "direct"]
    partners = _direct_partners(conn, user_id, direct) if direct else {}
    return RoomList(mine, _public_rooms_for(conn, user_id, most_public), partners)


def _memberships_of(conn: Connection, user_id: str) -> list[Membership]:
    return [
        Membership(
            room_of(r),
            RoomPosition(r.head, r.messages),
            r.role,
            r.since,
            r.read,
            max(0, r.messages - r.read_messages),
            r.mentions,
            r.member_count,
        )
        for r in _MEMBERSHIPS.all(conn, user=user_id)
    ]


def _public_rooms_for(conn: Connection, user_id: str, limit: int) -> list[Membership]:
    return [
        Membership(room_of(r), RoomPosition(r.head, r.messages), None, r.head, r.head, 0, 0, r.member_count)
        for r in _PUBLIC_ROOMS.all(conn, user=user_id, most=limit)
    ]


def _direct_partners(conn: Connection, user_id: str, rooms: Sequence[str]) -> dict[str, User]:
    query = (
        select(s.member.c.room, *_user_columns)
        .join(s.user, s.user.c.id == s.member.c.user_id)
        .where(s.member.c.room.in_(rooms), s.member.c.user_id != user_id)
    )
    return {row.room: user_of(row) for row in conn.execute(query)}


_MESSAGES_AT = CompiledStatement(
    select(s.event.c.messages)
    .where(s.event.c.room == bindparam("in_room"), s.event.c.seq <= bindparam("at"))
    .order_by(s.event.c.seq.desc())
    .limit(1)
)


def messages_at(conn: Connection, room: str, seq: int) -> int:
    """How many messages stood in the room at ``seq``: what a read mark stores."""
    row = _MESSAGES_AT.first(conn, in_room=room, at=seq)
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
