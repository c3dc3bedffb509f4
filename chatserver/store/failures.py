"""Failures of the storage itself: told from mistakes in statements, explained, and remembered."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from ..model.errors import ConfigError
from . import postgresql_errors, sqlite_errors
from .database import NotCommitted
from .reasons import DAMAGED
from .savepoint import Aborted

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 60.0


def reason(error: BaseException | None) -> str | None:
    """Why the storage failed; None for what is no failure of the storage, such as a mistake in a statement."""
    cause = _drivers(error)
    return None if cause is None else sqlite_errors.reason(cause) or postgresql_errors.reason(cause)


def is_duplicate(error: BaseException) -> bool:
    """Whether a row was there already that has to be the only one."""
    cause = _drivers(error)
    return cause is not None and (sqlite_errors.is_duplicate(cause) or postgresql_errors.is_duplicate(cause))


def may_work_now(error: BaseException) -> bool:
    """Whether the transaction was only in the way of another one, and undone for that."""
    cause = _drivers(error)
    return cause is not None and postgresql_errors.may_work_now(cause)


def _drivers(error: BaseException | None) -> BaseException | None:
    """The driver's own error."""
    while isinstance(error, Aborted | NotCommitted):
        error = error.__cause__
    return error.orig if isinstance(error, DBAPIError) else error


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
            log.error("%s failed: %s (%s)", doing, why, _drivers(error))
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
