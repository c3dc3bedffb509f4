"""Files on the disk: each in a folder by the first two letters of its id."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from chatserver import write_whole

from .storage import READ_BYTES, id_of, place, preview_place


class Folder:
    """A `Storage` on the disk. Files move to their place in one step, so that none is ever seen half-written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def check(self) -> None:
        """A folder that was made can be used."""

    async def keep(self, path: Path, file_id: str) -> None:
        await asyncio.to_thread(_move, path, self._folder / place(file_id))

    async def keep_preview(self, file_id: str, data: bytes) -> None:
        await asyncio.to_thread(write_whole, self._folder / preview_place(file_id), data)

    async def preview(self, file_id: str) -> bytes:
        return await asyncio.to_thread((self._folder / preview_place(file_id)).read_bytes)

    async def has(self, file_id: str) -> bool:
        return (self._folder / place(file_id)).exists()

    async def read(self, file_id: str, start: int, end: int) -> AsyncIterator[bytes]:
        path = self._folder / place(file_id)
        while start < end:
            chunk = await asyncio.to_thread(_read, path, start, min(READ_BYTES, end - start))
            if not chunk:
                raise OSError(f"{path} is shorter than it was")
            start += len(chunk)
            yield chunk

    async def delete(self, file_id: str) -> None:
        for name in (place(file_id), preview_place(file_id)):
            await asyncio.to_thread((self._folder / name).unlink, missing_ok=True)

    async def ids(self, before: float) -> AsyncIterator[set[str]]:
        for number in range(256):
            yield await asyncio.to_thread(_ids, self._folder / f"{number:02x}", before)

    async def tidy(self, before: float) -> None:
        await asyncio.to_thread(_tidy, self._folder, before)


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    _sync(path)
    path.rename(target)
    _sync(target.parent)


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


def _ids(folder: Path, before: float) -> set[str]:
    if not folder.is_dir():
        return set()
    with os.scandir(folder) as entries:
        found = [entry.name for entry in entries if entry.stat().st_mtime < before]
    return {file_id for name in found if (file_id := id_of(f"{folder.name}/{name}"))}


def _tidy(folder: Path, before: float) -> None:
    for path in folder.glob("[0-9a-f][0-9a-f]/*.part"):
        if path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
