"""Opening the database: the engine, SQLite's settings, and the lineage (epoch) of what is in it."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.pool import NullPool, StaticPool

from ..model.errors import ConfigError
from . import schema as s

_ERASED = "erased"
"""A key of a connection's ``info``."""


def database_file(url: str, data_dir: Path) -> Path | None:
    """Where the database of a ``store.url`` is; None for one in memory."""
    return None if url == "memory:" else Path(url.removeprefix("sqlite:") or data_dir / "chat.db")


def open_engine(url: str, data_dir: Path, durability: str) -> Engine:
    """An engine for ``memory:``, ``sqlite:`` (``chat.db`` in ``data_dir``) or ``sqlite:PATH``.

    ``durability`` is ``full`` (synced to disk before a commit returns) or ``normal`` (may lose the last moments at
    a power cut, nothing at a crash). Raises ConfigError when the file can't be made.
    """
    path = database_file(url, data_dir)
    if path is None:
        engine = create_engine(
            "sqlite://",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False, "isolation_level": None},
        )
    else:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigError(f"can't make the folder: {error}", path="data_dir") from error
        engine = create_engine(
            f"sqlite:///{path}",
            poolclass=NullPool,
            connect_args={"isolation_level": None, "timeout": 10, "check_same_thread": False},
        )

    def configure(connection: Any, record: Any) -> None:
        if path is None:
            return
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute("PRAGMA busy_timeout = 10000")
        cursor.close()

    def begin(connection: Connection) -> None:
        mode = "DEFERRED" if connection.get_execution_options().get("reading") else "IMMEDIATE"
        connection.connection.cursor().execute(f"BEGIN {mode}")

    event.listen(engine, "connect", configure)
    event.listen(engine, "begin", begin)
    return engine


def prepare(conn: Connection, boot_id: str | None, durable: bool) -> str:
    """Note that a server runs from now on, and return the epoch.

    ``boot_id`` is that of the machine, None for a tool beside the server. The epoch is new when acknowledged commits
    may be gone: without full durability, after the machine went down while the server ran.
    """
    facts = {row.key: row.value for row in conn.execute(select(s.meta))}
    running = facts.get("running", "")
    lost = boot_id is not None and not durable and running not in ("", boot_id)
    epoch: str = facts.get("epoch", "")
    if not epoch or lost:
        epoch = "e" + secrets.token_hex(8)
    for key, value in (("epoch", epoch), ("running", running if boot_id is None else boot_id)):
        if key in facts:
            conn.execute(update(s.meta).where(s.meta.c.key == key).values(value=value))
        else:
            conn.execute(insert(s.meta).values(key=key, value=value))
    return epoch


def note_erased(conn: Connection) -> None:
    """Rows or texts are deleted in the running transaction: they have to go from the write-ahead log, too."""
    conn.info[_ERASED] = True


def note_statement(conn: Connection, sql: str) -> None:
    """`note_erased` for a plugin's statement that deletes."""
    if sql.lstrip()[:6].upper() == "DELETE":
        note_erased(conn)


def take_erased(conn: Connection) -> bool:
    """Whether something was deleted since the last call."""
    return bool(conn.info.pop(_ERASED, False))


def truncate_wal(conn: Connection) -> bool:
    """Move what SQLite's write-ahead log holds into the database, and empty it: texts that were deleted are in it.

    Nothing is waited for; False when a reader or another program is in the way. Not within a transaction.
    """
    if conn.dialect.name != "sqlite":
        return True
    cursor = conn.connection.cursor()
    ((patience,),) = cursor.execute("PRAGMA busy_timeout").fetchall()
    cursor.execute("PRAGMA busy_timeout = 0")
    try:
        ((busy, _, _),) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {patience}")
    return not busy


def try_to_write(conn: Connection, size: int) -> None:
    """Write so many characters, over those of the last try."""
    value = format(time.time(), f"<{size}.3f")
    changed = conn.execute(update(s.meta).where(s.meta.c.key == "tried").values(value=value))
    if not changed.rowcount:
        conn.execute(insert(s.meta).values(key="tried", value=value))


def mark_stopped(conn: Connection) -> None:
    """Note that the server stopped in order."""
    conn.execute(update(s.meta).where(s.meta.c.key == "running").values(value=""))


def boot_id() -> str:
    """What tells one start of this machine from another; without it every start counts as another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return secrets.token_hex(8)


def virtual_tables(conn: Connection) -> list[str]:
    """The tables that SQLite keeps in others, such as indexes of full text; none in other databases."""
    if conn.dialect.name != "sqlite":
        return []
    virtual = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL %'"
    return list(conn.exec_driver_sql(virtual).scalars())
