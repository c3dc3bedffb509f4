"""The writer's connection to PostgreSQL: opened anew when it is lost, and never in doubt about a commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine

from .database import NotCommitted, discard
from .failures import may_work_now, reason
from .reasons import UNREACHABLE
from .savepoint import Aborted

LOST_SECONDS = 5.0
"""How long a lost connection is tried to be had again before what waits is refused; then each piece has one try."""
DOUBT_SECONDS = 20.0
"""How long it may take to find out what became of a commit whose answer was lost."""
IDLE_SECONDS = 10
"""After so long PostgreSQL undoes a transaction that nothing more is heard of, as a lost server's: it has locks."""
_XID = "xid"
"""A key of a connection's ``info``: the id of the running transaction."""


def begin_writing(durability: str, statement_seconds: int) -> Callable[[Connection], None]:
    """Begins a transaction that changes rows.

    All settings are the transaction's own, for poolers that give the next one another connection.
    """
    statement = (
        f"BEGIN; SET LOCAL synchronous_commit = {'on' if durability == 'full' else 'off'};"
        f" SET LOCAL statement_timeout = '{statement_seconds}s';"
        f" SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'; SELECT pg_current_xact_id()::text"
    )

    def begin(conn: Connection) -> None:
        cursor: Any = conn.connection.cursor()
        # Without parameters and not prepared: only so it may be several statements, in one round trip.
        cursor.execute(statement, prepare=False)
        while cursor.nextset():
            pass
        (conn.info[_XID],) = cursor.fetchone()

    return begin


class PostgresqlWriter:
    """Of one thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._conn: Connection | None = None
        self._lost_at: float | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        conn = self._connected()
        try:
            running = conn.begin()
        except Exception as error:
            self._lose()
            raise NotCommitted from error
        try:
            yield conn
            _check(conn)
        except BaseException as error:
            lost = reason(error) == UNREACHABLE
            try:
                running.rollback()
            except Exception:
                lost = True
            if lost:
                self._lose()
            if lost or may_work_now(error):
                raise NotCommitted from error
            raise
        xid = conn.info.get(_XID)
        try:
            running.commit()
        except Exception as error:
            if reason(error) != UNREACHABLE:
                with suppress(Exception):
                    running.rollback()
                if may_work_now(error):
                    raise NotCommitted from error
                raise
            self._lose()
            if not self._committed(xid, error):
                raise NotCommitted from error

    def _connected(self) -> Connection:
        """Raises the driver's error where the server can't be reached."""
        pause = 0.05
        while self._conn is None:
            try:
                self._conn = self._engine.connect()
            except Exception:
                now = time.monotonic()
                self._lost_at = self._lost_at or now
                if now - self._lost_at > LOST_SECONDS:
                    raise
                time.sleep(pause)
                pause = min(pause * 2, 1.0)
        self._lost_at = None
        return self._conn

    def _lose(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            discard(conn)

    def _committed(self, xid: str | None, error: Exception) -> bool:
        """Whether this transaction was committed; asked of the server, as nothing else knows. Raises ``error`` where it
        can't be asked in time: what sent the change then asks by sending it again, with its nonce."""
        until = time.monotonic() + DOUBT_SECONDS
        while time.monotonic() < until:
            try:
                cursor: Any = self._connected().connection.cursor()
                # In no transaction, as SQLAlchemy knows of none.
                cursor.execute("SELECT pg_xact_status(%s::xid8)", (xid,))
                (found,) = cursor.fetchone()
            except Exception as failure:
                if reason(failure) != UNREACHABLE:
                    # One that another server, promoted meanwhile, has never heard of.
                    return False
                self._lose()
                continue
            if found != "in progress":
                return bool(found == "committed")
            time.sleep(0.05)
        raise error

    def erase(self) -> bool:
        return True

    def take_erased(self) -> bool:
        return False

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()


def _check(conn: Connection) -> None:
    """Raises Aborted where a failed statement was passed over: to commit would then undo all of it, without a word."""
    driver: Any = conn.connection.dbapi_connection
    if driver.info.transaction_status == driver.info.transaction_status.INERROR:
        raise Aborted("a statement failed, and what ran it went on")
