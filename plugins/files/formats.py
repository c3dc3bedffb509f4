"""JPEG, PNG, WebP and GIF: what of a file is the picture, and its orientation.

Each function raises ValueError, IndexError or struct.error for what it doesn't understand.
"""

from __future__ import annotations

import mmap
import re
import struct
import zlib

from .pieces import Pieces

ORIENTATION = 0x0112
"""The tag of Exif."""

_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""A marker with a segment, or the end. Among the pixels 0xFF is followed by zero or a restart marker."""
_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
_OF_APPLICATIONS = frozenset({*range(0xE0, 0xF0), 0xFE})
"""Segments of applications, and comments."""
_JPEG_KEPT = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
"""Those that say how to show the picture, with what they begin with."""
_EXIF = b"Exif\0\0"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_WEBP_EXIF, _WEBP_XMP = 0x08, 0x04
_GIF_KEPT = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")


def jpeg(data: mmap.mmap) -> Pieces:
    """ITU-T T.81, annex B."""
    if data[:2] != bytes((0xFF, _SOI)):
        raise ValueError("no JPEG")
    pieces = Pieces()
    pieces.keep(0, 2)
    at = 2
    while at < len(data):
        pieces.step()
        found = _JPEG_MARKER.match(data, at)
        if found is None:
            raise ValueError("no marker where one should be")
        marker, body = found[0][-1], found.end()
        if marker == _EOI:
            pieces.keep(body - 2, body)
            break
        (size,) = struct.unpack(">H", data[body : body + 2])
        start, at = body + 2, body + size
        if size < 2 or at > len(data):
            raise ValueError("a segment is cut")
        if marker == _SOS:
            following = _JPEG_MARKER.search(data, at)
            at = following.start() if following is not None else len(data)
        if marker not in _OF_APPLICATIONS or _begins(data, start, at, _JPEG_KEPT.get(marker)):
            pieces.keep(body - 2, at)
        elif marker == _APP1 and _begins(data, start, at, _EXIF) and pieces.orientation == 1:
            pieces.orientation = _orientation(data[start:at])
            if pieces.orientation != 1:
                exif = _EXIF + _minimal(pieces.orientation)
                pieces.put(struct.pack(">BBH", 0xFF, _APP1, len(exif) + 2) + exif)
    return pieces


def _begins(data: mmap.mmap, start: int, end: int, name: bytes | None) -> bool:
    return name is not None and data[start : min(start + len(name), end)] == name


def png(data: mmap.mmap) -> Pieces:
    """Portable Network Graphics, third edition, sections 5 and 11."""
    if data[:8] != _PNG:
        raise ValueError("no PNG")
    pieces, kind, at = Pieces(), b"", 8
    pieces.keep(0, 8)
    while kind != b"IEND":
        pieces.step()
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        start, at = at, at + 12 + size
        if at > len(data):
            raise ValueError("a chunk is cut")
        if kind in _PNG_KEPT:
            pieces.keep(start, at)
        elif kind == b"eXIf" and pieces.orientation == 1:
            pieces.orientation = _orientation(data[start + 8 : at - 4])
            if pieces.orientation != 1:
                exif = _minimal(pieces.orientation)
                crc = zlib.crc32(b"eXIf" + exif)
                pieces.put(struct.pack(f">I4s{len(exif)}sI", len(exif), b"eXIf", exif, crc))
    return pieces


def webp(data: mmap.mmap) -> Pieces:
    """RFC 9649, section 2: a RIFF file, whose header has its size, and whose chunk VP8X has flags for what follows."""
    riff, size, kind = struct.unpack("<4sI4s", data[:12])
    end, at = 8 + size, 12
    if (riff, kind) != (b"RIFF", b"WEBP") or end > len(data):
        raise ValueError("no WebP")
    pieces = Pieces()
    extended = b""
    while at < end:
        pieces.step()
        kind, size = struct.unpack("<4sI", data[at : at + 8])
        start, at = at, at + 8 + size
        if at > end:
            raise ValueError("a chunk is cut")
        at = min(at + size % 2, end)
        if kind == b"VP8X":
            extended = data[start:at]
        elif kind in _WEBP_KEPT:
            pieces.keep(start, at)
        elif kind == b"EXIF" and pieces.orientation == 1:
            pieces.orientation = _orientation(data[start + 8 : start + 8 + size])
            if pieces.orientation != 1:
                exif = _minimal(pieces.orientation)
                pieces.put(struct.pack("<4sI", b"EXIF", len(exif)) + exif)
    return _webp_with_header(data, pieces, extended, end)


def _webp_with_header(data: mmap.mmap, pieces: Pieces, extended: bytes, end: int) -> Pieces:
    if extended:
        flags = extended[8] & ~(_WEBP_EXIF | _WEBP_XMP) | (_WEBP_EXIF if pieces.orientation != 1 else 0)
        extended = extended[:8] + bytes((flags,)) + extended[9:]
    size = sum(len(part) if isinstance(part, bytes) else part.stop - part.start for part in pieces.parts)
    header = struct.pack("<4sI4s", b"RIFF", 4 + len(extended) + size, b"WEBP") + extended
    if header == data[: len(header)] and len(header) + size == end == len(data) and len(pieces.parts) == 1:
        pieces.parts = [slice(0, end)]
    else:
        pieces.parts.insert(0, header)
    return pieces


def gif(data: mmap.mmap) -> Pieces:
    """GIF89a, sections 17 to 27. What stays of its extensions: how often and how long, and the profile."""
    if data[:6] not in (b"GIF87a", b"GIF89a"):
        raise ValueError("no GIF")
    pieces = Pieces()
    at = 13 + _palette(data[10])
    pieces.keep(0, at)
    while True:
        pieces.step()
        start, kind = at, data[at]
        if kind == 0x3B:
            pieces.keep(at, at + 1)
            return pieces
        if kind == 0x2C:
            at = _after_blocks(pieces, data, at + 11 + _palette(data[at + 9]))
            pieces.keep(start, at)
        elif kind == 0x21:
            label, name = data[at + 1], data[at + 3 : at + 14]
            at = _after_blocks(pieces, data, at + 2)
            # A comment is 0xFE, the extension of an application 0xFF.
            if label < 0xFE or (label == 0xFF and name in _GIF_KEPT):
                pieces.keep(start, at)
        else:
            raise ValueError("no block where one should be")


def _palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(pieces: Pieces, data: mmap.mmap, at: int) -> int:
    while size := data[at]:
        pieces.step()
        at += 1 + size
    return at + 1


def _orientation(exif: bytes) -> int:
    from PIL import Image

    found = Image.Exif()
    try:
        found.load(exif)
        value = found.get(ORIENTATION)
    except Exception:
        # Pillow raises all sorts of things. A picture with broken metadata is shown as it lies.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _minimal(orientation: int) -> bytes:
    """Exif with nothing but the orientation: a TIFF header, and one entry."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, ORIENTATION, 3, 1, orientation, 0, 0)
