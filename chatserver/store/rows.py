"""Database rows to values, and back."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import FromClause

from ..model.plugin_parts import NO_EXTRAS
from ..model.values import Attachment, Event, Message, Room, RoomPosition, RoomSettings, User
from .message_ids import message_id

_attachments = msgspec.json.Decoder(tuple[Attachment, ...])
_settings = msgspec.json.Decoder(RoomSettings)

_USER_COLUMNS = ("id", "name", "display_name", "role", "bot", "avatar")

TEXTS = ("message", "edited")
"""The types of event that carry a message's text."""


def pack(value: Any) -> str:
    """JSON text for a column."""
    return msgspec.json.encode(value).decode()


UserFields = Callable[[Any], tuple[Any, Any, Any, Any, Any, Any]]
"""Takes id, name, shown name, role, the plugin whose bot it is and the picture from a row."""


def user_fields(prefix: str) -> UserFields:
    """Those in the columns ``<prefix>id``, ``<prefix>name`` and so on, as `user_columns` names them."""
    return attrgetter(*(f"{prefix}{name}" for name in _USER_COLUMNS))


def user_columns(table: FromClause, prefix: str = "") -> list[Any]:
    """What a user is made of, with labels that begin with ``prefix``."""
    return [table.c[name].label(f"{prefix}{name}") for name in _USER_COLUMNS]


PLAIN, USER, AUTHOR, BY = map(user_fields, ("", "user_", "author_", "by_"))
"""A user alone, the user of an event, the author of its message, the user who imposed a sanction."""


def user_of(row: Any, fields: UserFields = USER) -> User:
    """The user in these columns of a row."""
    id, name, display_name, role, bot, avatar = fields(row)
    return User(id, name, display_name, role, bot is not None, avatar)


def room_of(row: Any) -> Room:
    """The room in the columns ``name`` and ``settings``."""
    return Room(row.name, **msgspec.structs.asdict(_settings.decode(row.settings)))


def position_of(row: Any) -> RoomPosition:
    """How far the room in these columns has come."""
    return RoomPosition(row.head, row.messages, row.version)


def settings_of(settings: RoomSettings) -> dict[str, Any]:
    """A room's settings by name."""
    return {name: getattr(settings, name) for name in RoomSettings.__struct_fields__}


def room_columns(settings: RoomSettings) -> dict[str, Any]:
    """The columns of the room that hold its settings."""
    listed = settings.kind == "public" and not settings.archived and not settings.unlisted
    return {"settings": pack(settings_of(settings)), "kind": settings.kind, "listed": listed}


def message_of(row: Any, room: str) -> Message:
    """The message in the columns ``m_*``, its author in ``author_*``."""
    return Message(
        id=row.m_old_id or message_id(row.room_id, row.m_seq),
        room=room,
        seq=row.m_seq,
        ts=row.m_ts,
        # No message was looked up for the row of the message itself.
        user=user_of(row) if row.author_id is None else user_of(row, AUTHOR),
        content=row.m_content,
        html=row.m_content if row.m_html is None else row.m_html,
        kind=row.m_kind,
        rev=row.m_rev or 1,
        nonce=row.m_nonce,
        reply_to=row.m_reply_to,
        attachments=_attachments.decode(row.m_attachments) if row.m_attachments else (),
        edited_at=row.m_edited_at,
        deleted=bool(row.m_deleted),
        extras=msgspec.json.decode(row.m_extras) if row.m_extras else NO_EXTRAS,
        plugin=row.m_plugin,
        display_name=row.m_display_name,
        actions=tuple(msgspec.json.decode(row.m_actions)) if row.m_actions else (),
    )


def event_of(row: Any, room: str) -> Event:
    """The event in the columns ``seq … data``, with its message where it shows one."""
    type = row.type
    # A plugin's type has a colon.
    texts = type in TEXTS or (row.target_seq is not None and ":" in type)
    message = message_of(row, room) if texts else None
    if message is not None:
        about: str | None = message.id
    elif row.target_seq is not None:
        about = row.m_old_id or message_id(row.room_id, row.target_seq)
    else:
        about = None
    data = msgspec.json.decode(row.data) if row.data else {}
    return Event(room, row.seq, type, row.ts, user_of(row), about, message, data)
