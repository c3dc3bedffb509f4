"""Compressed messages: what goes out can be read by all, what comes in is bounded, and nothing is kept."""

from __future__ import annotations

import contextlib
import os
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.web.websocket.deflate import COMPRESSED, WORTH_BYTES, InflatingParser, compress_frame, inflate
from chatserver.web.websocket.frames import frame
from chatserver.web.websocket.parser import BINARY, CONTINUATION, PING, TEXT, Message, ProtocolError
from tests.conftest import client_frame

MOST = 70_000
END = b"\x00\x00\xff\xff"


def packed(data: bytes, level: int = 6, bits: int = 15) -> bytes:
    """As a client compresses a message (RFC 7692, section 7.2.1)."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(END)


def parsed(*pieces: bytes, most: int = MOST) -> list[Message]:
    parser = InflatingParser(most)
    found = []
    for piece in pieces:
        parser.feed(piece)
        while (message := parser.next()) is not None:
            found.append(message)
    return found


def refused(*frames: bytes, most: int = MOST) -> int:
    with pytest.raises(ProtocolError) as caught:
        parsed(*frames, most=most)
    return caught.value.code


# Out


def test_only_what_is_larger_than_a_kibibyte_is_compressed():
    for size in (0, 1, 125, 126, 1000, WORTH_BYTES):
        whole = frame(b"x" * size)
        assert compress_frame(whole) is whole
    assert len(compress_frame(frame(b"x" * (WORTH_BYTES + 1)))) < 40


def test_what_does_not_get_smaller_goes_as_it_is():
    whole = frame(os.urandom(5000))
    assert compress_frame(whole) is whole


@given(st.text(min_size=1, max_size=50), st.integers(30, 4000))
def test_a_client_reads_what_was_sent(text, times):
    payload = (text * times).encode()
    whole = compress_frame(frame(payload))
    if whole[0] == TEXT | 0x80:
        assert whole == frame(payload)
        return
    assert whole[0] == TEXT | 0x80 | COMPRESSED
    start = 2 if whole[1] < 126 else 4 if whole[1] == 126 else 10
    assert zlib.decompressobj(-15).decompress(whole[start:] + END) == payload
    assert frame(whole[start:], whole[0]) == whole


# In


@pytest.mark.parametrize(
    "data",
    [
        "f2 48 cd c9 c9 07 00",
        "00 05 00 fa ff 48 65 6c 6c 6f 00",
        "f3 48 cd c9 c9 07 00 00",
        "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
    ],
)
def test_the_examples_of_the_rfc(data):
    """Section 7.2.3: a fixed block, one that isn't compressed, a final one, and two in a message."""
    assert inflate(bytes.fromhex(data), 5) == b"Hello"


@given(st.binary(max_size=3000), st.sampled_from([0, 1, 6, 9]), st.sampled_from([9, 12, 15]))
def test_any_level_and_window(data, level, bits):
    assert inflate(packed(data, level, bits), len(data)) == data


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused(data):
    with contextlib.suppress(ProtocolError):
        assert len(inflate(data, 1000)) <= 1000
    with contextlib.suppress(ProtocolError):
        parsed(data)
    with contextlib.suppress(ProtocolError):
        parsed(client_frame(data, TEXT | COMPRESSED))


@st.composite
def conversations(draw):
    """Bytes of messages, compressed or not, whole or in pieces with pings between; and what they should give."""
    data, expected = b"", []
    for _ in range(draw(st.integers(1, 4))):
        opcode, payload = draw(st.sampled_from([TEXT, BINARY])), draw(st.binary(max_size=400))
        deflated = draw(st.booleans())
        sent = packed(payload) if deflated else payload
        cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=3)))
        parts = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
        for index, part in enumerate(parts):
            if draw(st.booleans()):
                data += client_frame(b"?", PING)
                expected.append(Message(PING, b"?"))
            head = CONTINUATION if index else opcode | (COMPRESSED if deflated else 0)
            data += client_frame(part, head, final=index == len(parts) - 1)
        expected.append(Message(opcode, payload))
    return data, expected


@given(conversations(), st.data())
def test_any_pieces(conversation, chance):
    data, expected = conversation
    cuts = sorted(chance.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    assert parsed(*(data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True))) == expected


@pytest.mark.parametrize(
    "frames",
    [
        (client_frame(b"x", PING | COMPRESSED),),
        (client_frame(b"x", 8 | COMPRESSED),),
        (client_frame(b"x", TEXT | 0x20),),
        (client_frame(b"x", TEXT | COMPRESSED | 0x10),),
        (client_frame(packed(b"x"), CONTINUATION | COMPRESSED),),
        (
            client_frame(packed(b"x"), TEXT | COMPRESSED, final=False),
            client_frame(b"", CONTINUATION | COMPRESSED),
        ),
        (client_frame(b"x", TEXT, final=False), client_frame(packed(b"x"), TEXT | COMPRESSED)),
    ],
)
def test_the_bit_is_for_the_first_frame_of_a_message(frames):
    assert refused(*frames) == 1002


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 20,
        packed(os.urandom(500))[:-20],  # cut short
        packed(b"x" * 500) + b"more",
        bytes.fromhex("f3 48 cd c9 c9 07 00"),  # ends its stream, but not the message
        b"\x03\x00" * 1000,  # a thousand streams
    ],
)
def test_what_is_broken_is_invalid_data(data):
    assert refused(client_frame(data, TEXT | COMPRESSED)) == 1007


def test_too_large_is_too_large_however_small_it_was_made():
    exact = packed(b"x" * 1000)
    assert parsed(client_frame(exact, TEXT | COMPRESSED), most=1000)[0].data == b"x" * 1000
    assert refused(client_frame(packed(b"x" * 1001), TEXT | COMPRESSED), most=1000) == 1009
    # And a frame that is too large on the way isn't waited for.
    assert refused(client_frame(packed(os.urandom(1100)), TEXT | COMPRESSED)[:8], most=1000) == 1009


def test_a_bomb_takes_no_more_memory_than_a_message():
    bomb = client_frame(packed(bytes(60_000_000), 9), TEXT | COMPRESSED)
    assert len(bomb) < MOST
    tracemalloc.start()
    try:
        assert refused(bomb) == 1009
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * MOST


def test_nothing_is_kept_between_messages():
    parsers = [InflatingParser(MOST) for _ in range(100)]
    text = os.urandom(1000).hex().encode()
    data = client_frame(packed(text), TEXT | COMPRESSED)
    tracemalloc.start()
    try:
        for parser in parsers:
            parser.feed(data)
            assert parser.next() == Message(TEXT, text)
            assert compress_frame(frame(text))[0] & COMPRESSED
        here = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.Filter(True, "*/chatserver/web/websocket/deflate.py")]
        )
    finally:
        tracemalloc.stop()
    assert sum(each.size for each in here.statistics("filename")) < 2000
