"""The revision of the database's tables: made when new, brought up to date when old, refused when too new."""

from __future__ import annotations

import logging

from sqlalchemy import Connection, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from ..model.errors import ConfigError
from . import schema as s
from .database import Database
from .failures import reason

log = logging.getLogger(__name__)

REVISION = "11"
"""That of `schema`, the last one in migrations/versions. Revision 1 was before Alembic, and is noted in ``meta``."""


def bring_up_to_date(conn: Connection, database: Database, *, may_change: bool) -> None:
    """Make the tables of an empty database, and bring those of an older version over, after a copy where that is usual,
    in the transaction that is under way.

    Raises ConfigError for a newer database, a damaged older one, and an older one that must not be changed
    (``may_change``), as a server may be using it.
    """
    revision = revision_of(conn)
    if revision is None:
        s.metadata.create_all(conn)
        conn.execute(insert(s.alembic_version).values(version_num=REVISION))
        # For programs of revision 1, which look for it here.
        conn.execute(insert(s.meta).values(key="revision", value=REVISION))
    elif revision != REVISION:
        _upgrade(conn, database, revision, may_change)


def revision_of(conn: Connection) -> str | None:
    """The revision of the tables; None where there are none."""
    if conn.dialect.has_table(conn, s.alembic_version.name):
        return conn.execute(select(s.alembic_version.c.version_num)).scalar()
    if conn.dialect.has_table(conn, s.meta.name):
        return conn.execute(select(s.meta.c.value).where(s.meta.c.key == "revision")).scalar()
    return None


def _upgrade(conn: Connection, database: Database, found: str, may_change: bool) -> None:
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
    copy = database.back_up(REVISION)
    kept = "" if copy is None else f"; a copy of it is in {copy}"
    log.info("The database is brought from revision %s to %s%s", found, REVISION, kept)
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
