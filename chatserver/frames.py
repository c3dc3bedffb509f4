"""WebSocket frames as a server sends them (RFC 6455, section 5.2): final, unmasked, no extension."""

from __future__ import annotations

import struct

TEXT = 0x81
CLOSE = 0x88
PING = 0x89
PONG = 0x8A


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole frame around ``payload``. Control frames carry 125 bytes at most; the caller sees to it."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", opcode, 126, size) + payload
    return struct.pack("!BBQ", opcode, 127, size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; a long ``reason`` is cut to what fits."""
    text = reason.encode()[:123].decode(errors="ignore").encode()
    return frame(struct.pack("!H", code) + text, CLOSE)
