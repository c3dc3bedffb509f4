"""What the database has of one user besides their messages: found, counted, and rewritten. Each takes a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, delete, func, or_, select, update

from ..model.values import User
from . import schema as s
from .erasing import note_erased
from .message_ids import message_id, place_of
from .rows import pack

Place = tuple[int, int]
"""A room's number, and a seq in it."""
SAYING_ACTIONS = ("login", "login_refused", "room_changed")
"""The entries that say in ``detail`` from where a user came, or what they wrote."""


class Traces(msgspec.Struct, frozen=True):
    """How much there is of a user: messages, how many of them have files, messages of others that name them, and
    entries of the audit log."""

    messages: int
    files: int
    mentions: int
    audit: int


def _texts(user_id: str) -> tuple[Any, ...]:
    """Which messages are the user's: what they wrote, and what programs wrote to them alone."""
    programs = select(s.user.c.id).where(s.user.c.bot.is_not(None))
    alone = and_(s.room.c.kind == "direct", s.room.c.name.contains(user_id, autoescape=True))
    log = s.log.c
    return (
        log.type == "message",
        log.deleted.is_(None),
        or_(log.user_id == user_id, and_(alone, log.user_id.in_(programs))),
    )


def traces(conn: Connection, user_id: str) -> Traces:
    """Count it."""
    audit = s.audit.c
    query = select(func.count(), func.count(s.log.c.attachments)).join(s.room, s.room.c.id == s.log.c.room_id)
    messages, files = conn.execute(query.where(*_texts(user_id))).one()
    named = select(func.count()).where(s.mention.c.user_id == user_id)
    noted = select(func.count()).where(or_(audit.by_id == user_id, audit.target_id == user_id))
    return Traces(messages, files, conn.execute(named).scalar() or 0, conn.execute(noted).scalar() or 0)


def texts(conn: Connection, user_id: str, after: Place, most: int) -> list[tuple[Place, str, str]]:
    """A page of the user's messages: where, the id, and the room's name. The first one is after (0, 0)."""
    log: Any = s.log.c
    room, seq = after
    query = (
        select(log.room_id, log.seq, log.old_id, s.room.c.name)
        .join(s.room, s.room.c.id == log.room_id)
        .where(*_texts(user_id), or_(log.room_id > room, and_(log.room_id == room, log.seq > seq)))
        .order_by(log.room_id, log.seq)
        .limit(most)
    )
    rows = conn.execute(query)
    return [((r.room_id, r.seq), r.old_id or message_id(r.room_id, r.seq), r.name) for r in rows]


def naming(conn: Connection, user_id: str, most: int) -> list[str]:
    """The ids of messages that name the user after an ``@``."""
    mention = s.mention.c
    query = (
        select(mention.room_id, mention.message_seq, s.log.c.old_id)
        .join(s.log, and_(s.log.c.room_id == mention.room_id, s.log.c.seq == mention.message_seq))
        .where(mention.user_id == user_id)
        .order_by(mention.room_id, mention.message_seq)
        .limit(most)
    )
    return [row.old_id or message_id(row.room_id, row.message_seq) for row in conn.execute(query)]


def named_beside(conn: Connection, message: str, user_id: str) -> tuple[str, ...]:
    """The ids of the other users whom a message names."""
    mention, place = s.mention.c, place_of(message)
    if place is None:
        query = select(s.log.c.room_id, s.log.c.seq).where(s.log.c.old_id == message)
        place = tuple(conn.execute(query).one())
    here = mention.room_id == place[0], mention.message_seq == place[1], mention.user_id != user_id
    return tuple(conn.execute(select(mention.user_id).where(*here)).scalars())


def told_of(
    conn: Connection, user_id: str, after: Place, most: int
) -> list[tuple[Place, str, dict[str, Any]]]:
    """A page of the events of rooms and members that the user caused or was the target of: where, which, their data."""
    log: Any = s.log.c
    room, seq = after
    query = (
        select(log.room_id, log.seq, log.type, log.data)
        .where(
            or_(log.type == "member", log.type == "room"),
            or_(log.user_id == user_id, log.data.contains(f'"id":"{user_id}"', autoescape=True)),
            or_(log.room_id > room, and_(log.room_id == room, log.seq > seq)),
        )
        .order_by(log.room_id, log.seq)
        .limit(most)
    )
    rows = conn.execute(query)
    return [((r.room_id, r.seq), r.type, msgspec.json.decode(r.data) if r.data else {}) for r in rows]


def rewrite(conn: Connection, changed: Mapping[Place, dict[str, Any]]) -> None:
    """Write other data of events."""
    note_erased(conn)
    for (room_id, seq), data in changed.items():
        where = s.log.c.room_id == room_id, s.log.c.seq == seq
        conn.execute(update(s.log).where(*where).values(data=pack(data)))


def rename_in_audit(conn: Connection, user: User, alias: str) -> None:
    """Let the audit log know a user by another name, without what their sign-ins say of addresses."""
    note_erased(conn)
    c = s.audit.c
    own = or_(c.by_id == user.id, c.target_id == user.id)
    for row in conn.execute(select(s.audit).where(own)).all():
        values = {column: getattr(row, column) for column in ("reason", "detail")}
        for name in sorted({user.name, user.display_name}, key=len, reverse=True):
            values = {column: text.replace(name, alias) for column, text in values.items()}
        if row.action in SAYING_ACTIONS:
            values["detail"] = ""
        if row.by_id == user.id:
            values["by_name"] = alias
        if row.target_id == user.id:
            values["target_name"] = alias
        conn.execute(update(s.audit).where(c.id == row.id).values(**values))


def drop_rest(conn: Connection, user_id: str) -> None:
    """Delete what was kept for the user alone: read marks, mentions, sanctions."""
    note_erased(conn)
    for table in (s.read_mark, s.mention, s.sanction):
        conn.execute(delete(table).where(table.c.user_id == user_id))
