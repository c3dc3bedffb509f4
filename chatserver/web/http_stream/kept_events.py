"""The events of one stream that its client may ask for once more, as its connection may be cut on the way."""

from __future__ import annotations

from collections import deque

from .codec import END


class KeptEvents:
    """Events in order, numbered from 1, in the chunks of bytes in which they came.

    ``first`` is the number of the oldest one that is kept, ``last`` that of the newest; ``size`` is in bytes.
    """

    def __init__(self) -> None:
        self.first = 1
        self.last = 0
        self.size = 0
        self._chunks: deque[tuple[int, bytes]] = deque()

    def add(self, chunk: bytes) -> None:
        """Keep one or more whole events."""
        self.last += chunk.count(END)
        self.size += len(chunk)
        self._chunks.append((self.last, chunk))

    def after(self, number: int, most: int | None = None) -> tuple[list[bytes], int]:
        """The events after the one of this number, and the number of the last one of them.

        They end with the chunk that exceeds ``most`` bytes, where that is given.
        """
        found: list[bytes] = []
        for last, chunk in reversed(self._chunks):
            if last <= number:
                break
            found.append(chunk)
        found.reverse()
        if not found:
            return [], number
        begin = self.last - sum(chunk.count(END) for chunk in found)
        found[0] = _without(found[0], number - begin)
        if most is None:
            return found, self.last
        taken, size, last = 0, 0, number
        for chunk in found:
            taken, size, last = taken + 1, size + len(chunk), last + chunk.count(END)
            if size > most:
                break
        return found[:taken], last

    def forget(self, number: int) -> None:
        """Drop all up to this number: the client has them."""
        while self._chunks and self._chunks[0][0] <= number:
            self._drop()
        if self._chunks and self.first <= number:
            last, chunk = self._chunks[0]
            rest = _without(chunk, number + 1 - self.first)
            self._chunks[0] = last, rest
            self.size -= len(chunk) - len(rest)
            self.first = number + 1

    def trim(self, number: int, most: int) -> None:
        """Drop the oldest of those up to this number, until at most so many bytes are left."""
        while self.size > most and self._chunks and self._chunks[0][0] <= number:
            self._drop()

    def _drop(self) -> None:
        last, chunk = self._chunks.popleft()
        self.first = last + 1
        self.size -= len(chunk)


def _without(chunk: bytes, events: int) -> bytes:
    """A chunk without its first so many events."""
    return chunk.split(END, events)[events] if events > 0 else chunk
