"""AVIF and HEIC: boxes that point at places in the file, so that metadata are blanked where they lie."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from typing import NamedTuple

from .pieces import Pieces

_NOTES = frozenset({b"udta", b"uuid", b"meta"})
"""Boxes of a film or a track that hold metadata alone."""
_ITEMS = frozenset({b"Exif", b"mime"})
"""Types of items that are metadata; ``mime`` is XMP."""


class Box(NamedTuple):
    """``start`` is where its size stands, ``body`` where its content begins."""

    kind: bytes
    start: int
    body: int
    end: int


def heif(data: mmap.mmap) -> Pieces:
    """The file (ISO/IEC 14496-12, 23008-12) with its metadata blanked, and as long as it was.

    Exif says nothing about the orientation here. Raises ValueError, IndexError or struct.error for what isn't
    understood.
    """
    if data[4:8] != b"ftyp":
        raise ValueError("no file of boxes")
    return _Metadata(data).blanked()


class _Metadata:
    """Finds metadata: ``_blank`` are places in the file, ``_renamed`` those of types that become ``free``."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._pieces = Pieces()
        self._blank: list[tuple[int, int]] = []
        self._renamed: list[int] = []

    def blanked(self) -> Pieces:
        for box in self._boxes(0, len(self._data)):
            if box.kind == b"meta":
                self._find_items(box)
            elif box.kind == b"uuid":
                self._drop(box)
            elif box.kind == b"moov":
                self._find_notes(box)
        at = 0
        changes = [(start, end, b"") for start, end in self._blank]
        changes += [(start, start + 4, b"free") for start in self._renamed]
        for start, end, new in sorted(changes):
            if not at <= start <= end <= len(self._data):
                raise ValueError("metadata lie outside of the file, or over each other")
            new = new or bytes(end - start)
            self._pieces.keep(at, start)
            if self._data[start:end] == new:
                self._pieces.keep(start, end)
            else:
                self._pieces.put(new)
            at = end
        self._pieces.keep(at, len(self._data))
        return self._pieces

    def _boxes(self, start: int, end: int) -> Iterator[Box]:
        while start < end:
            self._pieces.step()
            size, kind = struct.unpack(">I4s", self._data[start : start + 8])
            body = start + 8
            if size == 1:
                (size,) = struct.unpack(">Q", self._data[body : body + 8])
                body += 8
            elif size == 0:
                size = end - start
            if not body <= start + size <= end:
                raise ValueError("a box is cut")
            yield Box(kind, start, body, start + size)
            start += size

    def _drop(self, box: Box) -> None:
        self._renamed.append(box.start + 4)
        self._blank.append((box.body, box.end))

    def _find_notes(self, parent: Box) -> None:
        for box in self._boxes(parent.body, parent.end):
            if box.kind in _NOTES:
                self._drop(box)
            elif box.kind == b"trak" and parent.kind == b"moov":
                self._find_notes(box)

    def _find_items(self, meta: Box) -> None:
        """What the file's ``meta`` says of items: which are metadata, and where they lie."""
        boxes = {box.kind: box for box in self._boxes(meta.body + 4, meta.end)}
        if b"iinf" not in boxes:
            return
        found = dict(self._metadata_items(boxes[b"iinf"]))
        if not found:
            return
        self._renamed += found.values()
        if b"iloc" not in boxes:
            raise ValueError("items without places")
        for item, place in self._places(boxes[b"iloc"], boxes.get(b"idat")):
            if item in found and place is None:
                raise ValueError("metadata lie where we can't blank them")
            if item in found and place is not None:
                self._blank.append(place)

    def _metadata_items(self, iinf: Box) -> Iterator[tuple[int, int]]:
        """Ids of the items, and where their type stands."""
        counted = 4 if self._data[iinf.body] else 2
        for box in self._boxes(iinf.body + 4 + counted, iinf.end):
            version = self._data[box.body]
            if box.kind != b"infe" or version not in (2, 3):
                raise ValueError("an item without a type")
            wide = 4 if version == 3 else 2
            place = box.body + 4 + wide + 2
            if self._data[place : place + 4] in _ITEMS:
                yield int.from_bytes(self._data[box.body + 4 : box.body + 4 + wide], "big"), place

    def _places(self, iloc: Box, idat: Box | None) -> Iterator[tuple[int, tuple[int, int] | None]]:
        """Ids of items, each with a part of the file that it lies in; None where that is told in a rare way."""
        table = _Table(self._data, iloc.body, iloc.end)
        version = table.number(1)
        table.number(3)
        offset_size, length_size = divmod(table.number(1), 16)
        base_size, index_size = divmod(table.number(1), 16)
        for _ in range(table.number(4 if version == 2 else 2)):
            item = table.number(4 if version == 2 else 2)
            method = table.number(2) & 15 if version else 0
            elsewhere = table.number(2)
            base = table.number(base_size)
            for _ in range(table.number(2)):
                self._pieces.step()
                table.number(index_size if version else 0)
                start, length = base + table.number(offset_size), table.number(length_size)
                if method == 1 and idat is not None:
                    start += idat.body
                in_file = (method == 0 or (method == 1 and idat is not None)) and not elsewhere and length
                yield item, (start, start + length) if in_file else None


class _Table:
    """Numbers, one after the other."""

    def __init__(self, data: mmap.mmap, at: int, end: int) -> None:
        self._data = data
        self._at = at
        self._end = end

    def number(self, size: int) -> int:
        """The next ``size`` bytes as a number; 0 for none. Raises ValueError at the end."""
        start, self._at = self._at, self._at + size
        if self._at > self._end:
            raise ValueError("a table is cut")
        return int.from_bytes(self._data[start : self._at], "big")
