"""What the server keeps is for its own user alone: other users of the machine can't read it."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from ..model.errors import ConfigError

log = logging.getLogger(__name__)

_OTHERS = 0o077
_DATABASE = ("", "-wal", "-shm", ".lock")
_EXPECTED = (
    "plugins",
    "plugins_off.json",
    "jwt_keys.json",
    "jwt_keys.json.partial",
    "jwt_keys.json.lock",
    "control.sock",
    "lost+found",
)


def make_private(folder: Path, database: Path | None) -> None:
    """Take the data folder, if it is there, and all in it from group and others. ``database`` is its file.

    Raises ConfigError where that can't be done, or would take from others what isn't the server's.
    """
    try:
        found = folder.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{folder} can't be read: {error.strerror}", path="data_dir") from error
    if not found.st_mode & _OTHERS:
        return
    obstacle = _obstacle(folder, found, database) or _tighten(folder)
    if obstacle:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(
            f"{folder} is open to other users of this machine (mode {mode:o}), and {obstacle}",
            path="data_dir",
            expected="a folder of the server's own with mode 700",
        )
    log.warning("%s was open to other users of this machine; now it is its owner's alone", folder)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _tighten(Path(parent, name))


def make_files_private(database: Path) -> None:
    """Take the database's files, those that there are, from group and others."""
    for suffix in _DATABASE:
        path = database.with_name(database.name + suffix)
        if path.exists():
            _tighten(path)


def _obstacle(folder: Path, found: os.stat_result, database: Path | None) -> str | None:
    if found.st_uid != os.geteuid():
        return "belongs to another user"
    if found.st_mode & stat.S_ISVTX:
        return "is meant for all of them"
    for name in foreign(folder, database):
        return f"holds other things than the server's, such as {name!r}"
    return None


def foreign(folder: Path, database: Path | None) -> Iterator[str]:
    """The names of what the server has not put into its folder. ``database`` is its file."""
    own = database.name if database is not None and database.parent == folder else "chat.db"
    for entry in os.scandir(folder):
        if entry.name not in _EXPECTED and not entry.name.startswith((own, ".")):
            yield entry.name


def _tighten(path: Path) -> str | None:
    """Why it couldn't be done. What a link to a file points to is left alone, a folder elsewhere is not."""
    try:
        if path.is_symlink() and not path.is_dir():
            return None
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            path.chmod(mode & ~_OTHERS)
        return "its filesystem keeps no permissions" if path.stat().st_mode & _OTHERS else None
    except OSError as error:
        return f"it can't be changed: {error.strerror}"
