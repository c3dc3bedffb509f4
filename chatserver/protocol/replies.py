"""What the server answers to requests, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ..model.audit import AuditEntry
from ..model.errors import Reject
from ..model.people import ShownProfile
from ..model.values import Event, Member, Status, User
from .events import encode, event_fields, iso

OWN_FIELDS = ("type", "re")
"""What the server alone says in a reply."""

MemberLine = tuple[Member, Status, str]
"""A member, the state that others see, and its text."""


def ok(re: str, fields: Mapping[str, Any]) -> bytes:
    """The reply to a request that worked."""
    return encode({"type": "ok", "re": re, **fields})


def error(re: str | None, reject: Reject) -> bytes:
    """The reply to a request that did not."""
    fields: dict[str, Any] = {
        "type": "error",
        "re": re,
        "code": reject.code,
        "message": reject.message,
        "field": reject.field,
    }
    if reject.retry_after is not None:
        fields["retry_after"] = round(reject.retry_after, 2)
    if reject.plugin is not None:
        fields["plugin"] = reject.plugin
    return encode(fields)


def audit_fields(entry: AuditEntry) -> dict[str, Any]:
    """An entry of the audit log; what does not apply is left out."""
    fields: dict[str, Any] = {"id": entry.id, "ts": iso(entry.ts), "action": entry.action}
    if entry.by_id:
        fields["by"] = {"id": entry.by_id, "name": entry.by_name}
    if entry.target_id or entry.target_name:
        fields["user"] = {"id": entry.target_id, "name": entry.target_name}
    for name in ("room", "reason", "detail"):
        if getattr(entry, name):
            fields[name] = getattr(entry, name)
    if entry.until:
        fields["until"] = iso(entry.until)
    return fields


def member_fields(member: Member, status: Status, text: str) -> dict[str, Any]:
    """A line of a member list."""
    return {"user": member.user.public(), "role": member.role, "status": status, "text": text}


def profile_fields(shown: ShownProfile) -> dict[str, Any]:
    """A user in full."""
    fields = {
        **shown.user.public(),
        "role": shown.user.role,
        "status": shown.status,
        "status_text": shown.said.text,
    }
    if shown.said.until:
        fields["status_until"] = iso(shown.said.until)
    texts = {"time_zone": shown.kept.time_zone, "language": shown.kept.language}
    return fields | {name: text for name, text in texts.items() if text}


def own_profile_fields(shown: ShownProfile) -> dict[str, Any]:
    """A user in full, as they see themselves."""
    return {**profile_fields(shown), "added_by": shown.kept.added_by or "anyone"}


def members(lines: Sequence[MemberLine], count: int, more: bool) -> dict[str, Any]:
    """A page of a room's members: of ``count``, and whether ``more`` follow."""
    return {"members": [member_fields(*line) for line in lines], "count": count, "more": more}


def page(events: Iterable[Event], more: bool) -> dict[str, Any]:
    """A page of durable events, and whether there are more."""
    return {"events": [event_fields(event) for event in events], "more": more}


def joined_room(
    room: Mapping[str, Any], members: Mapping[str, Any], page: Mapping[str, Any], gap: bool
) -> dict[str, Any]:
    """The reply to a join: the room, the first page of its members, and a page of its log, or a ``gap``."""
    fields = {"room": room, **members, "more_members": members["more"], **page}
    if gap:
        fields["gap"] = True
    return fields


def welcome(
    re: str | None,
    user: User,
    token: str | None,
    epoch: str,
    facts: Mapping[str, Any],
    rooms: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The reply to hello; ``token`` for a new guest only, ``facts`` about the server."""
    fields: dict[str, Any] = {"type": "welcome", "re": re, "user": {**user.public(), "role": user.role}}
    if token is not None:
        fields["token"] = token
    return {**fields, "epoch": epoch, **facts, "rooms": rooms}


class _Acknowledged(msgspec.Struct, tag="ok", omit_defaults=True):
    re: str
    message_id: str | None
    room: str
    seq: int
    ts: str
    rev: int = 1
    dup: bool = False


def acknowledged(re: str, event: Event, dup: bool) -> bytes:
    """The reply to a message, encoded at once."""
    return encode(_acknowledged(re, event, dup))


def acknowledgement(event: Event, dup: bool) -> dict[str, Any]:
    """What the sender of a message or an edit learns: it is committed, and where."""
    fields: dict[str, Any] = msgspec.to_builtins(_acknowledged("", event, dup))
    return {name: value for name, value in fields.items() if name not in ("type", "re")}


def _acknowledged(re: str, event: Event, dup: bool) -> _Acknowledged:
    rev = event.message.rev if event.type == "edited" and event.message is not None else 1
    return _Acknowledged(re, event.message_id, event.room, event.seq, iso(event.ts), rev, dup)
