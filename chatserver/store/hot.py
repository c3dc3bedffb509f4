"""The statements of every message, compiled once for the database at hand and run on the driver's own cursor.

SQLAlchemy's way through a statement costs more than the statement; here it is paid once, and rows are tuples in the
order of the table's columns. What fails raises the driver's exceptions (PEP 249).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, insert, select, update

from ..model import Heads
from . import schema as s
from .members import mark_read

Rows = Sequence[tuple[Any, ...]]


class Hot:
    """What an append writes. ``dialect`` has positional parameters."""

    def __init__(self, dialect: Dialect) -> None:
        move = (
            update(s.room)
            .where(s.room.c.name == bindparam("room_name"))
            .values(head=bindparam("new_head"), messages=bindparam("new_messages"))
        )
        one = select(s.room.c.name, s.room.c.head, s.room.c.messages).where(
            s.room.c.name == bindparam("room_name")
        )
        self._heads_of, self._placeholder = _sql(one, dialect, ["room_name"]).rsplit(" = ", 1)
        self._insert_message = _sql(insert(s.message), dialect, [c.name for c in s.message.c])
        self._insert_event = _sql(insert(s.event), dialect, [c.name for c in s.event.c])
        self._insert_mention = _sql(insert(s.mention), dialect, [c.name for c in s.mention.c])
        self._mark_read = _sql(mark_read(), dialect, [c.name for c in s.read_mark.c])
        self._move_head = _sql(move, dialect, ["new_head", "new_messages", "room_name"])

    def heads(self, conn: Connection, rooms: Sequence[str]) -> dict[str, Heads]:
        """How far these rooms have come, those that there are."""
        sql = f"{self._heads_of} IN ({', '.join([self._placeholder] * len(rooms))})"
        cursor = conn.connection.cursor()
        cursor.execute(sql, tuple(rooms))
        return {name: Heads(head, messages) for name, head, messages in cursor.fetchall()}

    def insert(self, conn: Connection, messages: Rows, events: Rows, mentions: Rows, marks: Rows) -> None:
        """Insert the rows of messages and events, and move the authors' read marks."""
        cursor = conn.connection.cursor()
        for sql, rows in (
            (self._insert_message, messages),
            (self._insert_event, events),
            (self._insert_mention, mentions),
            (self._mark_read, marks),
        ):
            if rows:
                cursor.executemany(sql, rows)

    def move_heads(self, conn: Connection, rows: Rows) -> None:
        """Move rooms on; rows of (head, messages, name)."""
        if rows:
            conn.connection.cursor().executemany(self._move_head, rows)


def _sql(statement: Any, dialect: Dialect, order: list[str]) -> str:
    compiled = statement.compile(dialect=dialect)
    if compiled.positiontup != order:
        raise TypeError(f"the statement wants {compiled.positiontup}, not {order}")
    return str(compiled)
