"""Stages for tests of our own: a server in the loop with windows on it, and a network that can be cut."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from playwright.async_api import Browser

from chatserver.testing import Harness
from chatserver.testing.browser import ARGUMENTS, UNREACHABLE, Chromium, Window, Windows, system_chromium

__all__ = [
    "ARGUMENTS",
    "UNREACHABLE",
    "Cable",
    "Chromium",
    "Stage",
    "Window",
    "Windows",
    "free_port",
    "system_chromium",
]


class Stage(Windows):
    """``async with stage(plugins=…, settings=…) as here``: a server in the loop, and windows on it."""

    def __init__(self, browser: Browser, server: Harness) -> None:
        super().__init__(browser, "")
        self.server = server

    async def __aenter__(self) -> Stage:
        await self.server.start()
        self.url = self.server.url
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        try:
            await super().__aexit__(kind, *rest)
        finally:
            await self.server.__aexit__(kind, *rest)

    def cable(self) -> Cable:
        return Cable(self.server.server.port)


class Cable:
    """A network that can be cut: what lies between a window and a server."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._open: set[asyncio.StreamWriter] = set()
        self.whole = True

    async def __aenter__(self) -> Cable:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Nothing gets through any more."""
        self.whole = False
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        self.whole = True

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.whole:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # Cut, or closed at the other end: the same to the reader.
        finally:
            self._open.discard(writer)
            writer.close()


def free_port() -> int:
    """A port for a server that is found again after a restart."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
