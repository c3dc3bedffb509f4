"""WebSocket frames as they come from clients (RFC 6455, section 5): bytes in, messages out. No I/O.

The parser is strict: what the RFC forbids ends the connection with the code it names.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from ...model.errors import Close

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

CONTROL = 0x8
"""The bit that opcodes of control frames have."""

Unmask = Callable[[bytes, bytes], bytes]


class Message(NamedTuple):
    """A whole data message, put together where it came in pieces, or a control frame."""

    opcode: int
    data: bytes


class ProtocolError(Exception):
    """The other side broke the protocol; ``code`` is the close code to answer with."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def unmask(mask: bytes, data: bytes) -> bytes:
    """XOR with the repeated mask, as one big number."""
    size = len(data)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


class FrameParser:
    """Takes bytes as they come, in any pieces; gives messages of at most ``most`` bytes."""

    __slots__ = ("_at", "_buffer", "_most", "_opcode", "_pieces", "_unmask")

    def __init__(self, most: int, unmask: Unmask = unmask) -> None:
        self._most = most
        self._unmask = unmask
        self._buffer = b""
        self._at = 0
        self._opcode = 0
        self._pieces: bytearray | None = None

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._at = 0

    def next(self) -> Message | None:
        """The next message, or None until more has come. Raises `ProtocolError`; then nothing more may be asked."""
        # Most of what comes is one frame, after which nothing is left.
        while self._at < len(self._buffer):
            frame = self._frame()
            if frame is None:
                return None
            head, payload = frame
            opcode = head & 0x0F
            if opcode & CONTROL:
                if opcode == CLOSE:
                    check_close(payload)
                return Message(opcode, payload)
            # Whole and plain, as nearly all are; pieces in between were refused with the head.
            if 0x80 < head < 0x88:
                return Message(opcode, payload)
            whole = self._piece(head, opcode, payload)
            if whole is not None:
                return whole
        return None

    def _frame(self) -> tuple[int, bytes] | None:
        """The first byte and the unmasked payload of the next whole frame, taken off the buffer."""
        buffer, at = self._buffer, self._at
        have = len(buffer) - at
        if have < 2:
            return None
        head, size = buffer[at], buffer[at + 1]
        # A whole text, masked, as nearly all are, breaks no rule.
        if head != 0x81 or size < 0x80 or self._pieces is not None:
            self._check_head(head, size)
        size &= 0x7F
        start = at + 2
        if size == 126:
            start = at + 4
            if have < 4:
                return None
            size = buffer[at + 2] << 8 | buffer[at + 3]
        elif size == 127:
            start = at + 10
            if have < 10:
                return None
            (size,) = struct.unpack_from("!Q", buffer, at + 2)
        if not head & CONTROL and size + len(self._pieces or b"") > self._most:
            raise ProtocolError(Close.FRAME_TOO_LARGE, "message too big")
        end = start + 4 + size
        if len(buffer) < end:
            return None
        self._at = end
        return head, self._unmask(buffer[start : start + 4], buffer[start + 4 : end])

    def _check_head(self, head: int, size: int) -> None:
        opcode = head & 0x0F
        if head & 0x70:
            self._check_reserved(head)
        if not size & 0x80:
            raise ProtocolError(Close.PROTOCOL_ERROR, "frames from clients are masked")
        if opcode & CONTROL:
            if opcode > PONG:
                raise ProtocolError(Close.PROTOCOL_ERROR, "unknown opcode")
            if not head & 0x80 or size & 0x7F > 125:
                raise ProtocolError(Close.PROTOCOL_ERROR, "a control frame is whole and short")
        elif opcode > BINARY:
            raise ProtocolError(Close.PROTOCOL_ERROR, "unknown opcode")
        elif (opcode == CONTINUATION) != (self._pieces is not None):
            raise ProtocolError(Close.PROTOCOL_ERROR, "a fragmented message is out of order")

    def _check_reserved(self, head: int) -> None:
        """Raises `ProtocolError` for reserved bits that no extension gave a meaning."""
        raise ProtocolError(Close.PROTOCOL_ERROR, "reserved bits are set")

    def _piece(self, head: int, opcode: int, payload: bytes) -> Message | None:
        if self._pieces is None:
            self._opcode, self._pieces = opcode, bytearray()
        self._pieces += payload
        if not head & 0x80:
            return None
        whole = Message(self._opcode, bytes(self._pieces))
        self._pieces = None
        return whole


def check_text(data: bytes) -> None:
    """Raises `ProtocolError` for a text message that is not UTF-8 (section 8.1)."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            raise ProtocolError(Close.INVALID_DATA, "not UTF-8") from None


def check_close(payload: bytes) -> None:
    """Raises `ProtocolError` for a close frame that may not be sent (section 7.4)."""
    if not payload:
        return
    if len(payload) == 1:
        raise ProtocolError(Close.PROTOCOL_ERROR, "a close code has two bytes")
    code = payload[0] << 8 | payload[1]
    if not (3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in (1004, 1005, 1006))):
        raise ProtocolError(Close.PROTOCOL_ERROR, "this close code may not be sent")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise ProtocolError(Close.INVALID_DATA, "the reason is not UTF-8") from None
