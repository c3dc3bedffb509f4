"""Failures of the storage itself: told from mistakes in statements, explained, and remembered."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from ..model.errors import ConfigError
from .savepoint import Aborted

log = logging.getLogger(__name__)

LOCKED = "the database is locked by another program"
FULL = "the disk is full"
DAMAGED = "the database is damaged: stop the server and restore it from a backup"
SLOW = "the storage has not answered for a second"

_REASONS = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_PROTOCOL: LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_IOERR: "the disk can't be read or written",
    sqlite3.SQLITE_CANTOPEN: "the database file can't be opened",
    sqlite3.SQLITE_READONLY: "the database can't be written to",
    sqlite3.SQLITE_PERM: "the database can't be written to",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
}
_AGAIN_SECONDS = 60.0


def reason(error: BaseException | None) -> str | None:
    """Why the storage failed; None for what is no failure of the storage, such as a mistake in a statement."""
    while isinstance(error, Aborted):
        error = error.__cause__
    if isinstance(error, DBAPIError):
        error = error.orig
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    # It could not make its index as large as it has to be.
    return FULL if code == sqlite3.SQLITE_IOERR_SHMSIZE else _REASONS.get(code & 0xFF)


_DUPLICATES = (
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
)
_UNIQUE_VIOLATION = "23505"


def is_duplicate(error: DBAPIError) -> bool:
    """Whether a row was there already that has to be the only one."""
    if getattr(error.orig, "sqlite_errorcode", None) in _DUPLICATES:
        return True
    return getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION


class Failures:
    """What reading and writing fail at just now. For the writer's thread, the readers' and the loop."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._damaged = False
        self._logged: dict[tuple[str, str], float] = {}
        self._told: set[str] = set()

    def failed(self, doing: str, error: BaseException) -> bool:
        """Remember and log what ``doing`` (reading, writing) failed at; False if it is no failure of the storage."""
        why = reason(error)
        if why is None:
            return False
        # Another page may be whole: one that works says nothing.
        self._damaged = self._damaged or why == DAMAGED
        self._now[doing] = why
        now = time.monotonic()
        if now - self._logged.get((doing, why), -_AGAIN_SECONDS) >= _AGAIN_SECONDS:
            self._logged[doing, why] = now
            self._told.add(doing)
            log.error("%s failed: %s (%s)", doing, why, getattr(error, "orig", error))
        return True

    def worked(self, doing: str) -> None:
        """It works (again)."""
        if doing in self._now and self._now.pop(doing) != DAMAGED and doing in self._told:
            self._told.discard(doing)
            log.warning("%s works again", doing)

    def writing(self) -> str | None:
        """Why the last write failed; None if it did not."""
        return self._now.get("writing")

    @contextmanager
    def as_mistake(self, what: str) -> Iterator[None]:
        """What fails inside while the storage fails is raised as ConfigError, with the reason."""
        try:
            yield
        except Exception as error:
            if self.why is None:
                raise
            raise ConfigError(f"{what}: {self.why}", path="store.url") from error

    @property
    def why(self) -> str | None:
        """The reason of a failure that lasts, or None. Damage stays until the server is started again."""
        return DAMAGED if self._damaged else next(iter(tuple(self._now.values())), None)
