"""Database rows to values, and back."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from ..model.values import Attachment, Event, Message, Room, User

_attachments = msgspec.json.Decoder(tuple[Attachment, ...])


def pack(value: Any) -> str:
    """JSON text for a column."""
    return msgspec.json.encode(value).decode()


UserFields = Callable[[Any], tuple[Any, Any, Any, Any]]
"""Takes id, name, shown name and role from a row."""


def user_fields(prefix: str) -> UserFields:
    """Those in the columns ``<prefix>id``, ``<prefix>name``, ``<prefix>display_name`` and ``<prefix>role``."""
    return attrgetter(*(f"{prefix}{name}" for name in ("id", "name", "display_name", "role")))


USER, AUTHOR, BY = user_fields("user_"), user_fields("author_"), user_fields("by_")
"""Whose event it is, who wrote the message, who did it to somebody."""


def user_of(row: Any, fields: UserFields = USER) -> User:
    """The user in these columns of a row."""
    return User(*fields(row))


def room_of(row: Any) -> Room:
    """The room in the columns of the same names."""
    return Room(row.name, row.title, row.topic, row.kind, row.history, bool(row.archived))


def message_of(row: Any) -> Message:
    """The message in the columns ``m_*``, its author in ``author_*``."""
    return Message(
        id=row.m_id,
        room=row.m_room,
        seq=row.m_seq,
        ts=row.m_ts,
        user=user_of(row, AUTHOR),
        content=row.m_content,
        html=row.m_html,
        kind=row.m_kind,
        rev=row.m_rev,
        nonce=row.m_nonce,
        reply_to=row.m_reply_to,
        attachments=_attachments.decode(row.m_attachments) if row.m_attachments else (),
        edited_at=row.m_edited_at,
        deleted=bool(row.m_deleted),
    )


def event_of(row: Any) -> Event:
    """The log entry in the columns ``room … data``, with its message where one was joined in."""
    return Event(
        room=row.room,
        seq=row.seq,
        type=row.type,
        ts=row.ts,
        user=user_of(row),
        message_id=row.message_id,
        message=message_of(row) if row.m_id is not None else None,
        data=msgspec.json.decode(row.data) if row.data else {},
    )
