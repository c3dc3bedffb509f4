"""Whether a database is whole, as far as a glance tells: nothing starts empty where there was something.

What costs little is looked at: files, tables, columns. Each page of a big database would take minutes to read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, inspect

from ..model.errors import ConfigError
from .failures import reason
from .revisions import REVISION, lacking, revision_of

_RESTORE = "restore it from a backup"
_OURS = frozenset(("credential", "member", "plugin_schema"))
"""Tables of every revision, by which a database is known; other programs have a ``meta`` or a ``user``, too."""


def check_files(database: Path, data_dir: Path) -> None:
    """Before the database is opened or made. Raises ConfigError for one that was lost, emptied, or is no file."""
    if database.is_symlink() and not database.exists():
        raise _error(database, f"is a link to {database.resolve()}, which is missing")
    if not database.exists():
        left = next(_left_over(database, data_dir), None)
        if left is not None:
            raise _error(
                database, f"is missing, but {left} is there: {_RESTORE}, or move that away to start anew"
            )
        return
    if not database.is_file():
        raise _error(database, "is no file, but the database has to be one")
    if database.stat().st_size == 0:
        raise _error(database, f"is empty, which a database never is: {_RESTORE}, or remove it to start anew")


def _left_over(database: Path, data_dir: Path) -> Iterator[Path]:
    """What belongs to a database that was: what was committed last, and plugins' files such as uploads."""
    for suffix in ("-wal", "-journal"):
        path = database.with_name(database.name + suffix)
        if path.exists() and path.stat().st_size > 0:
            yield path
    yield from _uploads(data_dir)


def _uploads(data_dir: Path) -> Iterator[Path]:
    for folder, _, files in os.walk(data_dir / "plugins"):
        for name in files:
            yield Path(folder, name)


def check_tables(conn: Connection, database: Path, data_dir: Path) -> None:
    """Before tables are made or changed. Raises ConfigError for another program's database, and for missing tables or
    columns. Those of an older revision are compared once they were brought over.
    """
    tables = inspect(conn).get_table_names()
    if not tables:
        left = next(_uploads(data_dir), None)
        if left is not None:
            raise _error(
                database, f"holds nothing, but {left} is there: {_RESTORE}, or move that away to start anew"
            )
        return
    if not _OURS.intersection(tables):
        raise _error(database, "is the database of another program: name another file in store.url")
    revision = revision_of(conn)
    if revision is None:
        raise _error(database, f"is damaged (it has no revision): {_RESTORE}")
    lacks = lacking(conn) if revision == REVISION else None
    if lacks is not None:
        raise _error(database, f"is damaged ({lacks}): {_RESTORE}")


def unopened(name: str, error: Exception) -> ConfigError:
    """What to say when opening a database fails with an error of its driver."""
    why = reason(error)
    driver = getattr(error, "orig", error)
    return _error(name, f"can't be opened: {why} ({driver})" if why else f"can't be opened: {driver}")


def _error(database: Path | str, what: str) -> ConfigError:
    return ConfigError(f"{database} {what}", path="store.url")
