"""Who writes: one thread for a database in a file, the loop itself for one in memory.

Either way all that waits goes into one transaction, and the loop is woken once for each.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import Protocol

from sqlalchemy import Engine

from ..model.metrics import Metrics
from .changes import InCommit
from .failures import Failures
from .transactions import Result, Transactions, Work, settle

AT_ONCE = 256
"""How many pieces of work one transaction takes at most."""


class Writer(Protocol):
    """Takes work on the loop, answers on the loop."""

    @property
    def waiting(self) -> int:
        """How many pieces of work wait."""

    @property
    def locked_out(self) -> bool:
        """Another program holds the database, and the writer waits for it."""

    def submit(self, work: Work) -> None:
        """Queue a piece of work. Never blocks."""

    def stop(self) -> None:
        """Finish what is queued, and end."""


class ThreadWriter:
    """Writes in a thread of its own, so that the loop never waits for the disk."""

    def __init__(
        self, engine: Engine, in_commit: InCommit | None, metrics: Metrics, failures: Failures
    ) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._transactions = Transactions(engine.dialect, in_commit, metrics, failures)
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    @property
    def locked_out(self) -> bool:
        return self._transactions.beginning

    def submit(self, work: Work) -> None:
        self._queue.put(work)

    def stop(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        stopping = False
        with self._engine.connect() as conn:
            while not stopping:
                work, stopping = self._take()
                if work:
                    results = self._transactions.commit(conn, work)
                    self._loop.call_soon_threadsafe(settle, results)

    def _take(self) -> tuple[list[Work], bool]:
        work: list[Work] = []
        item = self._queue.get()
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
        self, engine: Engine, in_commit: InCommit | None, metrics: Metrics, failures: Failures
    ) -> None:
        self._conn = engine.connect()
        self._loop = asyncio.get_running_loop()
        self._transactions = Transactions(engine.dialect, in_commit, metrics, failures)
        self._work: list[Work] = []

    @property
    def waiting(self) -> int:
        return len(self._work)

    @property
    def locked_out(self) -> bool:
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
            settle(results)

    def _commit(self) -> list[Result]:
        work, self._work = self._work, []
        return self._transactions.commit(self._conn, work) if work else []
