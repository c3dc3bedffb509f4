"""Compression over sockets: who takes it and who doesn't get the same, with either transport."""

from __future__ import annotations

import json
import os
import zlib

import pytest
from tornado.websocket import websocket_connect

from tests.conftest import RawSocket

pytestmark = pytest.mark.parametrize("transport", ["lean", "stream"])

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
COMPRESSED = 0x40
LONG = "a long text, and its html is as long " * 100


def by(transport, **more):
    return {"server": {"transport": transport, "compression": True}, **more}


def packed(data):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Deflating(RawSocket):
    """Takes compressed frames, each by itself; ``sizes`` has what came: compressed or not, on the wire, inflated."""

    def __init__(self, plain):
        super().__init__(plain.reader, plain.writer)
        self.sizes = []

    async def read_frame(self):
        head, payload = await self.read_whole()
        size = len(payload)
        if head & COMPRESSED:
            payload = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
        self.sizes.append((bool(head & COMPRESSED), size, len(payload)))
        return head & 15, payload

    async def enter(self, name="zip", **hello):
        """Shake hands, say hello and join; the reply to ``join``."""
        head = await self.upgrade("/ws", OFFER)
        assert AGREED in head
        await self.say(type="hello", **({"name": name} if name else {}), **hello)
        self.welcome = await self.until("welcome")
        await self.until("live")
        await self.say(type="join", id="join", room="general")
        return await self.until("ok")


async def test_who_is_asked_and_answers(chat, raw, quiet, transport):
    async with chat(settings=by(transport)) as server:
        for offer, answer in (
            ("permessage-deflate", AGREED),
            ("permessage-deflate; server_max_window_bits=9", None),
            ('permessage-deflate; x, permessage-deflate; server_max_window_bits="15"', "server_max_window_bits=15"),
            ("permessage-deflate\r\nSec-WebSocket-Extensions: x-other", AGREED),
            ("=;,,\"", None),
        ):  # fmt: skip
            async with raw(server) as socket:
                head = await socket.upgrade("/ws", f"Sec-WebSocket-Extensions: {offer}")
                assert head.startswith("HTTP/1.1 101 ")
                assert ("Sec-Websocket-Extensions" in head) is (answer is not None), head
                assert answer is None or answer in head
        async with raw(server) as socket:
            assert "permessage-deflate" not in await socket.upgrade()
    async with chat(settings={"server": {"transport": transport}}) as server, raw(server) as socket:
        assert "permessage-deflate" not in await socket.upgrade("/ws", OFFER)
        await socket.frame(packed(b'{"type":"hello","name":"x"}'), 1 | COMPRESSED)
        assert (await socket.to_the_end())[1] == 1002


async def test_all_hear_the_same(chat, raw, quiet, transport):
    async with chat(settings=by(transport), plugins=["history"]) as server, raw(server) as plain:
        alice, bob = await server.join("general", "alice", "bob")
        for n in range(20):
            await alice.says(f"{n}, said before")
        await bob.heard()
        socket = Deflating(plain)
        reply = await socket.enter()
        said = [e["content"] for e in reply["events"] if e["type"] == "message"]
        assert said == [f"{n}, said before" for n in range(20)]
        compressed, wire, size = socket.sizes[-1]
        assert compressed
        assert wire < size / 4
        before, socket.sizes = server.services.metrics.saved_bytes, []
        for text in ("short", LONG, "short again"):
            await alice.says(text)
        seen = [await socket.until("message") for _ in range(3)]
        assert seen == [await bob.hears() for _ in range(3)]
        assert [compressed for compressed, _, _ in socket.sizes] == [False, True, False]
        _, wire, size = socket.sizes[1]
        assert server.services.metrics.saved_bytes - before == size - wire
        # And back again, in pieces.
        said = packed(json.dumps({"type": "message", "room": "general", "content": LONG + "!"}).encode())
        await socket.frame(said[:10], 1 | COMPRESSED, final=False)
        await socket.frame(b"", 9)
        await socket.frame(said[10:], 0)
        assert (await alice.hears(content=LONG + "!")).user["name"] == "zip"


async def test_what_holds_a_token_is_not_compressed(chat, raw, quiet, transport):
    async with chat(settings=by(transport), plugins=["basics", "moderation"]) as server:
        async with raw(server) as plain:
            socket = Deflating(plain)
            await socket.enter()
            compressed, _, size = socket.sizes[0]
            assert socket.welcome["token"]
            assert size > 1024
            assert not compressed
        async with raw(server) as plain:
            again = Deflating(plain)
            await again.enter(name=None, token=socket.welcome["token"])
            assert "token" not in again.welcome
            assert again.sizes[0][0]


@pytest.mark.parametrize(
    ("payload", "opcode", "code"),
    [
        (packed(b" " * 20_000_000), 1, 1009),
        (b"\xff" * 50, 1, 1007),
        (packed(b"\xff\xfe"), 1, 1007),
        (b"x", 9, 1002),
    ],
    ids=["bomb", "broken", "not UTF-8", "ping"],
)
async def test_what_is_refused(chat, raw, quiet, transport, payload, opcode, code):
    async with chat(settings=by(transport)) as server, raw(server) as plain:
        (bob,) = await server.join("general", "bob")
        socket = Deflating(plain)
        await socket.enter()
        await socket.frame(payload, opcode | COMPRESSED)
        assert (await socket.to_the_end())[1] == code
        assert await bob.ask("ping")


async def test_a_slow_reader_is_measured_by_what_is_sent(chat, raw, quiet, transport):
    settings = by(transport, limits={"send_buffer_bytes": 65_536})
    async with chat(settings=settings) as server, raw(server, receive_buffer=4096) as plain:
        (alice,) = await server.join("general", "alice")
        socket = Deflating(plain)
        head = (await socket.enter())["room"]["head"]
        sent = 0
        while len(server.server.context.keepalive) == 2:
            # Half of it twice, in text and html, and the rest in half of the bits.
            await alice.says(f"{sent} {os.urandom(3500).hex()}")
            sent += 1
            assert sent < 5000
        events, code = await socket.to_the_end()
        assert code == 4013
        seqs = [e["seq"] for e in events if e["type"] == "message"]
        assert seqs == list(range(head + 1, head + 1 + len(seqs)))
        assert sum(size for _, _, size in socket.sizes) > 3 * sum(wire for _, wire, _ in socket.sizes)


async def test_another_programs_client(chat, quiet, transport):
    """Tornado's, which inflates what is compressed, and compresses what it sends.

    It says only one thing: as of 6.6 it does not heed ``client_no_context_takeover``, and what it says second refers
    to the first.
    """
    async with chat(settings=by(transport)) as server:
        (alice,) = await server.join("general", "alice")
        url = f"ws://127.0.0.1:{server.server.port}/ws/general"
        socket = await websocket_connect(url, compression_options={})
        await socket.write_message(json.dumps({"type": "hello", "name": "bob"}))
        await alice.hears("joined")
        before = server.services.metrics.compressed
        for text in (LONG, "short", LONG + "!"):
            await alice.says(text)
            while (event := json.loads(await socket.read_message()))["type"] != "message":
                pass
            assert event["content"] == text
        assert server.services.metrics.compressed == before + 2
        socket.close()
        while await socket.read_message() is not None:
            pass
