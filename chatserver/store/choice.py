"""Which kind of database a ``store.url`` names."""

from __future__ import annotations

from pathlib import Path

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
