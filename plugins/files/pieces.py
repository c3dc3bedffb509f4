"""A file told as parts of another one."""

from __future__ import annotations

MOST_STEPS = 500_000
"""How many blocks a file may have, so that a small picture takes no long time. The largest have some ten thousands."""


class Pieces:
    """What of a picture is kept, in order: slices of its file, and bytes of our own. ``orientation`` is by Exif."""

    def __init__(self) -> None:
        self._steps = MOST_STEPS
        self.parts: list[bytes | slice] = []
        self.orientation = 1

    def keep(self, start: int, end: int) -> None:
        """Keep these bytes of the file."""
        last = self.parts[-1] if self.parts else None
        if isinstance(last, slice) and last.stop == start:
            self.parts[-1] = slice(last.start, end)
        elif start < end:
            self.parts.append(slice(start, end))

    def put(self, data: bytes) -> None:
        """Put other bytes here."""
        self.parts.append(data)

    def step(self) -> None:
        """Count a block of the file. Raises ValueError when there are too many."""
        self._steps -= 1
        if self._steps < 0:
            raise ValueError("too many blocks")
