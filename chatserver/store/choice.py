"""Which kind of database a ``store.url`` names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.exc import DBAPIError

from ..model.errors import ConfigError
from .database import Database


def database(url: str, data_dir: Path, durability: str = "full") -> Database:
    """The database of a ``store.url``.

    ``durability`` is ``full`` (on the disk before a commit returns) or ``normal`` (may lose the last moments at a
    power cut, nothing at a crash). Raises ConfigError where what it needs is not installed.
    """
    if url.startswith(("postgresql:", "postgres:")):
        # Not imported, nor its driver, where it isn't used.
        from .postgresql import Postgresql

        return Postgresql(url, data_dir, durability)
    from .sqlite import SqliteFile, SqliteMemory

    return SqliteMemory() if url == "memory:" else SqliteFile(url, data_dir, durability)


def existing_database(url: str, data_dir: Path, durability: str) -> Database:
    """`database` for a command. Raises ConfigError where there is none (yet), or none that lasts."""
    if url == "memory:":
        raise ConfigError(
            "the log in memory is gone at the end; there is nothing to manage", path="store.url"
        )
    found = database(url, data_dir, durability)
    try:
        absent = found.absent()
    except DBAPIError as error:
        raise found.unopened(error) from error
    if absent:
        raise ConfigError(
            f"there is no database {found.name} (yet); start the server first, or name its --config"
        )
    return found
