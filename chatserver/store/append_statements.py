"""The statements of every message. Rows to insert are tuples in the order of the columns named here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table, bindparam, insert, select, update

from . import schema as s
from .compiled_statement import CompiledStatement
from .members import MARK_READ

Rows = Sequence[tuple[Any, ...]]

MESSAGE_COLUMNS = (
    "room_id", "seq", "type", "user_id", "ts", "messages", "kind", "content", "html", "nonce", "request_hash",
    "reply_to", "attachments", "extras", "plugin", "display_name", "actions",
)  # fmt: skip
EVENT_COLUMNS = ("room_id", "seq", "type", "user_id", "ts", "messages", "target_seq", "data")
MENTION_COLUMNS = ("user_id", "room_id", "seq", "message_seq")


def _insert(table: Table, columns: Sequence[str]) -> CompiledStatement:
    return CompiledStatement(insert(table).values({name: bindparam(name) for name in columns}), order=columns)


_MESSAGES = _insert(s.log, MESSAGE_COLUMNS)
_EVENTS = _insert(s.log, EVENT_COLUMNS)
_MENTIONS = _insert(s.mention, MENTION_COLUMNS)
_MOVE = CompiledStatement(
    update(s.room)
    .where(s.room.c.id == bindparam("number"))
    .values(head=bindparam("new_head"), messages=bindparam("new_messages"), version=bindparam("new_version")),
    order=["new_head", "new_messages", "new_version", "number"],
)


def _rooms(count: int) -> CompiledStatement:
    """Reads so many rooms, and locks their rows where the database has locks of rows."""
    names: list[Any] = [bindparam(f"name_{number}") for number in range(count)]
    query = select(s.room.c.id, s.room.c.name, s.room.c.head, s.room.c.messages, s.room.c.version)
    return CompiledStatement(query.where(s.room.c.name.in_(names)).order_by(s.room.c.name).with_for_update())


class AppendStatements:
    """What an append reads and writes."""

    def __init__(self, dialect: Dialect) -> None:
        # Now, so that the first message waits for none of them.
        for statement in (_MESSAGES, _EVENTS, _MENTIONS, MARK_READ, _MOVE):
            statement.sql(dialect)
        # By how many rooms they read: powers of two, so that there are few of them.
        self._rooms = {1: _rooms(1)}

    def rooms(self, conn: Connection, names: Sequence[str]) -> list[Any]:
        """The rows of these rooms, those that there are: id, name, head, messages, version."""
        size = 1 << (len(names) - 1).bit_length()
        statement = self._rooms.get(size)
        if statement is None:
            statement = self._rooms[size] = _rooms(size)
        wanted = [*names, *[names[-1]] * (size - len(names))]
        return statement.all(conn, **{f"name_{number}": name for number, name in enumerate(wanted)})

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

    def move(self, conn: Connection, rows: Rows) -> None:
        """Move rooms on; rows of (head, messages, version, id)."""
        if rows:
            _MOVE.each(conn, rows)
