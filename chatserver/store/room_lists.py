"""Which rooms a user is shown: the user's own with their counts, public ones, and the directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, select

from ..model.values import Room, RoomPosition, RoomRole, User
from . import schema as s
from .compiled_statement import CompiledStatement
from .rows import position_of, room_of, user_columns, user_of

_user_columns = user_columns(s.user, "user_")


class Membership(msgspec.Struct):
    """One of a user's rooms, as ``welcome`` shows it."""

    room: Room
    position: RoomPosition
    role: RoomRole | None
    read: int
    unread: int
    mentions: int
    members: int
    floor: int
    hidden: bool = False


def _member_count() -> Any:
    counted = s.member.alias("counted")
    return (
        select(func.count()).where(counted.c.room_id == s.room.c.id).scalar_subquery().label("member_count")
    )


def _memberships() -> Select[Any]:
    user_id: BindParameter[str] = bindparam("user")
    read = func.coalesce(s.read_mark.c.seq, s.member.c.since)
    mentions = select(func.count()).where(
        s.mention.c.user_id == user_id, s.mention.c.room_id == s.room.c.id, s.mention.c.seq > read
    )
    deleted = select(func.count()).where(
        s.log.c.room_id == s.room.c.id, s.log.c.seq > read, s.log.c.deleted.is_not(None)
    )
    hidden = and_(s.user_hidden_room.c.room_id == s.room.c.id, s.user_hidden_room.c.user_id == user_id)
    posted = s.room.c.messages - func.coalesce(s.read_mark.c.messages, 0)
    return (
        select(
            s.room,
            s.member.c.role,
            read.label("read"),
            (posted - deleted.scalar_subquery()).label("unread"),
            mentions.scalar_subquery().label("mentions"),
            _member_count(),
            s.user_hidden_room.c.messages.label("hidden_at"),
        )
        .outerjoin(s.user_hidden_room, hidden)
        .join(s.member, and_(s.member.c.room_id == s.room.c.id, s.member.c.user_id == user_id))
        .outerjoin(s.read_mark, and_(s.read_mark.c.room_id == s.room.c.id, s.read_mark.c.user_id == user_id))
        .order_by(s.room.c.name)
    )


def _public_rooms() -> Select[Any]:
    mine = select(s.member.c.room_id).where(s.member.c.user_id == bindparam("user"))
    order = s.room.c.messages.desc(), s.room.c.name
    # First which ones: of thousands of rooms no more is read or counted.
    busiest = (
        select(s.room.c.id)
        .where(s.room.c.listed.is_(True), s.room.c.id.not_in(mine))
        .order_by(*order)
        .limit(bindparam("most"))
    )
    return select(s.room, _member_count()).where(s.room.c.id.in_(busiest)).order_by(*order)


_MEMBERSHIPS = CompiledStatement(_memberships())
_PUBLIC_ROOMS = CompiledStatement(_public_rooms())


class RoomList(msgspec.Struct):
    """The rooms that a user is shown: the user's own, public ones, and the other user of each direct room."""

    mine: list[Membership]
    public: list[Membership]
    partners: dict[str, User]


def room_list(conn: Connection, user_id: str, most_public: int) -> RoomList:
    """A user's rooms by name, and so many public ones that the user is not in, the busiest first."""
    mine = [
        Membership(
            room_of(r),
            position_of(r),
            r.role,
            r.read,
            r.unread,
            r.mentions,
            r.member_count,
            r.floor,
            r.hidden_at is not None and r.messages <= r.hidden_at,
        )
        for r in _MEMBERSHIPS.all(conn, user=user_id)
    ]
    public = [
        Membership(room_of(r), position_of(r), None, r.head, 0, 0, r.member_count, r.floor)
        for r in _PUBLIC_ROOMS.all(conn, user=user_id, most=most_public)
    ]
    direct = [entry.room.name for entry in mine if entry.room.kind == "direct"]
    return RoomList(mine, public, _direct_partners(conn, user_id, direct) if direct else {})


class _Described(msgspec.Struct):
    """What a room's settings say of it in words."""

    title: str = ""
    topic: str = ""


def public_rooms(conn: Connection, user_id: str, search: str, after: str, most: int) -> list[Membership]:
    """So many public rooms by name, beginning after ``after``, whose name, title or topic has the text in it.

    Those that the user is in are among them. The counts and the read mark are left out.
    """
    wanted = search.casefold()
    there = select(s.room.c.name, s.room.c.settings).where(s.room.c.listed.is_(True), s.room.c.name > after)
    found = []
    # In words of any script, which the databases compare each in its own way.
    # JSON escapes these alone; of other texts the settings as they stand tell whether it is worth a closer look.
    escaped = any(char in '"\\' or not char.isprintable() for char in wanted)
    for name, settings in conn.execute(there.order_by(s.room.c.name)):
        if not escaped and wanted not in name.casefold() and wanted not in settings.casefold():
            continue
        words = msgspec.json.decode(settings, type=_Described)
        if any(wanted in text.casefold() for text in (name, words.title, words.topic)):
            found.append(name)
            if len(found) == most:
                break
    own = and_(s.member.c.room_id == s.room.c.id, s.member.c.user_id == user_id)
    query = (
        select(s.room, _member_count(), s.member.c.role)
        .outerjoin(s.member, own)
        .where(s.room.c.name.in_(found))
    )
    return [
        Membership(room_of(r), position_of(r), r.role, r.head, 0, 0, r.member_count, r.floor)
        for r in conn.execute(query.order_by(s.room.c.name))
    ]


def _direct_partners(conn: Connection, user_id: str, rooms: Sequence[str]) -> dict[str, User]:
    query = (
        select(s.room.c.name.label("room_name"), *_user_columns)
        .join(s.member, s.member.c.room_id == s.room.c.id)
        .join(s.user, s.user.c.id == s.member.c.user_id)
        .where(s.room.c.name.in_(rooms), s.member.c.user_id != user_id)
    )
    return {row.room_name: user_of(row) for row in conn.execute(query)}
