"""What is kept for a time only: which of it is too old, and its end."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from ..model.values import Event, Message, RoomSettings
from . import queries as reading
from . import schema as s
from .changes import Expire
from .messages import BLANK, blanked
from .rows import pack

EXPIRED = "expired"
"""A field of the event by which plugins are told."""
_settings = msgspec.json.Decoder(RoomSettings)


class Aged(msgspec.Struct, frozen=True):
    """A room in which something is older than it may get: so many messages, of which so many have files."""

    room: str
    days: int
    messages: int
    files: int


def expire(conn: Connection, room_id: int, room: str, ts: float, change: Expire) -> list[Event]:
    """Blank the messages of a room up to the new floor, with all that belongs to them; the events for plugins."""
    log, through = s.log.c, change.through
    before = conn.execute(select(s.room.c.floor).where(s.room.c.id == room_id)).scalar() or 0
    if through <= before:
        return []
    found = [
        event.message
        for event in reading.events_after(conn, room, before, through - before)
        if event.type == "message" and event.message is not None and not event.message.deleted
    ]
    here = log.room_id == room_id, log.seq > before, log.seq <= through
    conn.execute(update(s.log).where(*here, log.type == "message").values(**BLANK, display_name=None))
    # What was said of the room, and why it was done to whom; plugins' own events say nothing that people wrote.
    conn.execute(update(s.log).where(*here, log.type == "room").values(data=pack({"action": "changed"})))
    named = s.mention.c
    conn.execute(delete(s.mention).where(named.room_id == room_id, named.message_seq <= through))
    marks = s.read_mark.c
    messages = reading.messages_at(conn, room_id, through)
    behind = marks.room_id == room_id, marks.seq < through
    conn.execute(update(s.read_mark).where(*behind).values(seq=through, messages=messages))
    conn.execute(update(s.room).where(s.room.c.id == room_id).values(floor=through))
    return [_told(message, ts, change) for message in found]


def _told(message: Message, ts: float, change: Expire) -> Event:
    return Event(
        message.room, message.seq, "deleted", ts, change.user, message.id, blanked(message), {EXPIRED: True}, message
    )  # fmt: skip


def keeping(conn: Connection, default: int) -> list[tuple[str, int]]:
    """The rooms in which messages are kept for some days only, and for how many; ``default`` where a room says 0."""
    rows = conn.execute(select(s.room.c.name, s.room.c.settings).order_by(s.room.c.name))
    days = ((row.name, _settings.decode(row.settings).keep_days or default) for row in rows)
    return [(name, count) for name, count in days if count]


def aged_through(conn: Connection, room: str, before: float, most: int) -> int | None:
    """The seq of the last event of a room, of the ``most`` after its floor, up to which all are from before a time."""
    log: Any = s.log.c
    floor = select(s.room.c.floor).where(s.room.c.name == room).scalar_subquery()
    number = select(s.room.c.id).where(s.room.c.name == room).scalar_subquery()
    rows = conn.execute(
        select(log.seq, log.ts).where(log.room_id == number, log.seq > floor).order_by(log.seq).limit(most)
    )
    through = None
    for row in rows:
        if row.ts >= before:
            break
        through = row.seq
    return through


def aged(conn: Connection, room: str, days: int, before: float) -> Aged:
    """How much of a room is from before a time."""
    log: Any = s.log.c
    query = (
        select(func.count(), func.count(log.attachments))
        .join(s.room, s.room.c.id == log.room_id)
        .where(
            s.room.c.name == room,
            log.seq > s.room.c.floor,
            log.ts < before,
            log.type == "message",
            log.deleted.is_(None),
        )
    )
    messages, files = conn.execute(query).one()
    return Aged(room, days, messages, files)
