"""The one thread that writes. All that waits goes into one transaction; the loop is woken once per commit."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from ..errors import Reject
from .entries import Batch, InCommit, Outcome
from .log import Appending

log = logging.getLogger(__name__)

AT_ONCE = 256
"""How many pieces of work one transaction takes at most."""


class Job:
    """A function to run in the transaction. It may be run again if the transaction fails, so it only writes."""

    __slots__ = ("done", "run")

    def __init__(self, run: Callable[[Connection], Any], done: Callable[[Any], None]) -> None:
        self.run = run
        self.done = done


class AppendJob:
    """A room's batch to append. ``done`` gets one outcome for each entry, on the loop."""

    __slots__ = ("batch", "done")

    def __init__(self, batch: Batch, done: Callable[[list[Outcome]], None]) -> None:
        self.batch = batch
        self.done = done


Work = Job | AppendJob
Result = tuple[Work, Any]


class Writer:
    """Takes work from the loop, answers on the loop. ``in_commit`` is called before each commit with events."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop, in_commit: InCommit | None) -> None:
        self._engine = engine
        self._loop = loop
        self._in_commit = in_commit
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._main, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Queue a piece of work. Never blocks."""
        self._queue.put(work)

    def stop(self) -> None:
        """Finish what is queued, then end the thread. Blocks until it has."""
        self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        stopping = False
        with self._engine.connect() as conn:
            while not stopping:
                work, stopping = self._take()
                if work:
                    results = self._attempt(conn, work)
                    self._loop.call_soon_threadsafe(_settle, results)

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

    def _attempt(self, conn: Connection, work: list[Work], check_nonces: bool = False) -> list[Result]:
        """Commit all of it, or as much of it as can be, each piece alone."""
        try:
            with conn.begin():
                return self._apply(conn, work, check_nonces)
        except IntegrityError:
            if not check_nonces:
                return self._attempt(conn, work, check_nonces=True)
            return self._each_alone(conn, work)
        except Exception as error:
            if len(work) == 1:
                log.error("a write failed: %s", error, exc_info=not isinstance(error, Reject))
            return self._each_alone(conn, work, error)

    def _each_alone(self, conn: Connection, work: list[Work], error: Exception | None = None) -> list[Result]:
        if len(work) > 1:
            return [result for piece in work for result in self._attempt(conn, [piece], check_nonces=True)]
        (piece,) = work
        failure = error or RuntimeError("the row is there already")
        if isinstance(piece, AppendJob) and len(piece.batch.entries) > 1:
            return [(piece, self._entries_alone(conn, piece.batch))]
        return [(piece, [failure] if isinstance(piece, AppendJob) else failure)]

    def _entries_alone(self, conn: Connection, batch: Batch) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for entry in batch.entries:
            single = AppendJob(Batch(batch.room, batch.ts, [entry]), lambda _: None)
            ((_, result),) = self._attempt(conn, [single], check_nonces=True)
            outcomes += result
        return outcomes

    def _apply(self, conn: Connection, work: list[Work], check_nonces: bool) -> list[Result]:
        results: dict[int, Any] = {}
        for index, piece in enumerate(work):
            if isinstance(piece, Job):
                results[index] = _run(conn, piece)
        appends = [piece for piece in work if isinstance(piece, AppendJob)]
        outcomes: dict[str, list[Outcome]] = {}
        if appends:
            appending = Appending(conn, [piece.batch for piece in appends], check_nonces)
            outcomes = appending.run()
            if self._in_commit is not None and appending.events:
                self._in_commit(conn, appending.events)
        return [
            (piece, outcomes[piece.batch.room] if isinstance(piece, AppendJob) else results[index])
            for index, piece in enumerate(work)
        ]


def _run(conn: Connection, job: Job) -> Any:
    try:
        with conn.begin_nested():
            return job.run(conn)
    except Exception as error:
        return error


def _settle(results: list[Result]) -> None:
    for piece, result in results:
        try:
            piece.done(result)
        except Exception:
            log.exception("settling a write failed")
