"""What is wrong with the data folder and the database, found without changing either: for ``chatserver check``."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from ..config import Settings
from ..model.errors import ConfigError
from ..store.choice import existing_database
from ..store.folder import foreign
from ..store.revisions import REVISION, revision_of
from ..store.sqlite import database_file

LEAST_FREE_BYTES = 1024**3
"""Below it the disk is called nearly full."""


class Found(NamedTuple):
    """A sentence for people; ``wrong``: the server would not start, or should not."""

    text: str
    wrong: bool = True


def data_check(settings: Settings) -> Iterator[Found]:
    """What there is to say. A folder that isn't there yet is made by the start."""
    folder = settings.data_dir
    try:
        found = folder.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        yield Found(f"{folder} can't be read: {error.strerror}.")
        return
    yield from _folder_problems(folder, found, database_file(settings.store.url, folder))
    yield from _database_problems(settings)


def _folder_problems(folder: Path, found: os.stat_result, database: Path | None) -> Iterator[Found]:
    if not stat.S_ISDIR(found.st_mode):
        yield Found(f"{folder} is no folder.")
        return
    if os.geteuid() not in (0, found.st_uid):
        yield Found(f"{folder} belongs to another user (uid {found.st_uid}): run this as the server's user.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        yield Found(f"{folder} is open to other users of this machine (mode {mode:o}): it should be 700.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Found(f"{folder} can't be written to by this user.")
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        yield Found(f"{folder} has {free / 1024**2:.0f} MiB left on its disk: it is nearly full.")
    others = sorted(foreign(folder, database))
    if others:
        more = " …" if len(others) > 5 else ""
        yield Found(
            f"{folder} holds other things than the server's: {', '.join(others[:5])}{more}.", wrong=False
        )


def _database_problems(settings: Settings) -> Iterator[Found]:
    if settings.store.url == "memory:":
        yield Found("Messages are kept in memory (store.url): they are gone at the end.", wrong=False)
        return
    try:
        database = existing_database(settings.store.url, settings.data_dir, settings.store.durability)
    except ConfigError as error:
        # Before the first start there is none.
        if settings.store.url.startswith("sqlite:") and "there is no database" in str(error):
            return
        yield Found(f"{error}.")
        return
    try:
        database.claim("beside")
        with database.engine.connect() as conn:
            revision = revision_of(conn)
    except (ConfigError, DBAPIError) as error:
        yield Found(f"The database can't be read: {error}.")
        return
    finally:
        database.close()
    if revision is not None and revision != REVISION:
        told = f"{database.name} is at revision {revision}: the next start, or chatserver migrate, makes it {REVISION}."
        yield Found(told, wrong=False)
