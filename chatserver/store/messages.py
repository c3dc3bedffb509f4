"""The rows of a message that was edited or deleted, and of the users it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ..model.plugin_parts import NO_EXTRAS, Actions, extra
from ..model.values import Message
from . import schema as s
from .changes import Edit
from .compiled_statement import CompiledStatement
from .rows import pack


def write_edit(conn: Connection, room_id: int, message: Message, edit: Edit, ts: float) -> Message:
    """Write a message's new text; the message as it is from now on."""
    if edit.extras:
        message = annotate(conn, room_id, message, edit.extras)
    edited = msgspec.structs.replace(
        message, content=edit.content, html=edit.html, rev=message.rev + 1, edited_at=ts
    )
    conn.execute(
        update(s.log)
        .where(s.log.c.room_id == room_id, s.log.c.seq == message.seq)
        .values(
            content=edit.content,
            html=None if edit.html == edit.content else edit.html,
            rev=edited.rev,
            edited_at=ts,
            edit_hash=edit.request_hash,
        )
    )
    return edited


def write_actions(conn: Connection, room_id: int, message: Message, actions: Actions) -> Message:
    """Write the buttons below a message; the message as it is from now on."""
    conn.execute(
        update(s.log)
        .where(s.log.c.room_id == room_id, s.log.c.seq == message.seq)
        .values(actions=pack(actions) if actions else None)
    )
    return msgspec.structs.replace(message, actions=actions)


def annotate(
    conn: Connection, room_id: int, message: Message, extras: Mapping[str, Mapping[str, Any] | None]
) -> Message:
    """Write new extras of a message by plugin, None for none; the message as it is from now on.

    Raises what `chatserver.model.plugin_parts.extra` raises.
    """
    kept = {plugin: value for plugin, value in message.extras.items() if plugin not in extras}
    kept |= {plugin: extra(value) for plugin, value in extras.items() if value is not None}
    conn.execute(
        update(s.log)
        .where(s.log.c.room_id == room_id, s.log.c.seq == message.seq)
        .values(extras=pack(kept) if kept else None)
    )
    return msgspec.structs.replace(message, extras=kept or NO_EXTRAS)


_LAST_EDIT = CompiledStatement(
    select(s.log.c.seq)
    .where(
        s.log.c.room_id == bindparam("number"),
        s.log.c.seq > bindparam("message"),
        s.log.c.target_seq == bindparam("message"),
        s.log.c.type == "edited",
    )
    .order_by(s.log.c.seq.desc())
    .limit(1)
)


def edit_hash(conn: Connection, room_id: int, seq: int) -> str | None:
    """The hash of the last edit of a message, as it was asked for; None where there was none."""
    where = s.log.c.room_id == room_id, s.log.c.seq == seq
    found: str | None = conn.execute(select(s.log.c.edit_hash).where(*where)).scalar()
    return found


def last_edit(conn: Connection, room_id: int, seq: int) -> int | None:
    """The seq of the last edit of the message at ``seq``."""
    row = _LAST_EDIT.first(conn, number=room_id, message=seq)
    return row.seq if row is not None else None


BLANK: Mapping[str, Any] = MappingProxyType(
    {
        "content": "",
        "html": None,
        "attachments": None,
        "reply_to": None,
        "extras": None,
        "actions": None,
        "deleted": True,
    }
)
"""What is left in the columns of a message without its text and all that belongs to it. The nonce stays."""


def blanked(message: Message) -> Message:
    """What is left of a message."""
    return msgspec.structs.replace(
        message, content="", html="", attachments=(), reply_to=None, edited_at=None, extras=NO_EXTRAS, actions=(),
        deleted=True,
    )  # fmt: skip


TRACES: Mapping[str, Any] = MappingProxyType({"nonce": None, "request_hash": None, "edit_hash": None})
"""By what it is known that a message was sent before."""


def blank_message(conn: Connection, room_id: int, message: Message, traces: bool = True) -> Message:
    """Remove a message's text, what belongs to it, the mentions in it, and its nonce and hashes unless ``traces`` stay;
    what is left of it."""
    conn.execute(
        update(s.log)
        .where(s.log.c.room_id == room_id, s.log.c.seq == message.seq)
        .values(**BLANK if traces else {**BLANK, **TRACES})
    )
    replace_mentions(conn, room_id, message.seq, message.seq, ())
    return blanked(message)


def replace_mentions(
    conn: Connection, room_id: int, message_seq: int, seq: int, user_ids: Sequence[str]
) -> tuple[str, ...]:
    """Let a message name these users and no others, those it did not name before from ``seq`` on; these new ones."""
    where = s.mention.c.room_id == room_id, s.mention.c.message_seq == message_seq
    before = set(conn.execute(select(s.mention.c.user_id).where(*where)).scalars())
    gone = before.difference(user_ids)
    if gone:
        conn.execute(delete(s.mention).where(*where, s.mention.c.user_id.in_(gone)))
    added = tuple(user_id for user_id in user_ids if user_id not in before)
    if added:
        conn.execute(
            insert(s.mention),
            [{"user_id": u, "room_id": room_id, "seq": seq, "message_seq": message_seq} for u in added],
        )
    return added
