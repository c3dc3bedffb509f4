"""A slow line to a server, for what a browser's own emulation doesn't slow down: WebSockets and handshakes."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

CHUNK = 1460
"""Bytes that go over the line at once: about a TCP segment."""


class SlowLine:
    """``async with SlowLine(url, rtt, bits) as line``: ``line.url`` is the server at the other end.

    ``rtt`` is in seconds, ``bits`` are those in a second, shared by all connections in each direction. A new
    connection costs one round trip more, as TCP's handshake does. ``received`` counts the bytes from the server.
    """

    def __init__(self, url: str, rtt: float, bits: int) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname, parts.port
        self._rtt, self._seconds_a_byte = rtt, 8 / bits
        self._free = {"up": 0.0, "down": 0.0}
        self._tasks: set[asyncio.Task[None]] = set()
        self.received = 0

    async def __aenter__(self) -> SlowLine:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._host, self._port)
        await asyncio.sleep(self._rtt)
        for task in (self._carry("up", reader, back), self._carry("down", there, writer)):
            made = asyncio.ensure_future(task)
            self._tasks.add(made)
            made.add_done_callback(self._tasks.discard)

    async def _carry(self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Each piece waits for its turn on the line, and arrives half a round trip later."""
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(CHUNK):
                self.received += len(data) if way == "down" else 0
                start = max(loop.time(), self._free[way])
                self._free[way] = start + len(data) * self._seconds_a_byte
                loop.call_at(self._free[way] + self._rtt / 2, self._write, writer, data)
                await asyncio.sleep(self._free[way] - loop.time())
        except ConnectionError:
            pass
        loop.call_at(max(loop.time(), self._free[way]) + self._rtt / 2, writer.close)

    @staticmethod
    def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
        if not writer.is_closing():
            writer.write(data)
