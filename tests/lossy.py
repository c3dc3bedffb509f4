"""A proxy for Redis that loses, doubles, delays and reorders what is published, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import random


class LossyProxy:
    """Passes on what a Redis says to its clients. Of the messages of its topics it loses a part, sends a part twice,
    and lets a part come after later ones, up to ``delay`` seconds."""

    def __init__(self, port: int, seed: int, delay: float = 0.3) -> None:
        self._port = port
        self._random = random.Random(seed)
        self._delay = delay
        self.losing = True
        self.lost = self.doubled = self.late = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._whole = True
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> LossyProxy:
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    def cut(self) -> None:
        """Cut all connections, and take no more."""
        self._whole = False
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Take connections again."""
        self._whole = True

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._whole:
            writer.transport.abort()
            return
        there, out = await asyncio.open_connection("127.0.0.1", self._port)
        pipes = [
            asyncio.create_task(work) for work in (self._pass(reader, out), self._answers(there, writer))
        ]
        self._tasks.update(pipes)
        self._writers.update((writer, out))
        await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        for pipe in pipes:
            pipe.cancel()
            self._tasks.discard(pipe)
        for each in (writer, out):
            self._writers.discard(each)
            each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                data = await _value(reader)
                if self.losing and b"$7\r\nmessage\r\n" in data[:20] and not data.endswith(b"!\r\n"):
                    self._spoil(data, writer)
                else:
                    writer.write(data)

    def _spoil(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        chance = self._random.random()
        if chance < 0.1:
            self.lost += 1
            return
        if chance < 0.2:
            self.doubled += 1
            writer.write(data)
        elif chance < 0.4:
            self.late += 1
            asyncio.get_running_loop().call_later(self._random.random() * self._delay, writer.write, data)
            return
        writer.write(data)


async def _value(reader: asyncio.StreamReader) -> bytes:
    """One value of RESP, as it came."""
    line = await reader.readuntil(b"\r\n")
    kind, rest = line[:1], line[1:-2]
    if kind in b"$=!" and rest != b"-1":
        return line + await reader.readexactly(int(rest) + 2)
    if kind in b"*>~" and rest != b"-1":
        return line + b"".join([await _value(reader) for _ in range(int(rest))])
    if kind == b"%":
        return line + b"".join([await _value(reader) for _ in range(2 * int(rest))])
    return line
