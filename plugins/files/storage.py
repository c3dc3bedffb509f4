"""Where whole files are kept: what every kind of storage does."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

READ_BYTES = 256 * 1024
_OURS = re.compile(r"[0-9a-f]{2}/([0-9a-f]{32})(?:\.webp)?")


class Storage(Protocol):
    """Keeps files by their ids, which are hexadecimal, each perhaps with a smaller picture.

    A file is there whole or not at all. All methods raise OSError where the storage fails.
    """

    async def check(self) -> None:
        """Raises ValueError for a storage that can't be used as it is set."""

    async def keep(self, path: Path, file_id: str) -> None:
        """Take a complete file over from the disk, safe from a power cut; its path is free then."""

    async def keep_preview(self, file_id: str, data: bytes) -> None:
        """Keep a smaller picture of a file."""

    async def preview(self, file_id: str) -> bytes:
        """The smaller picture. Raises FileNotFoundError where there is none."""

    async def has(self, file_id: str) -> bool:
        """Whether the file's bytes are there."""

    def read(self, file_id: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from ``start`` up to ``end``, which isn't included. Raises FileNotFoundError before the first."""

    async def delete(self, file_id: str) -> None:
        """Delete a file and its smaller picture, those that are there."""

    def ids(self, before: float) -> AsyncIterator[set[str]]:
        """The ids of all files and pictures that are older, in portions."""

    async def tidy(self, before: float) -> None:
        """Clear away what storing that was cut off before then has left."""


def place(file_id: str) -> str:
    """Where a file is, the same in every storage, so that files can be copied from one to another."""
    return f"{file_id[:2]}/{file_id}"


def preview_place(file_id: str) -> str:
    """Where its smaller picture is."""
    return f"{place(file_id)}.webp"


def id_of(name: str) -> str | None:
    """The id of the file that is kept there, None for what is not ours."""
    found = _OURS.fullmatch(name)
    return found[1] if found else None
