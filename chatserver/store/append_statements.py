"""The statements of every message. Rows to insert are tuples in the order of the table's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table, bindparam, insert, select, update

from ..model.values import RoomPosition
from . import schema as s
from .compiled_statement import CompiledStatement
from .members import MARK_READ

Rows = Sequence[tuple[Any, ...]]


def _insert(table: Table) -> CompiledStatement:
    return CompiledStatement(insert(table), order=[column.name for column in table.c])


_MESSAGES = _insert(s.message)
_EVENTS = _insert(s.event)
_MENTIONS = _insert(s.mention)
_MOVE_HEAD = CompiledStatement(
    update(s.room)
    .where(s.room.c.name == bindparam("room_name"))
    .values(head=bindparam("new_head"), messages=bindparam("new_messages")),
    order=["new_head", "new_messages", "room_name"],
)
_HEADS = CompiledStatement(
    select(s.room.c.name, s.room.c.head, s.room.c.messages).where(s.room.c.name == bindparam("room_name"))
)


class AppendStatements:
    """What an append reads and writes. ``dialect`` has positional parameters."""

    def __init__(self, dialect: Dialect) -> None:
        # Now, so that the first message waits for none of them.
        for statement in (_MESSAGES, _EVENTS, _MENTIONS, MARK_READ, _MOVE_HEAD):
            statement.sql(dialect)
        self._heads_of, self._placeholder = _HEADS.sql(dialect).rsplit(" = ", 1)

    def position(self, conn: Connection, rooms: Sequence[str]) -> dict[str, RoomPosition]:
        """How far these rooms have come, those that there are."""
        sql = f"{self._heads_of} IN ({', '.join([self._placeholder] * len(rooms))})"
        cursor = conn.connection.cursor()
        cursor.execute(sql, tuple(rooms))
        return {name: RoomPosition(head, messages) for name, head, messages in cursor.fetchall()}

    def insert(self, conn: Connection, messages: Rows, events: Rows, mentions: Rows, marks: Rows) -> None:
        """Insert the rows of messages and events, and move the authors' read marks."""
        for statement, rows in (
            (_MESSAGES, messages),
            (_EVENTS, events),
            (_MENTIONS, mentions),
            (MARK_READ, marks),
        ):
            if rows:
                statement.each(conn, rows)

    def move_heads(self, conn: Connection, rows: Rows) -> None:
        """Move rooms on; rows of (head, messages, name)."""
        if rows:
            _MOVE_HEAD.each(conn, rows)
