"""The store: append to logs, run a change, run a query."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ..model import errors
from ..model.errors import Reject
from ..model.metrics import Metrics
from .changes import Batch, InCommit, Outcome
from .choice import database, existing_database
from .database import Database, Use
from .failures import Failures
from .lineage import mark_stopped, prepare, try_to_write
from .reader_pool import ReaderPool
from .reasons import SLOW
from .revisions import bring_up_to_date
from .transactions import AppendJob, Job
from .writer import LoopWriter, ThreadWriter, Writer

T = TypeVar("T")

ERASED_SECONDS, ERASED_TRIES = 0.25, 240
"""Between two looks whether it is done, and how many."""
TRY_SECONDS = 0.8
"""How long a try to write may take."""
ROOM_CHARS = 65_536
"""What is written to find out whether it works again: less may find room where a message finds none."""


class Store:
    """One database, with its writer and its readers. Made by `open`, inside a running event loop."""

    def __init__(
        self,
        database: Database,
        epoch: str,
        in_commit: InCommit | None,
        metrics: Metrics,
        running: bool,
    ) -> None:
        self.epoch = epoch
        self.name = database.name
        """How the database is called in what is told."""
        self._database = database
        self._running = running
        self.failures = Failures()
        self._trial: asyncio.Future[Any] | None = None
        kind = LoopWriter if database.readers is None else ThreadWriter
        self._writer: Writer = kind(database, in_commit, metrics, self.failures)
        self._readers = None if database.readers is None else ReaderPool(database.readers)

    @classmethod
    def open(
        cls,
        url: str,
        data_dir: Path,
        durability: str = "full",
        in_commit: InCommit | None = None,
        metrics: Metrics | None = None,
        use: Use = "server",
    ) -> Store:
        """Open or make the database.

        Raises ConfigError for a database that another server uses, that is damaged or was lost, or that can't be
        used by this version.
        """
        found, epoch = _prepared(url, data_dir, durability, use)
        return cls(found, epoch, in_commit, metrics or Metrics(), use != "beside")

    @staticmethod
    def make(url: str, data_dir: Path) -> None:
        """Make the tables, or bring them up to date, and no more. Raises ConfigError as `open` does."""
        found, _ = _prepared(url, data_dir, "full", "server")
        found.close()

    @classmethod
    def open_existing(cls, url: str, data_dir: Path, durability: str, use: Use) -> Store:
        """`open` for a tool: nothing is made. Raises ConfigError where there is no database that lasts."""
        existing_database(url, data_dir, durability).close()
        return cls.open(url, data_dir, durability, use=use)

    def append(self, batch: Batch, done: Callable[[list[Outcome]], None]) -> None:
        """Append a batch; ``done`` is called on the loop once it is committed or refused, change by change.

        No two batches of one room may be under way at once: the caller waits for ``done``.
        """
        self._writer.submit(AppendJob(batch, done))

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a change inside the next transaction; returns what it returns, once committed.

        ``change`` may be run twice and must do nothing but write. What it raises is raised here, and undoes only
        what it wrote itself. A failure of the storage is a `Reject` ``unavailable``.
        """
        return await self._submit(change, writes=True)

    async def _submit(self, change: Callable[[Connection], T], *, writes: bool) -> T:
        result = await self._queue(change, writes=writes)
        if isinstance(result, Reject):
            raise result
        if isinstance(result, Exception):
            raise errors.unavailable() from result
        return result  # type: ignore[no-any-return]

    def _queue(self, change: Callable[[Connection], Any], *, writes: bool) -> asyncio.Future[Any]:
        """What becomes of a change: what it returns, or its exception as a value."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(result: Any) -> None:
            if not future.done():
                future.set_result(result)

        self._writer.submit(Job(change, done, writes))
        return future

    async def erased(self) -> bool:
        """Wait until what was deleted is gone from wherever else the database has it; False if readers hold that up
        for a minute."""
        for _ in range(ERASED_TRIES):
            # What is written before it has been looked at by then.
            await self._submit(lambda _: None, writes=False)
            if not self._writer.erasing:
                return True
            await asyncio.sleep(ERASED_SECONDS)
        return False

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query beside the writer; it sees what is committed. A failure of the storage is a `Reject`
        ``unavailable``; what else it raises is raised here."""
        # An in-memory database has only the writer's connection.
        if self._readers is None:
            return await self._submit(query, writes=False)
        try:
            found = await self._readers.run(query)
        except Exception as error:
            if self.failures.failed("reading", error):
                raise errors.unreadable() from error
            raise
        self.failures.worked("reading")
        return found

    async def try_to_write(self) -> str | None:
        """Why nothing can be stored, found out by storing a little, within a second; None if it works."""
        trial = self._trial
        if trial is None or trial.done():
            size = ROOM_CHARS if self.failures.writing() else 1
            trial = self._trial = self._queue(lambda conn: try_to_write(conn, size), writes=True)
        await asyncio.wait([trial], timeout=TRY_SECONDS)
        if not trial.done():
            return self._database.unready if self._writer.beginning else SLOW
        result = trial.result()
        if isinstance(result, Exception):
            return self.failures.why or str(result)
        self.failures.worked("writing")
        return self.failures.why

    @property
    def dialect(self) -> str:
        """The database's kind: sqlite or postgresql."""
        return self._database.engine.dialect.name

    @property
    def waiting(self) -> int:
        """How many pieces of work wait to be written."""
        return self._writer.waiting

    def close(self) -> None:
        """Finish what is queued, and close. Blocks, first for what is written, then for the queries that run."""
        self._writer.stop()
        if self._running:
            # Before the queries end, which may be never: nothing is written any more.
            self._mark_stopped()
        if self._readers is not None:
            self._readers.stop()
        self._database.close()

    def _mark_stopped(self) -> None:
        try:
            with self._database.engine.connect() as conn, conn.begin():
                mark_stopped(conn)
        except DBAPIError as error:
            # The next start takes it for a crash, which loses nothing.
            if not self.failures.failed("writing", error):
                raise


def _prepared(url: str, data_dir: Path, durability: str, use: Use) -> tuple[Database, str]:
    """An opened database with the tables of today, and its epoch. Raises ConfigError."""
    found = database(url, data_dir, durability)
    try:
        found.claim(use)
        running = use != "beside"
        with found.engine.connect() as conn, conn.begin():
            found.check(conn)
            bring_up_to_date(conn, found, may_change=running)
            return found, prepare(conn, found.started(conn) if running else None, durability == "full")
    except BaseException as error:
        found.abandon()
        # That a transaction can't even be begun comes as the driver has it.
        if isinstance(error, DBAPIError | found.engine.dialect.loaded_dbapi.Error):
            raise found.unopened(error) from error
        raise
