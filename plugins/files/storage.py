"""The bytes: one file on disk for each, in a folder by the first two letters of its id."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from chatserver import write_whole

READ_BYTES = 256 * 1024
PREVIEW = ".webp"
DESCRIPTION = ".json"


class Storage:
    """Files arrive in ``partial`` and move to their place in one step, so that none is ever seen half-written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder / "partial"
        self._partial.mkdir(parents=True, exist_ok=True)
        self._resumable = folder / "resumable"
        self._resumable.mkdir(exist_ok=True)

    def clear_partial(self) -> None:
        """Remove the partial files that a crash left."""
        for path in self._partial.iterdir():
            path.unlink()

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

    async def keep(self, path: Path, file_id: str) -> None:
        """Move a complete file to its place, safe from a power cut."""
        await asyncio.to_thread(_move, path, self.path(file_id))

    async def keep_preview(self, file_id: str, data: bytes) -> None:
        """Keep a smaller picture of a file beside it."""
        await asyncio.to_thread(write_whole, self.preview(file_id), data)

    async def delete(self, file_id: str) -> None:
        for path in (self.path(file_id), self.preview(file_id)):
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def preview(self, file_id: str) -> Path:
        """Where the smaller picture of a file is."""
        return self.path(file_id).with_suffix(PREVIEW)

    def free(self) -> int:
        """How many bytes the disk has left."""
        return shutil.disk_usage(self._folder).free

    async def clear(self, known: set[str], before: float) -> int:
        """Delete bytes that are older than ``before`` and belong to no file that is ``known``; how many there were."""
        return await asyncio.to_thread(self._clear, known, before)

    def _clear(self, known: set[str], before: float) -> int:
        count = 0
        for path in self._folder.glob("??/*"):
            if path.stem not in known and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)
                count += 1
        return count

    def path(self, file_id: str) -> Path:
        """Where the file is; ids are hexadecimal, so that none leads out of the folder."""
        return self._folder / file_id[:2] / file_id

    async def read(self, file_id: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end``, which isn't included."""
        path = self.path(file_id)
        while start < end:
            chunk = await asyncio.to_thread(_read, path, start, min(READ_BYTES, end - start))
            if not chunk:
                raise OSError(f"{path} is shorter than it was")
            start += len(chunk)
            yield chunk


def _append(path: Path, chunk: bytes) -> None:
    # Without O_CREAT: a chunk that comes after the upload was given up must not bring the file back.
    with open(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
        file.write(chunk)


def _move(path: Path, place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    _sync(path)
    path.rename(place)
    _sync(place.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)
