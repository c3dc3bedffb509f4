"""Frames from clients: whatever the pieces they come in, and whatever the RFC forbids."""

from __future__ import annotations

import contextlib
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.util import _websocket_mask

from chatserver.web.websocket.parser import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameParser,
    Message,
    ProtocolError,
    unmask,
)

MOST = 70_000


def sent(
    opcode: int, data: bytes = b"", *, fin: bool = True, mask: bytes | None = b"mask", rsv: int = 0
) -> bytes:
    """A frame as a client sends it; ``mask`` None leaves it unmasked."""
    head = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if mask is not None else 0
    size = len(data)
    if size < 126:
        front = struct.pack("!BB", head, bit | size)
    elif size < 65536:
        front = struct.pack("!BBH", head, bit | 126, size)
    else:
        front = struct.pack("!BBQ", head, bit | 127, size)
    return front + data if mask is None else front + mask + unmask(mask, data)


def parsed(*pieces: bytes, most: int = MOST) -> list[Message]:
    parser = FrameParser(most)
    found = []
    for piece in pieces:
        parser.feed(piece)
        while (message := parser.next()) is not None:
            found.append(message)
    return found


def violation(*frames: bytes, most: int = MOST) -> int:
    with pytest.raises(ProtocolError) as caught:
        parsed(b"".join(frames), most=most)
    return caught.value.code


payloads = st.one_of(st.binary(max_size=200), st.sampled_from([125, 126, 127, 65535, 65536]).map(os.urandom))
controls = st.tuples(st.sampled_from([PING, PONG]), st.binary(max_size=125))


@st.composite
def conversations(draw):
    """Bytes of several messages, whole or in fragments with control frames between, and what they should give."""
    data, expected = b"", []
    for _ in range(draw(st.integers(1, 4))):
        opcode, payload = draw(st.sampled_from([TEXT, BINARY])), draw(payloads)
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
        parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
        for index, part in enumerate(parts):
            for control, body in draw(st.lists(controls, max_size=1)):
                data += sent(control, body, mask=draw(st.binary(min_size=4, max_size=4)))
                expected.append(Message(control, body))
            last = index == len(parts) - 1
            data += sent(opcode if index == 0 else CONTINUATION, part, fin=last)
        expected.append(Message(opcode, payload))
    return data, expected


@given(conversations())
def test_one_piece(conversation):
    data, expected = conversation
    assert parsed(data) == expected


@given(conversations(), st.data())
def test_any_pieces(conversation, chance):
    data, expected = conversation
    cuts = sorted(chance.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert parsed(*pieces) == expected


def test_cut_at_every_byte():
    frames = (
        sent(TEXT, b"one"),
        sent(TEXT, b"tw", fin=False),
        sent(PING, b"p"),
        sent(CONTINUATION, b"o" * 300),
    )
    data = b"".join(frames)
    expected = [Message(TEXT, b"one"), Message(PING, b"p"), Message(TEXT, b"tw" + b"o" * 300)]
    for cut in range(len(data) + 1):
        assert parsed(data[:cut], data[cut:]) == expected
    assert parsed(*(data[n : n + 1] for n in range(len(data)))) == expected


@given(st.binary(max_size=400))
def test_any_bytes_give_messages_or_a_violation(data):
    with contextlib.suppress(ProtocolError):
        parsed(data)


@given(st.binary(min_size=4, max_size=4), st.binary(max_size=300))
def test_unmasking_is_what_tornado_does(mask, data):
    assert unmask(mask, data) == _websocket_mask(mask, data)


@pytest.mark.parametrize(
    "frames",
    [
        (sent(TEXT, b"x", mask=None),),
        (sent(PING, b"x", mask=None),),
        (sent(TEXT, b"x", rsv=4),),
        (sent(TEXT, b"x", rsv=1),),
        (sent(0x3, b"x"),),
        (sent(0xB, b"x"),),
        (sent(PING, b"x" * 126),),
        (sent(PING, b"x", fin=False),),
        (sent(CONTINUATION, b"x"),),
        (sent(TEXT, b"x", fin=False), sent(TEXT, b"y")),
        (sent(CLOSE, b"x"),),
    ],
)
def test_what_the_rfc_forbids_is_a_protocol_error(frames):
    assert violation(*frames) == 1002


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1100, 2999, 5000, 65535])
def test_close_codes_that_may_not_be_sent(code):
    assert violation(sent(CLOSE, struct.pack("!H", code))) == 1002


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999])
def test_close_codes_that_may(code):
    payload = struct.pack("!H", code) + "bye…".encode()
    assert parsed(sent(CLOSE, payload)) == [Message(CLOSE, payload)]


def test_a_close_reason_is_utf8():
    assert violation(sent(CLOSE, b"\x03\xe8\xff\xfe")) == 1007


def test_too_large_is_known_from_the_header_alone():
    assert violation(sent(TEXT, b"x" * 1001)[:4], most=1000) == 1009
    assert violation(sent(TEXT, b"x" * 70_000)[:10], most=1000) == 1009
    assert parsed(sent(TEXT, b"x" * 1000), most=1000) == [Message(TEXT, b"x" * 1000)]


def test_fragments_are_too_large_together():
    first = sent(TEXT, b"x" * 600, fin=False)
    assert violation(first, sent(CONTINUATION, b"x" * 401)[:8], most=1000) == 1009
    assert (
        parsed(first, sent(PING, b"p" * 100), sent(CONTINUATION, b"x" * 400), most=1000)[-1].data
        == b"x" * 1000
    )
