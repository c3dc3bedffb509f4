"""What was deleted in a transaction: it has to go from wherever else the database has it, such as a log."""

from __future__ import annotations

from sqlalchemy import Connection

_ERASED = "erased"
"""A key of a connection's ``info``."""


def note_erased(conn: Connection) -> None:
    """Rows or texts are deleted in the running transaction."""
    conn.info[_ERASED] = True


def take_erased(conn: Connection) -> bool:
    """Whether something was deleted since the last call."""
    return bool(conn.info.pop(_ERASED, False))
