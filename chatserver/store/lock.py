"""One server for one database: its rooms' state lives in the server's memory, and two would write over each other."""

from __future__ import annotations

import fcntl
import logging
import os
import struct
import sys
from pathlib import Path

from ..model.errors import ConfigError

log = logging.getLogger(__name__)

_BYTE = 2**62
"""The byte of the database file that is locked: SQLite's own locks are around 2**30, and no file is that long."""


class Lock:
    """Held from construction to `release`; the system releases it when the process ends, however it ends."""

    def __init__(self, database: Path) -> None:
        """``database`` is its file. Raises ConfigError when another holds it, or the folder can't be written to."""
        # Only a server locks: the other commands start without it.
        from filelock import FileLock, Timeout

        if not database.parent.is_dir():
            # It would be made, where the file is a link into a volume that is not there.
            raise ConfigError(f"{database} is missing, and so is its folder", path="store.url")
        self._database = database
        self._file: int | None = None
        # Released by another thread than the one that took it.
        self._beside = FileLock(f"{database}.lock", timeout=0, mode=0o600, thread_local=False)
        try:
            self._beside.acquire()
        except Timeout as error:
            raise _taken(database) from error
        except OSError as error:
            raise ConfigError(f"can't be written to: {error}", path="data_dir") from error

    def pin(self) -> bool:
        """Lock the file itself too, which may have other names (hard links, mounts); whether it was made for that.

        Before SQLite opens it, as closing any descriptor of a file ends all of SQLite's locks on it in this process.
        Raises ConfigError when another holds it.
        """
        try:
            self._file = os.open(self._database, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(
                f"{self._database} can't be opened: {error.strerror}", path="store.url"
            ) from error
        if not _lock_byte(self._file):
            # Not closed: another server of this very process would lose its locks.
            self._file = None
            raise _taken(self._database)
        return os.fstat(self._file).st_size == 0

    def release(self) -> None:
        """Let another server have it; SQLite has closed it by now. The file beside it stays."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._beside.release()


def _taken(database: Path) -> ConfigError:
    return ConfigError(f"another server uses this database: {database}", path="data_dir")


def _lock_byte(file: int) -> bool:
    """Lock one byte of an open file (an open file description lock, fcntl(2)); False when another holds it.

    `filelock` locks whole files and makes them itself; `flock` on a network filesystem would keep SQLite out.
    """
    if sys.platform != "linux":
        return True
    wanted = struct.pack("hhqqi0q", fcntl.F_WRLCK, os.SEEK_SET, _BYTE, 1, 0)
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, wanted)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        log.info("the database file can't be locked itself, only the one beside it: %s", error.strerror)
    return True
