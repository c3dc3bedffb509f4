"""The statements of every message, compiled once for the database at hand.

SQLAlchemy's own way through a statement costs more than the statement; here it is paid once, and rows are tuples in
the order of the table's columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, insert, update

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
        self._insert_message = _sql(insert(s.message), dialect, [c.name for c in s.message.c])
        self._insert_event = _sql(insert(s.event), dialect, [c.name for c in s.event.c])
        self._insert_mention = _sql(insert(s.mention), dialect, [c.name for c in s.mention.c])
        self._mark_read = _sql(mark_read(), dialect, [c.name for c in s.read_mark.c])
        self._move_head = _sql(move, dialect, ["new_head", "new_messages", "room_name"])

    def insert(self, conn: Connection, messages: Rows, events: Rows, mentions: Rows, marks: Rows) -> None:
        """Insert the rows of messages and events, and move the authors' read marks."""
        for sql, rows in (
            (self._insert_message, messages),
            (self._insert_event, events),
            (self._insert_mention, mentions),
            (self._mark_read, marks),
        ):
            if rows:
                conn.exec_driver_sql(sql, list(rows))

    def move_heads(self, conn: Connection, rows: Rows) -> None:
        """Move rooms on; rows of (head, messages, name)."""
        if rows:
            conn.exec_driver_sql(self._move_head, list(rows))


def _sql(statement: Any, dialect: Dialect, order: list[str]) -> str:
    compiled = statement.compile(dialect=dialect)
    if compiled.positiontup != order:
        raise TypeError(f"the statement wants {compiled.positiontup}, not {order}")
    return str(compiled)
