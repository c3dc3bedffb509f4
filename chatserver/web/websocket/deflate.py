"""Compressed messages (RFC 7692, permessage-deflate) without a context: each frame stands alone, and nothing is kept.

So a frame is compressed once, and the result is the same bytes for all clients that take it. No I/O.
"""

from __future__ import annotations

import zlib

from ...model.errors import Close
from .frames import frame
from .parser import BINARY, TEXT, FrameParser, Message, ProtocolError

WORTH_BYTES = 1024
"""Payloads up to this size go as they are: there is little to win, and each frame costs some microseconds."""
LEVEL = 1
"""Of zlib's: 6 takes up to four times as long, to save another 2 % of the original."""
WINDOW_BITS = 15
"""zlib's largest window. A text and its html may be further apart than smaller ones reach."""

COMPRESSED = 0x40
"""The bit RSV1 in a message's first frame (section 6)."""
_END = b"\x00\x00\xff\xff"
"""What a flush ends with; it is not sent (section 7.2.1)."""
_REST = _END + b"\x03\x00"
"""What a message lacks to be a stream that zlib sees the end of: that, and an empty final block."""


def compress_frame(whole: bytes) -> bytes:
    """A text frame built by `chatserver.web.websocket.frames.frame`, compressed; ``whole`` where that wins nothing."""
    size = len(whole)
    if size <= WORTH_BYTES + 4:
        return whole
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -WINDOW_BITS)
    payload = memoryview(whole)[4 if whole[1] == 126 else 10 :]
    packed = compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)
    # Without context takeover the window starts empty with each frame (section 7.1.1).
    made = frame(packed.removesuffix(_END), whole[0] | COMPRESSED)
    return made if len(made) < size else whole


def inflate(data: bytes, most: int) -> bytes:
    """A message's payload as it was before (section 7.2.2), never building more than ``most`` bytes and one.

    Raises `ProtocolError`: 1009 for a message that is larger, 1007 for what can't be decompressed.
    """
    inflater = zlib.decompressobj(-WINDOW_BITS)
    try:
        found = inflater.decompress(data + _REST, most + 1)
    except zlib.error:
        raise ProtocolError(Close.INVALID_DATA, "a message can't be decompressed") from None
    if len(found) > most:
        raise ProtocolError(Close.FRAME_TOO_LARGE, "message too big")
    # The sender may have ended its own stream (section 7.2.3.4), but not in the middle: thousands of tiny streams in a
    # message would keep the loop.
    if not inflater.eof or inflater.unused_data not in (b"", b"\x00" + _REST):
        raise ProtocolError(Close.INVALID_DATA, "a message can't be decompressed")
    return found


class InflatingParser(FrameParser):
    """A `FrameParser` for a peer that may send compressed messages; ``most`` bounds them before and after."""

    __slots__ = ("_compressed",)

    def _check_reserved(self, head: int) -> None:
        if head & 0x70 != COMPRESSED or head & 0x0F not in (TEXT, BINARY):
            super()._check_reserved(head)

    def _piece(self, head: int, opcode: int, payload: bytes) -> Message | None:
        if opcode:
            self._compressed = bool(head & COMPRESSED)
        whole = super()._piece(head, opcode, payload)
        if whole is None or not self._compressed:
            return whole
        return Message(whole.opcode, inflate(whole.data, self._most))
