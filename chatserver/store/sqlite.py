"""SQLite: a database in a file, or in memory."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect
from sqlalchemy.pool import NullPool, StaticPool

from ..model.errors import ConfigError
from .database import Use
from .erasing import take_erased
from .folder import make_files_private
from .lock import Lock
from .reasons import LOCKED
from .soundness import check_files, check_tables, unopened


def database_file(url: str, data_dir: Path) -> Path | None:
    """Where the database of a ``store.url`` is; None for one that is in no file."""
    if not url.startswith("sqlite:"):
        return None
    return Path(url.removeprefix("sqlite:") or data_dir / "chat.db")


class _Sqlite:
    """What is the same for a database in a file and one in memory."""

    name: str
    engine: Engine
    unready = LOCKED

    def wait(self, seconds: float) -> None:
        pass

    def started(self, conn: Connection) -> str:
        return boot_id()

    def writer(self) -> SqliteWriter:
        return SqliteWriter(self.engine)

    def insert(self, conn: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        quote = conn.dialect.identifier_preparer
        names = ", ".join(quote.format_column(each) for each in table.columns)
        places = ", ".join("?" * len(table.columns))
        statement = f"INSERT INTO {quote.format_table(table)} ({names}) VALUES ({places})"
        conn.connection.cursor().executemany(statement, list(map(tuple, rows)))

    def renumber(self, conn: Connection) -> None:
        pass

    def unopened(self, error: Exception) -> ConfigError:
        return unopened(self.name, error)


class SqliteMemory(_Sqlite):
    """A database in memory, gone at the end."""

    name = "the log in memory"
    readers: Engine | None = None

    def __init__(self) -> None:
        self.engine = create_engine(
            "sqlite://",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False, "isolation_level": None},
        )
        event.listen(self.engine, "begin", _begin)

    def absent(self) -> bool:
        return True

    def claim(self, use: Use) -> None:
        pass

    def check(self, conn: Connection) -> None:
        pass

    def back_up(self, revision: str) -> Path | None:
        return None

    def abandon(self) -> None:
        self.close()

    def close(self) -> None:
        self.engine.dispose()


class SqliteFile(_Sqlite):
    """A database in a file, for one server."""

    def __init__(self, url: str, data_dir: Path, durability: str) -> None:
        path = database_file(url, data_dir)
        assert path is not None
        self.path = path
        self.name = str(path)
        self._data_dir = data_dir
        self._lock: Lock | None = None
        self._made = False
        self._filled = False
        self.engine = _file_engine(self.path, durability)
        self.readers: Engine | None = self.engine.execution_options(reading=True)

    def absent(self) -> bool:
        return not self.path.exists()

    def claim(self, use: Use) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(f"can't make the folder: {error}", path="data_dir") from error
        if use != "beside":
            self._lock = Lock(self.path.resolve())
        self._filled = use == "target"
        if not self._filled:
            check_files(self.path, self._data_dir)
        self._made = self._lock is not None and self._lock.pin()

    def check(self, conn: Connection) -> None:
        make_files_private(self.path.resolve())
        # Uploads without a database are no loss where one is being made for them.
        if not self._filled or inspect(conn).get_table_names():
            check_tables(conn, self.path, self._data_dir)

    def back_up(self, revision: str) -> Path | None:
        copy = self.path.with_name(f"{self.path.name}.before-{revision}")
        _copy(self.path, copy)
        return copy

    def abandon(self) -> None:
        self.engine.dispose()
        if self._made and self.path.stat().st_size == 0:
            self.path.resolve().unlink()
        self.close()

    def close(self) -> None:
        self.engine.dispose()
        if self._lock is not None:
            self._lock.release()


class SqliteWriter:
    """The writer's connection to SQLite."""

    def __init__(self, engine: Engine) -> None:
        self._conn = engine.connect()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._conn.begin():
            yield self._conn

    def erase(self) -> bool:
        """Move what the write-ahead log holds into the database, and empty it: texts that were deleted are in it."""
        cursor = self._conn.connection.cursor()
        ((patience,),) = cursor.execute("PRAGMA busy_timeout").fetchall()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            ((busy, _, _),) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
        return not busy

    def take_erased(self) -> bool:
        return take_erased(self._conn)

    def close(self) -> None:
        self._conn.close()


def _file_engine(path: Path, durability: str) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        connect_args={"isolation_level": None, "timeout": 10, "check_same_thread": False},
    )

    def configure(connection: Any, record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute("PRAGMA busy_timeout = 10000")
        cursor.close()

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    mode = "DEFERRED" if connection.get_execution_options().get("reading") else "IMMEDIATE"
    connection.connection.cursor().execute(f"BEGIN {mode}")


def boot_id() -> str:
    """What tells one start of this machine from another; without it every start counts as another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return secrets.token_hex(8)


def _copy(path: Path, copy: Path) -> None:
    """Copy a database, with what is only in its WAL yet. Raises ConfigError."""
    partial = copy.with_name(f"{copy.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(copy)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise ConfigError(f"no copy could be made of {path}: {error}", path="data_dir") from error
