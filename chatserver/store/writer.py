"""The writer: a thread of its own, or, for a database in memory, the loop itself.

Either way all that waits goes into one transaction, and the loop is woken once for each.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from contextlib import closing
from typing import Protocol

from ..model.metrics import Metrics
from .changes import InCommit
from .database import Database, WriterConnection
from .failures import Failures, reason
from .reasons import LOCKED
from .transactions import Result, Transactions, Work, report

log = logging.getLogger(__name__)

AT_ONCE = 256
"""How many pieces of work one transaction takes at most."""
ERASE_SECONDS = 2.0
"""How long a deleted text stays in SQLite's write-ahead log, and how long until a try is repeated."""


class Writer(Protocol):
    """Takes work on the loop, answers on the loop."""

    @property
    def waiting(self) -> int:
        """How many pieces of work wait."""

    @property
    def beginning(self) -> bool:
        """It waits for the database before it can begin, see `Database.unready`."""

    @property
    def erasing(self) -> bool:
        """What was deleted is still in a log of the database's own."""

    def submit(self, work: Work) -> None:
        """Queue a piece of work. Never blocks."""

    def stop(self) -> None:
        """Finish what is queued, and end."""


class ThreadWriter:
    """Writes in a thread of its own, so that the loop never waits for the disk."""

    def __init__(
        self, database: Database, in_commit: InCommit | None, metrics: Metrics, failures: Failures
    ) -> None:
        self._database = database
        self._loop = asyncio.get_running_loop()
        self._transactions = Transactions(database.engine.dialect, in_commit, metrics, failures)
        self._failures = failures
        self._erase_at: float | None = None
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    @property
    def beginning(self) -> bool:
        return self._transactions.beginning

    @property
    def erasing(self) -> bool:
        return self._erase_at is not None

    def submit(self, work: Work) -> None:
        self._queue.put(work)

    def stop(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        stopping = False
        with closing(self._database.writer()) as conn:
            while not stopping:
                work, stopping = self._take()
                if work:
                    results = self._transactions.commit(conn, work)
                    self._loop.call_soon_threadsafe(report, results)
                self._erase(conn, stopping)

    def _erase(self, conn: WriterConnection, stopping: bool) -> None:
        """Some time after something was deleted, and at the end."""
        now = time.monotonic()
        if conn.take_erased() and self._erase_at is None:
            self._erase_at = now + ERASE_SECONDS
        if self._erase_at is None or (now < self._erase_at and not stopping):
            return
        self._erase_at = now + ERASE_SECONDS
        try:
            if conn.erase():
                self._erase_at = None
                self._failures.worked("erasing")
        except Exception as error:
            if reason(error) != LOCKED and not self._failures.failed("erasing", error):
                log.exception("deleted texts could not be erased")

    def _take(self) -> tuple[list[Work], bool]:
        work: list[Work] = []
        try:
            wait = None if self._erase_at is None else max(0.0, self._erase_at - time.monotonic())
            item = self._queue.get(timeout=wait)
        except queue.Empty:
            return [], False
        while item is not None:
            work.append(item)
            if len(work) >= AT_ONCE:
                return work, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return work, False
        return work, True


class LoopWriter:
    """Writes at the end of the loop's turn: nothing in memory is waited for, and a thread would only be in the way."""

    def __init__(
        self, database: Database, in_commit: InCommit | None, metrics: Metrics, failures: Failures
    ) -> None:
        self._conn = database.writer()
        self._loop = asyncio.get_running_loop()
        self._transactions = Transactions(database.engine.dialect, in_commit, metrics, failures)
        self._work: list[Work] = []

    @property
    def waiting(self) -> int:
        return len(self._work)

    @property
    def beginning(self) -> bool:
        return False

    @property
    def erasing(self) -> bool:
        return False

    def submit(self, work: Work) -> None:
        if not self._work:
            self._loop.call_soon(self._turn)
        self._work.append(work)

    def stop(self) -> None:
        self._commit()
        self._conn.close()

    def _turn(self) -> None:
        results = self._commit()
        if results:
            report(results)

    def _commit(self) -> list[Result]:
        work, self._work = self._work, []
        return self._transactions.commit(self._conn, work) if work else []
