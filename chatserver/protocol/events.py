"""What the server says unasked: durable and ephemeral events, each built once as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from ..model.people import Invitation
from ..model.plugin_parts import Actions, Extras
from ..model.values import (
    Attachment,
    Event,
    Message,
    Room,
    RoomSettings,
    Status,
    User,
)
from .bundled import own_fields, split, wire_type

encode = msgspec.json.encode
"""A mapping as the bytes of a frame."""

EVENT_FIELDS = frozenset({"type", "room", "seq", "ts", "user", "message_id", "extras", "actions"})
"""What every durable event may have by itself."""

LIVE = encode({"type": "live"})
"""Everything missed has been sent; from here on it is live."""


# A message's is asked for twice, for its sender's answer and for all.
@lru_cache(maxsize=64)
def iso(ts: float) -> str:
    """Seconds since the epoch as ISO 8601 UTC with milliseconds."""
    seconds = int(ts // 1)
    microseconds = round((ts - seconds) * 1e6)
    if microseconds == 1_000_000:
        seconds, microseconds = seconds + 1, 0
    return f"{_iso_second(seconds)}.{microseconds // 1000:03}Z"


@lru_cache(maxsize=64)
def _iso_second(seconds: int) -> str:
    # Nearly all are of this second.
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00")


class _Person(msgspec.Struct, omit_defaults=True):
    id: str
    name: str
    display_name: str
    bot: bool = False
    guest: bool = False
    avatar: str | None = None


class _MessageEvent(msgspec.Struct, tag="message", omit_defaults=True):
    """A message as it is now; what does not apply is left out. A type, as it is encoded faster than a mapping."""

    room: str
    seq: int
    ts: str
    user: _Person
    message_id: str
    kind: str
    rev: int
    content: str
    html: str
    nonce: str | None = None
    reply_to: str | None = None
    files: tuple[Attachment, ...] = ()
    edited_at: str | None = None
    deleted: bool = False
    extras: Extras | None = None
    plugin: str | None = None
    display_name: str | None = None
    actions: Actions = ()
    reactions: list[dict[str, Any]] | None = None
    pinned: bool = False
    pinned_by: dict[str, Any] | None = None


def _message_event(event: Event, message: Message) -> _MessageEvent:
    user = event.user
    extras: Extras | None = None
    own: dict[str, Any] = {}
    if message.extras:
        extras, own = split(message.extras)
    return _MessageEvent(
        event.room,
        event.seq,
        iso(event.ts),
        _Person(user.id, user.name, user.display_name, user.bot, user.role == "guest", user.avatar),
        message.id,
        message.kind,
        message.rev,
        message.content,
        message.html,
        message.nonce,
        message.reply_to,
        message.attachments,
        None if message.edited_at is None else iso(message.edited_at),
        message.deleted,
        extras,
        message.plugin,
        message.display_name,
        message.actions,
        **own,
    )


def event_fields(event: Event) -> dict[str, Any]:
    """A durable event."""
    if event.type == "message" and event.message is not None:
        fields: dict[str, Any] = msgspec.to_builtins(_message_event(event, event.message))
        return fields
    fields = {
        "type": wire_type(event.type),
        "room": event.room,
        "seq": event.seq,
        "ts": iso(event.ts),
        "user": event.user.public(),
    }
    message = event.message
    if event.type == "edited" and message is not None:
        fields.update(message_id=message.id, rev=message.rev, content=message.content, html=message.html)
        extras, _ = split(message.extras)
        if extras:
            fields["extras"] = extras
    elif event.message_id is not None:
        fields["message_id"] = event.message_id
        plugin, colon, _ = event.type.partition(":")
        if colon and message is not None:
            own = own_fields(event.type, message.extras, event.data)
            fields |= {"extras": {plugin: message.extras.get(plugin)}} if own is None else own
    for key, value in event.data.items():
        fields[key] = iso(value) if key == "until" and isinstance(value, float) else value
    if "actions" in event.data and message is not None:
        fields["actions"] = message.actions
    return fields


def durable(event: Event) -> bytes:
    """A durable event as bytes."""
    if event.type == "message" and event.message is not None:
        return encode(_message_event(event, event.message))
    return encode(event_fields(event))


def room_fields(
    room: Room,
    *,
    head: int,
    role: str | None,
    unread: int = 0,
    mentions: int = 0,
    read: int = 0,
    members: int = 0,
    floor: int = 0,
    other: User | None = None,
    hidden: bool = False,
) -> dict[str, Any]:
    """A room as its reader sees it. ``role`` None is not joined; ``other`` is whom a direct room is with; up to
    the seq ``floor`` nothing is kept; a ``hidden`` one stands in no list until its next message."""
    fields: dict[str, Any] = {
        "name": room.name,
        **{name: getattr(room, name) for name in RoomSettings.__struct_fields__},
        "head": head,
        "joined": role is not None,
        "unread": unread,
        "mentions": mentions,
        "read": read,
        "members": members,
        "floor": floor,
    }
    if role is not None:
        fields["role"] = role
    if other is not None:
        fields["with"] = other.public()
    if hidden:
        fields["hidden"] = True
    return fields


def plugins(
    permissions: Iterable[str], commands: Iterable[Mapping[str, Any]], plugins: Mapping[str, Any]
) -> bytes:
    """The plugins were changed: what ``welcome`` would say of them now to the user who gets this."""
    return encode({"type": "plugins", "permissions": permissions, "commands": commands, "plugins": plugins})


def gap(room: str, first: int, last: int) -> bytes:
    """Too much was missed to send: the client pages with ``sync``."""
    return encode({"type": "gap", "room": room, "from": first, "to": last})


def floor(room: str, seq: int) -> bytes:
    """Nothing up to ``seq`` is kept any longer."""
    return encode({"type": "floor", "room": room, "seq": seq})


def form(
    id: str, plugin: str, title: str, submit: str, seconds: float, fields: Iterable[Mapping[str, Any]]
) -> bytes:
    """A form that a plugin asks one user to fill in, for so many seconds."""
    return encode(
        {
            "type": "form",
            "form": id,
            "plugin": plugin,
            "title": title,
            "submit": submit,
            "seconds": seconds,
            "fields": fields,
        }
    )


def form_closed(id: str, why: str) -> bytes:
    """A form can't be answered any more: it is late, cancelled for a newer one, or its plugin was replaced."""
    return encode({"type": "form_closed", "form": id, "why": why})


def notice(text: str, room: str | None, level: str) -> bytes:
    """A line for one person."""
    fields: dict[str, Any] = {"type": "notice", "text": text, "level": level}
    if room is not None:
        fields["room"] = room
    return encode(fields)


def joined(room: str, user: User, status: Status, text: str) -> bytes:
    """A user is here now."""
    return encode({"type": "joined", "room": room, "user": user.public(), "status": status, "text": text})


def left(room: str, user: User) -> bytes:
    """A user is here no longer."""
    return encode({"type": "left", "room": room, "user": user.public()})


def presence(user: User, status: Status, text: str) -> bytes:
    """A user's presence changed."""
    return encode({"type": "presence", "user": user.public(), "status": status, "text": text})


def typing(room: str, user: User, on: bool) -> bytes:
    """A user is writing, or stopped."""
    return encode({"type": "typing", "room": room, "user": user.public(), "on": on})


def read(room: str, seq: int) -> bytes:
    """The reader's own read mark moved, perhaps on another device."""
    return encode({"type": "read", "room": room, "seq": seq})


def renamed(user: User, old: str) -> bytes:
    """A user has another name."""
    return encode({"type": "renamed", "user": user.public(), "old": old})


def profile(user: User) -> bytes:
    """A user is shown with another picture."""
    return encode({"type": "profile", "user": user.public()})


def invitation_fields(invitation: Invitation) -> dict[str, Any]:
    """An invitation that waits for an answer."""
    room = invitation.room
    shown = {"name": room.name, "title": room.title, "topic": room.topic, "kind": room.kind}
    return {"room": shown, "by": invitation.by.public(), "ts": iso(invitation.ts)}


def invited(invitation: Invitation) -> bytes:
    """The user who gets this is asked to come into a room."""
    return encode({"type": "invited", **invitation_fields(invitation)})


def invitation_gone(room: str) -> bytes:
    """The user who gets this has answered an invitation, perhaps on another device."""
    return encode({"type": "invitation_gone", "room": room})


def hidden(room: str, on: bool) -> bytes:
    """The user who gets this has hidden a conversation until its next message, or shows it again."""
    return encode({"type": "hidden", "room": room, "on": on})


def blocked(user: User, on: bool) -> bytes:
    """The user who gets this has blocked another one, or no longer."""
    return encode({"type": "blocked", "user": user.public(), "on": on})


def mention(event: Event) -> bytes:
    """A message names the user who gets this."""
    return encode(
        {
            "type": "mention",
            "room": event.room,
            "seq": event.seq,
            "message_id": event.message_id,
            "user": event.user.public(),
        }
    )


def kicked(room: str, by: User, reason: str, until: float) -> bytes:
    """The user who gets this is in the room no longer."""
    fields: dict[str, Any] = {"type": "kicked", "room": room, "by": by.public(), "reason": reason}
    if until:
        fields["until"] = iso(until)
    return encode(fields)


def rooms(changed: Iterable[Mapping[str, Any]], removed: Iterable[str] = ()) -> bytes:
    """The list of rooms of the user who gets this changed."""
    fields: dict[str, Any] = {"type": "rooms", "rooms": list(changed)}
    gone = list(removed)
    if gone:
        fields["removed"] = gone
    return encode(fields)


def heartbeat(heads: Mapping[str, int]) -> bytes:
    """A sign of life, with the heads of rooms that moved lately."""
    return encode({"type": "heartbeat", "heads": heads})


def bye(after_ms: int) -> bytes:
    """The server stops; clients may reconnect after this long."""
    return encode({"type": "bye", "after_ms": after_ms})
