"""The rows of a room's members, of mutes and bans, and of read marks."""

from __future__ import annotations

from typing import Any, assert_never

from sqlalchemy import Connection, Dialect, and_, bindparam, delete, insert, select, update

from ..model.values import RoomPosition
from . import schema as s
from .changes import ChangeMember
from .compiled_statement import CompiledStatement, upsert
from .queries import messages_at


def _mark_read(dialect: Dialect) -> Any:
    statement = upsert(dialect, s.read_mark)
    return statement.on_conflict_do_update(
        index_elements=["room_id", "user_id"],
        set_={"seq": statement.excluded.seq, "messages": statement.excluded.messages},
        where=s.read_mark.c.seq < statement.excluded.seq,
    )


MARK_READ = CompiledStatement(_mark_read, order=[column.name for column in s.read_mark.c])
"""The upsert of read marks; it only ever moves them forward."""
_ADD = CompiledStatement(lambda dialect: upsert(dialect, s.member).on_conflict_do_nothing())


_NUMBER = CompiledStatement(select(s.room.c.id).where(s.room.c.name == bindparam("in_room")))


_MARKS = CompiledStatement(
    select(s.read_mark.c.user_id, s.read_mark.c.seq)
    .join(s.room, s.room.c.id == s.read_mark.c.room_id)
    .join(
        s.member,
        and_(s.member.c.room_id == s.read_mark.c.room_id, s.member.c.user_id == s.read_mark.c.user_id),
    )
    .where(s.room.c.name == bindparam("in_room"))
)


def read_marks(conn: Connection, room: str) -> dict[str, int]:
    """How far each member of a room has read, by the user's id."""
    return {row.user_id: row.seq for row in _MARKS.all(conn, in_room=room)}


def move_mark(conn: Connection, room: str, user_id: str, seq: int) -> bool:
    """Note that a user has read up to ``seq``. Returns whether the mark moved; it moves forward only."""
    found = _NUMBER.first(conn, in_room=room)
    if found is None:
        return False
    messages = messages_at(conn, found.id, seq)
    return MARK_READ.run(conn, room_id=found.id, user_id=user_id, seq=seq, messages=messages) > 0


def change_member(conn: Connection, room_id: int, position: RoomPosition, change: ChangeMember) -> bool:
    """Write the change to the room of this number. Returns whether anything was different before."""
    match change.action:
        case "joined" | "added":
            return _add(conn, room_id, position, change)
        case "left" | "removed":
            return _remove(conn, room_id, change)
        case "kicked":
            if change.until:
                _sanction(conn, room_id, change, "ban")
            return _remove(conn, room_id, change) or bool(change.until)
        case "banned":
            _remove(conn, room_id, change)
            return _sanction(conn, room_id, change, "ban")
        case "muted":
            return _sanction(conn, room_id, change, "mute")
        case "unbanned":
            return _lift(conn, room_id, change, "ban")
        case "unmuted":
            return _lift(conn, room_id, change, "mute")
        case "role":
            return _set_role(conn, room_id, change)
    assert_never(change.action)


def _its(table: Any, room_id: int, change: ChangeMember) -> tuple[Any, Any]:
    return table.c.room_id == room_id, table.c.user_id == change.target.id


def _add(conn: Connection, room_id: int, position: RoomPosition, change: ChangeMember) -> bool:
    user_id, head = change.target.id, position.seq
    added = _ADD.run(conn, room_id=room_id, user_id=user_id, role="member", since=head) > 0
    if added:
        MARK_READ.run(conn, room_id=room_id, user_id=user_id, seq=head, messages=position.messages)
    return added


def _remove(conn: Connection, room_id: int, change: ChangeMember) -> bool:
    return conn.execute(delete(s.member).where(*_its(s.member, room_id, change))).rowcount > 0


def _set_role(conn: Connection, room_id: int, change: ChangeMember) -> bool:
    its = _its(s.member, room_id, change)
    return (
        conn.execute(
            update(s.member).where(*its, s.member.c.role != change.role).values(role=change.role)
        ).rowcount
        > 0
    )


def _sanction(conn: Connection, room_id: int, change: ChangeMember, kind: str) -> bool:
    _lift(conn, room_id, change, kind)
    conn.execute(
        insert(s.sanction).values(
            room_id=room_id,
            user_id=change.target.id,
            kind=kind,
            by_id=change.user.id,
            reason=change.reason,
            until=change.until,
        )
    )
    return True


def _lift(conn: Connection, room_id: int, change: ChangeMember, kind: str) -> bool:
    result = conn.execute(
        delete(s.sanction).where(*_its(s.sanction, room_id, change), s.sanction.c.kind == kind)
    )
    return result.rowcount > 0
