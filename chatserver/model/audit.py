"""What the audit log says: who did what to whom, where, why, until when."""

from __future__ import annotations

import msgspec

from .values import User

ACTIONS = (
    "kicked",
    "removed",
    "banned",
    "unbanned",
    "muted",
    "unmuted",
    "message_deleted",
    "room_created",
    "room_changed",
    "room_role",
    "login",
    "login_refused",
    "account_added",
    "account_ended",
    "account_erased",
    "password",
    "reset_link",
    "account_state",
    "role",
    "profile_reset",
    "token_made",
    "token_ended",
)
"""What the core notes; what plugins note begins with their name and a colon."""
SIGN_INS = ("login", "login_refused")
DETAIL_CHARS = 1000


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log. ``by`` is empty for the server itself and its command line; ``target`` is whom it
    was done to. Names are those of then. ``until`` 0 has no end, ``id`` 0 is not stored yet; times are in seconds
    since the epoch. ``detail`` is what else there is to say: an address, an old and a new value."""

    action: str
    ts: float
    by_id: str = ""
    by_name: str = ""
    target_id: str = ""
    target_name: str = ""
    room: str | None = None
    reason: str = ""
    until: float = 0.0
    detail: str = ""
    id: int = 0


def entry(
    action: str, ts: float, *, by: User | None = None, target: User | None = None, room: str | None = None,
    reason: str = "", until: float = 0.0, detail: str = "",
) -> AuditEntry:  # fmt: skip
    """A new entry, about users as they are now."""
    return AuditEntry(
        action=action,
        ts=ts,
        by_id=by.id if by is not None else "",
        by_name=by.name if by is not None else "",
        target_id=target.id if target is not None else "",
        target_name=target.name if target is not None else "",
        room=room,
        reason=reason,
        until=until,
        detail=detail[:DETAIL_CHARS],
    )
