"""Work in groups: one transaction for all of it, or, when that fails, for as much of it as can be."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import IntegrityError

from ..model.errors import Reject
from ..model.metrics import Metrics
from .append import BatchAppender
from .append_statements import AppendStatements
from .changes import Batch, Committed, Contributor, InCommit, Outcome
from .database import NotCommitted, WriterConnection
from .failures import Failures, is_duplicate, may_work_now, reason
from .reasons import FOR_ALL
from .savepoint import Aborted, savepoint

log = logging.getLogger(__name__)

TRIES = 5
"""How often a transaction, or a job in it, runs that others were in the way of."""


class Job:
    """A function to run in the transaction. It may be run again if the transaction fails, so it only writes."""

    __slots__ = ("done", "run", "writes")

    def __init__(
        self, run: Callable[[Connection], Any], done: Callable[[Any], None], writes: bool = True
    ) -> None:
        self.run = run
        self.done = done
        self.writes = writes


class AppendJob:
    """A room's batch to append. ``done`` gets one outcome for each change, on the loop."""

    __slots__ = ("batch", "done")

    def __init__(self, batch: Batch, done: Callable[[list[Outcome]], None]) -> None:
        self.batch = batch
        self.done = done


Work = Job | AppendJob
Result = tuple[Work, Any]


class Transactions:
    """Commits groups of work. ``in_commit`` is called before each commit with events."""

    def __init__(
        self, dialect: Dialect, in_commit: InCommit | None, metrics: Metrics, failures: Failures
    ) -> None:
        self.beginning = False
        """It waits for the database, which another program may hold."""
        self._appended = False
        """The last transaction had events: one without says little of whether the next one finds room."""
        self._failures = failures
        self._statements = AppendStatements(dialect)
        self._duplicate = (IntegrityError, dialect.loaded_dbapi.IntegrityError)
        self._in_commit = in_commit
        self._metrics = metrics

    def commit(self, conn: WriterConnection, work: list[Work], check_nonces: bool = False) -> list[Result]:
        """Commit all of it, or as much of it as can be, each piece alone."""
        try:
            return self._commit(conn, work, check_nonces)
        except self._duplicate:
            if not check_nonces:
                return self.commit(conn, work, check_nonces=True)
            return self._each_alone(conn, work)
        except Exception as error:
            self.beginning = False
            known = self._failures.failed("writing", error)
            if len(work) == 1 and not known:
                log.error("a write failed: %s", error, exc_info=not isinstance(error, Reject))
            if known and reason(error) in FOR_ALL:
                return [_failed(piece, error) for piece in work]
            return self._each_alone(conn, work, error)

    def _commit(self, conn: WriterConnection, work: list[Work], check_nonces: bool) -> list[Result]:
        for tries_left in reversed(range(TRIES)):
            try:
                started = time.perf_counter()
                self.beginning = True
                with conn.transaction() as transaction:
                    self.beginning = False
                    results = self._apply(transaction, work, check_nonces)
                self._metrics.commit_seconds.observe(time.perf_counter() - started)
                self._note_failures(results)
                return results
            except NotCommitted:
                if not tries_left:
                    raise
        raise AssertionError

    def _note_failures(self, results: list[Result]) -> None:
        """A job's failure is its result, and does not undo the others."""
        if self._appended:
            self._failures.worked("writing")
        for piece, result in results:
            if isinstance(piece, Job) and isinstance(result, Exception):
                self._failures.failed("writing", result)

    def _each_alone(
        self, conn: WriterConnection, work: list[Work], error: Exception | None = None
    ) -> list[Result]:
        if len(work) > 1:
            return self._pieces_alone(conn, work)
        (piece,) = work
        if isinstance(piece, AppendJob) and len(piece.batch.changes) > 1:
            return [(piece, self._changes_alone(conn, piece.batch))]
        return [_failed(piece, error or RuntimeError("the row is there already"))]

    def _pieces_alone(self, conn: WriterConnection, work: list[Work]) -> list[Result]:
        results: list[Result] = []
        for position, piece in enumerate(work):
            results += self.commit(conn, [piece], check_nonces=True)
            error = _storage_failure(results[-1][1])
            if error is not None and reason(error) in FOR_ALL:
                return results + [_failed(left, error) for left in work[position + 1 :]]
        return results

    def _changes_alone(self, conn: WriterConnection, batch: Batch) -> list[Outcome]:
        """Up to the first one that the storage fails at: what comes after it in the room must not overtake it."""
        outcomes: list[Outcome] = []
        version = batch.version
        for change in batch.changes:
            single = AppendJob(Batch(batch.room, batch.ts, [change], version), lambda _: None)
            ((_, (outcome,)),) = self.commit(conn, [single], check_nonces=True)
            if isinstance(outcome, Committed):
                version = outcome.position.version
            outcomes.append(outcome)
            error = _storage_failure(outcome)
            if error is not None:
                return outcomes + [error] * (len(batch.changes) - len(outcomes))
        return outcomes

    def _apply(self, conn: Connection, work: list[Work], check_nonces: bool) -> list[Result]:
        results: dict[int, Any] = {}
        self._appended = False
        for index, piece in enumerate(work):
            if isinstance(piece, Job):
                results[index] = _run(conn, piece)
        appends = [piece for piece in work if isinstance(piece, AppendJob)]
        outcomes: dict[str, list[Outcome]] = {}
        if appends:
            batches = [piece.batch for piece in appends]
            appender = BatchAppender(conn, self._statements, batches, check_nonces)
            outcomes = appender.run()
            self._metrics.commit_events.observe(len(appender.events))
            self._appended = bool(appender.events)
            told = appender.events + appender.expired
            if self._in_commit is not None and told:
                contributors = self._in_commit(conn, told)
                if contributors:
                    _note_contributors(outcomes.values(), contributors)
        return [
            (piece, outcomes[piece.batch.room] if isinstance(piece, AppendJob) else results[index])
            for index, piece in enumerate(work)
        ]


def _run(conn: Connection, job: Job) -> Any:
    if not job.writes:
        return _run_once(conn, job)
    for tries_left in reversed(range(TRIES)):
        result = _run_once(conn, job)
        # Another server has written the row after this one looked: now it is seen.
        if not tries_left or not isinstance(result, Exception) or not is_duplicate(result):
            break
    return result


def _run_once(conn: Connection, job: Job) -> Any:
    try:
        if not job.writes:
            return job.run(conn)
        with savepoint(conn):
            return job.run(conn)
    except Aborted:
        raise
    except Exception as error:
        if may_work_now(error):
            raise
        return error


def _note_contributors(outcomes: Iterable[list[Outcome]], contributors: Sequence[Contributor]) -> None:
    for each in outcomes:
        for done in each:
            if isinstance(done, Committed):
                done.contributors = contributors


def _failed(piece: Work, error: Exception) -> Result:
    return piece, [error] * len(piece.batch.changes) if isinstance(piece, AppendJob) else error


def _storage_failure(result: Any) -> Exception | None:
    """The failure of the storage that the last outcome of a piece is; None if it is none."""
    last = result[-1] if isinstance(result, list) and result else result
    return last if isinstance(last, Exception) and reason(last) is not None else None


def report(results: list[Result]) -> None:
    """Tell each caller what became of its work."""
    for piece, result in results:
        try:
            piece.done(result)
        except Exception:
            log.exception("reporting the outcome of a write failed")
