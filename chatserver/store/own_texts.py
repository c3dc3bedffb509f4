"""What one user has written, over all rooms, in the order of rooms and numbers. Each query takes a connection."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, and_, or_, select

from ..model.values import Attachment
from . import schema as s
from .message_ids import message_id


class OwnText(msgspec.Struct, frozen=True):
    """A message of the user's: which, where (``place`` is for the next page), when, its text of now, and its files."""

    id: str
    place: tuple[int, int]
    room: str
    ts: float
    content: str
    files: tuple[Attachment, ...] = ()


def own_texts(conn: Connection, user_id: str, after: tuple[int, int], most: int) -> list[OwnText]:
    """A page of the user's messages that are not deleted, after a place; the first one is (0, 0)."""
    room, seq = after
    log: Any = s.log.c
    query = (
        select(log.room_id, log.seq, log.old_id, log.ts, log.content, log.attachments, s.room.c.name)
        .join(s.room, s.room.c.id == log.room_id)
        .where(
            log.user_id == user_id,
            log.type == "message",
            log.deleted.is_(None),
            or_(log.room_id > room, and_(log.room_id == room, log.seq > seq)),
        )
        .order_by(log.room_id, log.seq)
        .limit(most)
    )
    return [
        OwnText(
            row.old_id or message_id(row.room_id, row.seq),
            (row.room_id, row.seq),
            row.name,
            row.ts,
            row.content or "",
            msgspec.json.decode(row.attachments, type=tuple[Attachment, ...]) if row.attachments else (),
        )
        for row in conn.execute(query)
    ]
