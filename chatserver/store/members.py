"""Who is in a room, who is muted or banned there, and how far each has read: the rows behind it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, update
from sqlalchemy.dialects.sqlite import insert as upsert

from ..model.values import RoomPosition
from . import schema as s
from .changes import ChangeMember
from .compiled_statement import CompiledStatement
from .queries import messages_at


def _mark_read() -> Any:
    statement = upsert(s.read_mark)
    return statement.on_conflict_do_update(
        index_elements=["room", "user_id"],
        set_={"seq": statement.excluded.seq, "messages": statement.excluded.messages},
        where=s.read_mark.c.seq < statement.excluded.seq,
    )


MARK_READ = CompiledStatement(_mark_read(), order=[column.name for column in s.read_mark.c])
"""The upsert of read marks; it only ever moves them forward."""
_ADD = CompiledStatement(upsert(s.member).on_conflict_do_nothing())


def move_mark(conn: Connection, room: str, user_id: str, seq: int) -> bool:
    """Somebody has read up to ``seq``; whether they had not before."""
    messages = messages_at(conn, room, seq)
    return MARK_READ.run(conn, room=room, user_id=user_id, seq=seq, messages=messages) > 0


def change_member(conn: Connection, room: str, position: RoomPosition, change: ChangeMember) -> bool:
    """Write the change; whether anything was different before."""
    match change.action:
        case "joined" | "added":
            return _add(conn, room, position, change)
        case "left" | "removed":
            return _remove(conn, room, change)
        case "kicked":
            if change.until:
                _sanction(conn, room, change, "ban")
            return _remove(conn, room, change) or bool(change.until)
        case "banned":
            _remove(conn, room, change)
            return _sanction(conn, room, change, "ban")
        case "muted":
            return _sanction(conn, room, change, "mute")
        case "unbanned":
            return _lift(conn, room, change, "ban")
        case "unmuted":
            return _lift(conn, room, change, "mute")
        case "role":
            where = _its(s.member, room, change)
            result = conn.execute(
                update(s.member).where(*where, s.member.c.role != change.role).values(role=change.role)
            )
            return result.rowcount > 0
    raise ValueError(f"no such change of membership: {change.action!r}")


def _its(table: Any, room: str, change: ChangeMember) -> tuple[Any, Any]:
    return table.c.room == room, table.c.user_id == change.target.id


def _add(conn: Connection, room: str, position: RoomPosition, change: ChangeMember) -> bool:
    user_id, head = change.target.id, position.seq
    added = _ADD.run(conn, room=room, user_id=user_id, role=change.role, since=head) > 0
    if added:
        MARK_READ.run(conn, room=room, user_id=user_id, seq=head, messages=position.messages)
    return added


def _remove(conn: Connection, room: str, change: ChangeMember) -> bool:
    return conn.execute(delete(s.member).where(*_its(s.member, room, change))).rowcount > 0


def _sanction(conn: Connection, room: str, change: ChangeMember, kind: str) -> bool:
    _lift(conn, room, change, kind)
    conn.execute(
        insert(s.sanction).values(
            room=room,
            user_id=change.target.id,
            kind=kind,
            by_id=change.user.id,
            reason=change.reason,
            until=change.until,
        )
    )
    return True


def _lift(conn: Connection, room: str, change: ChangeMember, kind: str) -> bool:
    result = conn.execute(
        delete(s.sanction).where(*_its(s.sanction, room, change), s.sanction.c.kind == kind)
    )
    return result.rowcount > 0
