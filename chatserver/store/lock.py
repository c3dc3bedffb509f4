"""One server for one database: its rooms' state lives in the server's memory, and two would write over each other."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ..model.errors import ConfigError


class Lock:
    """Held from construction to `release`; the system releases it when the process ends, however it ends."""

    def __init__(self, database: Path) -> None:
        """``database`` is its file. Raises ConfigError when another holds it, or the folder can't be written to."""
        path = database.with_name(database.name + ".lock")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigError(f"can't be written to: {error}", path="data_dir") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise ConfigError(f"another server uses this database: {database}", path="data_dir") from error

    def release(self) -> None:
        """Let another server have it. The file stays: removing it could take it away from that one."""
        os.close(self._file)
