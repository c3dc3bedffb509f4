"""The revision of the database's tables: made when new, brought up to date when old, refused when too new."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from ..model.errors import ConfigError
from . import schema as s
from .failures import reason

log = logging.getLogger(__name__)

REVISION = "5"
"""That of `schema`, the last one in migrations/versions. Revision 1 was before Alembic, and is noted in ``meta``."""


def bring_up_to_date(engine: Engine, path: Path | None, *, may_change: bool) -> None:
    """Make the tables of an empty database, and bring those of an older version over, after a copy of the file.

    ``path`` is the database's file, None for one in memory. Raises ConfigError for a newer database, a damaged older
    one, and an older one that must not be changed (``may_change``), as a server may be using it.
    """
    with engine.connect() as conn:
        with conn.begin():
            found = revision_of(conn)
            if found is None:
                s.metadata.create_all(conn)
                conn.execute(insert(s.alembic_version).values(version_num=REVISION))
                # For programs of revision 1, which look for it here.
                conn.execute(insert(s.meta).values(key="revision", value=REVISION))
                return
        if found != REVISION:
            _upgrade(conn, path, found, may_change)


def revision_of(conn: Connection) -> str | None:
    """The revision of the tables; None where there are none."""
    if conn.dialect.has_table(conn, s.alembic_version.name):
        return conn.execute(select(s.alembic_version.c.version_num)).scalar()
    if conn.dialect.has_table(conn, s.meta.name):
        return conn.execute(select(s.meta.c.value).where(s.meta.c.key == "revision")).scalar()
    return None


def _upgrade(conn: Connection, path: Path | None, found: str, may_change: bool) -> None:
    # Alembic takes a quarter of a second to import: only now.
    from . import migrations

    if found not in migrations.known():
        raise ConfigError(
            f"the database is at revision {found}, this program knows {REVISION}", path="store.url"
        )
    if not may_change:
        raise ConfigError(
            f"the database is at revision {found}: start the server once, which brings it to {REVISION}",
            path="store.url",
        )
    if path is not None:
        copy = path.with_name(f"{path.name}.before-{REVISION}")
        log.info(
            "The database is brought from revision %s to %s; a copy of it is in %s", found, REVISION, copy
        )
        _copy(path, copy)
    with conn.begin():
        try:
            migrations.upgrade(conn)
        except DBAPIError as error:
            if reason(error) is not None:
                raise
            raise _damaged(str(error.orig)) from error
        lacks = lacking(conn)
        if lacks is not None:
            raise _damaged(lacks)
    log.info("The database is at revision %s now", REVISION)


def lacking(conn: Connection) -> str | None:
    """Which table or columns of this revision are not there; None if all are."""
    inspector = inspect(conn)
    tables = inspector.get_table_names()
    for table in s.metadata.sorted_tables:
        if table.name not in tables:
            return f"the table {table.name!r} is missing"
        missing = {c.name for c in table.columns} - {c["name"] for c in inspector.get_columns(table.name)}
        if missing:
            return f"the table {table.name!r} lacks {', '.join(sorted(missing))}"
    return None


def _damaged(what: str) -> ConfigError:
    return ConfigError(
        f"the database can't be brought to revision {REVISION}, as it is damaged ({what}): restore it from a backup",
        path="store.url",
    )


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
