"""What compression saves and costs: ``python -m benchmarks.compression``, four minutes.

The load generator doesn't speak permessage-deflate, so the clients here are Python: only the server's own processor
time and memory are looked at, never how fast it goes. What zlib takes for a frame is measured here, with zlib itself.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import struct
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from . import chat
from .folders import ROOT
from .launch import Launch
from .machine import LOAD_CORE
from .processes import Process, free_port

SERVER = chat.variant("chatserver", plugins=None)
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
END = b"\x00\x00\xff\xff"
LEVEL = 1
"""At which the server compresses. Where zlib makes another size of the same payload, no time is given for it."""
PAST = 500
MEMBERS = 100
MESSAGES = 1000
IDLE = 2000
ROUNDS = 3


class Wire:
    """A connection that counts what comes: ``size`` is the last frame's on the wire, ``payload`` what was in it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.size = 0
        self.payload = b""

    @classmethod
    async def open(cls, port: int, takes: bool, **hello: object) -> Wire:
        """Shake hands, with or without the offer, and say hello."""
        wire = cls(*await asyncio.open_connection("127.0.0.1", port))
        key = base64.b64encode(os.urandom(16)).decode()
        head = [
            "GET /ws HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *([OFFER] if takes else ()), "", "",
        ]  # fmt: skip
        wire._writer.write("\r\n".join(head).encode())
        await wire._reader.readuntil(b"\r\n\r\n")
        await wire.say(type="hello", **hello)
        return wire

    async def say(self, **fields: object) -> None:
        payload = json.dumps(fields).encode()
        # A mask of zeros is a mask.
        self._writer.write(struct.pack("!BBH", 0x81, 0xFE, len(payload)) + bytes(4) + payload)
        await self._writer.drain()

    async def until(self, type: str) -> dict[str, Any]:
        """The next event of this type."""
        while True:
            head, size = await self._reader.readexactly(2)
            long = {126: 2, 127: 8}.get(size, 0)
            if long:
                size = int.from_bytes(await self._reader.readexactly(long), "big")
            payload = await self._reader.readexactly(size)
            if head & 0x40:
                payload = zlib.decompressobj(-15).decompress(payload + END)
            self.size, self.payload = 2 + long + size, payload
            event: dict[str, Any] = json.loads(payload) if head & 15 == 1 else {"type": None}
            if event["type"] == type:
                return event

    async def ask(self, **fields: object) -> dict[str, Any]:
        await self.say(id="x", **fields)
        return await self.until("ok")

    def close(self) -> None:
        self._writer.transport.abort()


class Texts:
    """Texts of English words in any order, the same ones in each run; sentences would be smaller still."""

    def __init__(self) -> None:
        pages = " ".join(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md")))
        self._words = [word for word in pages.split() if word.isalpha()]
        self._random = random.Random(1)

    def make(self, size: int) -> str:
        text = ""
        while len(text) < size:
            text += self._random.choice(self._words) + " "
        return text[:size].strip()

    def usual(self) -> str:
        """As long as usual messages are."""
        return self.make(self._random.randint(20, 200))


@asynccontextmanager
async def running(compression: bool) -> AsyncIterator[Process]:
    """A server with all bundled plugins on its own core."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        settings = {"server": {"host": "127.0.0.1", "port": port, "compression": compression}}
        command = SERVER.command(Launch(port, Path(folder), 20, settings))
        with Process(command, port) as server:
            yield server


def micros(work: Callable[[], object]) -> float:
    """The best of some tries, each of about 5 ms."""
    began = time.perf_counter()
    work()
    times = max(1, int(0.005 / (time.perf_counter() - began)))
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(times):
            work()
        best = min(best, (time.perf_counter() - began) / times)
    return best * 1e6


def deflated(payload: bytes, level: int = LEVEL) -> bytes:
    """The payload of a compressed frame (RFC 7692, section 7.2.1), without a window that is kept."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[: -len(END)]


def framed(size: int) -> int:
    """Bytes of an unmasked frame with a payload of ``size`` bytes (RFC 6455, section 5.2)."""
    return size + (2 if size < 126 else 4 if size < 65536 else 10)


async def frames() -> None:
    """What one frame of each kind is on the wire, for clients with and without compression."""
    texts = Texts()
    print("| frame | bytes | compressed | | µs |\n|---|---|---|---|---|")
    async with running(True) as server:
        sender = await Wire.open(server.port, False, name="sender")
        welcome = await sender.until("welcome")
        await sender.ask(type="join", room="room0")
        for _ in range(PAST):
            await sender.ask(type="message", room="room0", content=texts.usual())
        pair = [await Wire.open(server.port, takes, token=welcome["token"]) for takes in (False, True)]

        async def row(name: str, kind: str, **fields: object) -> None:
            if fields:
                for wire in pair:
                    await wire.say(id="x", **fields)
            for wire in pair:
                await wire.until(kind)
            payload = pair[1].payload
            plain, packed = (wire.size for wire in pair)
            took = (
                f"{micros(lambda: deflated(payload)):.0f}" if packed == framed(len(deflated(payload))) else ""
            )
            print(f"| {name} | {plain:,} | {packed:,} | {packed / plain:.0%} | {took} |")

        await row("`welcome` of a returning user", "welcome")
        await row("`join`, the newest 50", "ok", type="join", room="room0")
        await row(f"`sync`, {PAST} events", "ok", type="sync", room="room0", after=1, limit=PAST)
        for size in (100, 500, 1500, 5000):
            await sender.say(type="message", room="room0", content=texts.make(size))
            await row(f"a message of {size:,} characters", "message")
    request = json.dumps({"type": "message", "room": "room0", "content": texts.make(1500)}).encode()
    packed = deflated(request, 6)
    took = micros(lambda: zlib.decompressobj(-15).decompress(packed + END, 65536))
    print(f"| from a client: 1,500 characters | {len(request):,} | {len(packed):,} "
          f"| {len(packed) / len(request):.0%} | {took:.0f} |")  # fmt: skip


async def fan_out(compression: bool, takes: bool, size: int) -> tuple[float, int]:
    """One message after the other to a room: the server's processor seconds for one, and its bytes to all."""
    texts = Texts()
    async with running(compression) as server:
        members = [await Wire.open(server.port, takes, name=f"member{n}") for n in range(MEMBERS)]
        for wire in members:
            await wire.ask(type="join", room="room0")

        async def say(times: int) -> None:
            for _ in range(times):
                await members[0].say(type="message", room="room0", content=texts.make(size))
                for wire in members:
                    await wire.until("message")

        await say(100)
        before = server.cpu_seconds()
        await say(MESSAGES)
        return (server.cpu_seconds() - before) / MESSAGES, members[1].size * MEMBERS


async def idle(compression: bool, takes: bool) -> float:
    """Resident bytes for each connection that has joined a room, and was sent a compressed page of it."""
    texts = Texts()
    async with running(compression) as server:
        first = await Wire.open(server.port, takes, name="first")
        await first.ask(type="join", room="room0")
        for _ in range(PAST):
            await first.ask(type="message", room="room0", content=texts.usual())
        before, wires = server.memory(), []
        for number in range(IDLE):
            wire = await Wire.open(server.port, takes, name=f"idle{number}")
            await wire.ask(type="join", room=f"room{number % 20}")
            await wire.ask(type="sync", room=f"room{number % 20}", after=0, limit=50)
            wires.append(wire)
        found = (server.memory() - before) / IDLE
        for wire in wires:
            wire.close()
        return found


async def main() -> None:
    os.sched_setaffinity(0, {LOAD_CORE})
    await frames()
    kinds = {"off": (False, False), "on, not taken": (True, False), "on, taken by all": (True, True)}
    print(f"\n| characters | compression | CPU µs / message to {MEMBERS} | bytes in all |\n|---|---|---|---|")
    for size in (100, 1500):
        rounds = [{name: await fan_out(*kind, size) for name, kind in kinds.items()} for _ in range(ROUNDS)]
        for name in kinds:
            # The lowest: what else runs on the machine only adds.
            seconds, sent = min(each[name] for each in rounds)
            print(f"| {size:,} | {name} | {seconds * 1e6:.0f} | {sent:,} |")
    print(f"\n| compression | KB / connection, of {IDLE:,} |\n|---|---|")
    for name, kind in kinds.items():
        print(f"| {name} | {await idle(*kind) / 1024:.1f} |")


if __name__ == "__main__":
    asyncio.run(main())
