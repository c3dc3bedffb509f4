"""The rows of the audit log, which are only ever added and read."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Connection, and_, exists, func, insert, or_, select

from ..model.audit import SIGN_INS, AuditEntry, entry
from ..model.ids import SYSTEM_ID
from . import schema as s
from .changes import Change, ChangeMember, ChangeRoom, Committed, CreateRoom, Delete, Outcome

UNNOTED = ("joined", "left", "added")
"""What members do that is no act upon another user."""
PAGE = 500


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: all that is given has to be true. ``search`` is a part of a name, the reason or the detail;
    ``after`` and ``before`` are times, ``below`` is the id of the last entry of the page before.

    ``reader`` is the id of a user who may see only what concerns public rooms and their own.
    """

    target: str | None = None
    by: str | None = None
    room: str | None = None
    action: str | None = None
    search: str | None = None
    after: float | None = None
    before: float | None = None
    below: int | None = None
    reader: str | None = None
    sign_ins: bool = True


def record(conn: Connection, noted: AuditEntry) -> None:
    """Add an entry."""
    values = asdict(noted)
    del values["id"]
    conn.execute(insert(s.audit).values(**values))


def note_change(conn: Connection, ts: float, room: str, change: Change, done: Outcome) -> None:
    """Add the entry of a change that others can be held to account for, in the transaction that makes it."""
    if not isinstance(done, Committed) or done.event is None or done.dup:
        return
    match change:
        case ChangeMember() if change.action not in UNNOTED:
            action, detail = ("room_role", change.role) if change.action == "role" else (change.action, "")
            noted = entry(action, ts, by=change.user, target=change.target, room=room, reason=change.reason)
            record(conn, msgspec.structs.replace(noted, until=change.until, detail=detail))
        case Delete() if (
            not change.erasing
            and done.event.message is not None
            and done.event.message.user.id != change.user.id
        ):
            author = done.event.message.user
            record(
                conn,
                entry(
                    "message_deleted", ts, by=change.user, target=author, room=room, detail=change.message_id
                ),
            )
        case ChangeRoom():
            told = {key: value for key, value in done.event.data.items() if key != "action"}
            record(conn, entry("room_changed", ts, by=change.user, room=room, detail=_listed(told)))
        case CreateRoom() if change.room.kind != "direct" and change.user.id != SYSTEM_ID:
            record(conn, entry("room_created", ts, by=change.user, room=room, detail=change.room.kind))


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{key}: {msgspec.json.encode(value).decode()}" for key, value in values.items())


def entries(conn: Connection, wanted: AuditFilter, limit: int) -> list[AuditEntry]:
    """The newest entries that fit, the newest first."""
    found = conn.execute(
        select(s.audit).where(*_conditions(wanted)).order_by(s.audit.c.id.desc()).limit(limit)
    )
    return [AuditEntry(**row) for row in found.mappings()]


def _conditions(wanted: AuditFilter) -> list[Any]:
    c = s.audit.c
    equal = {c.target_id: wanted.target, c.by_id: wanted.by, c.room: wanted.room, c.action: wanted.action}
    conditions: list[Any] = [column == value for column, value in equal.items() if value is not None]
    if wanted.after is not None:
        conditions.append(c.ts >= wanted.after)
    if wanted.before is not None:
        conditions.append(c.ts < wanted.before)
    if wanted.below is not None:
        conditions.append(c.id < wanted.below)
    if not wanted.sign_ins:
        conditions.append(c.action.not_in(SIGN_INS))
    if wanted.search:
        text = wanted.search.lower()
        columns = (c.by_name, c.target_name, c.reason, c.detail, c.action)
        conditions.append(or_(*(func.lower(column).contains(text, autoescape=True) for column in columns)))
    if wanted.reader is not None:
        conditions.append(_readable(wanted.reader))
    return conditions


def _readable(user_id: str) -> Any:
    """Whether the entry's room is one that this user may know of."""
    mine = and_(s.member.c.room_id == s.room.c.id, s.member.c.user_id == user_id)
    known = exists().where(
        s.room.c.name == s.audit.c.room, or_(s.room.c.kind == "public", exists().where(mine))
    )
    return or_(s.audit.c.room.is_(None), s.audit.c.target_id == user_id, s.audit.c.by_id == user_id, known)
