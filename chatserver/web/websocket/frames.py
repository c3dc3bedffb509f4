"""WebSocket frames as a server sends them (RFC 6455, section 5.2): final and unmasked."""

from __future__ import annotations

import struct

TEXT = 0x81
CLOSE = 0x88
PING = 0x89
PONG = 0x8A


def frame(payload: bytes, head: int = TEXT) -> bytes:
    """One whole frame around ``payload``; ``head`` is its first byte.

    Control frames carry 125 bytes at most; the caller sees to it.
    """
    size = len(payload)
    if size < 126:
        return bytes((head, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", head, 126, size) + payload
    return struct.pack("!BBQ", head, 127, size) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; a long ``reason`` is cut to what fits."""
    text = reason.encode()[:123].decode(errors="ignore").encode()
    return frame(struct.pack("!H", code) + text, CLOSE)
