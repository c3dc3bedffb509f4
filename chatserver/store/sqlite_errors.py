"""What the errors of SQLite's driver mean."""

from __future__ import annotations

import sqlite3

from .reasons import DAMAGED, FULL, LOCKED, NO_MEMORY, NO_WRITING

_REASONS = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_IOERR: "the disk can't be read or written",
    sqlite3.SQLITE_CANTOPEN: "the database file can't be opened",
    sqlite3.SQLITE_READONLY: NO_WRITING,
    sqlite3.SQLITE_PERM: NO_WRITING,
    sqlite3.SQLITE_NOMEM: NO_MEMORY,
}
_DUPLICATES = (
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
)


def reason(error: BaseException) -> str | None:
    """Why the storage failed; None for another driver's error, or one that is no failure of the storage."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    # It could not make its index as large as it has to be.
    return FULL if code == sqlite3.SQLITE_IOERR_SHMSIZE else _REASONS.get(code & 0xFF)


def is_duplicate(error: BaseException) -> bool:
    """Whether a row was there already that has to be the only one."""
    return getattr(error, "sqlite_errorcode", None) in _DUPLICATES
