"""What is on its way: files that are being written, on the server's own disk, wherever whole ones are kept."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from pathlib import Path

from chatserver import write_whole

DESCRIPTION = ".json"


class Arriving:
    """Files arrive in ``partial``, those that may go on later in ``resumable``, and are stored once they are whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder / "partial"
        self._partial.mkdir(parents=True, exist_ok=True)
        self._resumable = folder / "resumable"
        self._resumable.mkdir(exist_ok=True)

    def clear(self, before: float) -> None:
        """Remove the partial files to which nothing came since ``before``: what a crash left.

        Newer ones may be another server's, where several share the folder.
        """
        for path in self._partial.iterdir():
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
            except FileNotFoundError:
                continue

    def begin(self) -> Path:
        """An empty file to append to."""
        path = self._partial / secrets.token_hex(16)
        path.touch(mode=0o600)
        return path

    def begin_resumable(self, description: bytes) -> Path:
        """An empty file to append to, which is there after a restart, too."""
        path = self._resumable / secrets.token_hex(16)
        path.touch(mode=0o600)
        self.describe(path, description)
        return path

    def describe(self, path: Path, description: bytes) -> None:
        """Write what is known of a resumable file."""
        write_whole(path.with_suffix(DESCRIPTION), description)

    def described(self, path: Path) -> bytes | None:
        try:
            return path.with_suffix(DESCRIPTION).read_bytes()
        except FileNotFoundError:
            return None

    def resumable(self, name: str) -> Path:
        """Where a resumable file is; its name is hexadecimal."""
        return self._resumable / name

    def all_resumable(self) -> list[Path]:
        return [path.with_suffix("") for path in self._resumable.glob(f"*{DESCRIPTION}")]

    def forget(self, path: Path) -> None:
        """Delete a resumable file, and what is known of it."""
        path.unlink(missing_ok=True)
        path.with_suffix(DESCRIPTION).unlink(missing_ok=True)

    async def append(self, path: Path, chunk: bytes) -> None:
        """Raises FileNotFoundError when the file was removed meanwhile, OSError when the disk is full."""
        await asyncio.to_thread(_append, path, chunk)

    def free(self) -> int:
        """How many bytes the disk has left."""
        return shutil.disk_usage(self._folder).free


def _append(path: Path, chunk: bytes) -> None:
    # Without O_CREAT: a chunk that comes after the upload was given up must not bring the file back.
    with open(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
        file.write(chunk)
