"""Frames are, byte for byte, what Tornado itself would send."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.websocket import WebSocketProtocol13

from chatserver.web.websocket.frames import CLOSE, PING, close_frame, frame


class Catching(WebSocketProtocol13):
    """As much of Tornado's protocol as it takes to write frames."""

    def __init__(self):
        self.mask_outgoing = False
        self.stream = self
        self.sent = b""
        self._wire_bytes_out = 0

    def write(self, data):
        self.sent += data


def by_tornado(payload: bytes, opcode: int) -> bytes:
    catching = Catching()
    catching._write_frame(True, opcode, payload)
    return catching.sent


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70_000])
def test_text_frames_of_every_length(size):
    assert frame(b"x" * size) == by_tornado(b"x" * size, 0x1)


@given(st.binary(max_size=125))
def test_control_frames(payload):
    assert frame(payload, PING) == by_tornado(payload, 0x9)


@given(st.integers(1000, 4999), st.text(max_size=200))
def test_close_frames_are_short_and_their_reason_is_utf8(code, reason):
    data = close_frame(code, reason)
    assert data[0] == CLOSE
    assert data[1] == len(data) - 2 <= 125
    assert struct.unpack("!H", data[2:4]) == (code,)
    cut = data[4:].decode()
    assert reason.encode(errors="ignore").decode().startswith(cut)
    assert by_tornado(data[2:], 0x8) == data
