"""Proxies as some networks have them: each stands between a window and a server, and is in the way of WebSockets."""

from __future__ import annotations

import asyncio

from browser_kit import Cable


class NoUpgrades(Cable):
    """Answers every upgrade with an error. ``refused`` counts them; a connection carries one request."""

    refused = 0

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        if not self.whole:
            writer.transport.abort()
        elif b"upgrade: websocket" in head.lower():
            await self._upgrade(head, reader, writer)
        else:
            await self._request(head.replace(b"Connection: keep-alive", b"Connection: close"), reader, writer)

    async def _upgrade(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.refused += 1
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def _request(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        back.write(head)
        await asyncio.gather(self._copy(reader, back), self._answer(head, there, writer))

    async def _answer(self, head: bytes, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._copy(there, writer)


class Silent(NoUpgrades):
    """Makes the WebSocket's handshake, and passes nothing on after it."""

    async def _upgrade(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.refused += 1
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        back.write(head)
        writer.write(await there.readuntil(b"\r\n\r\n"))
        self._open.update((writer, back))
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        finally:
            writer.close()
            back.close()


class Buffering(NoUpgrades):
    """Refuses upgrades, and holds back an answer of events until it is complete. ``held`` counts those."""

    held = 0

    async def _answer(self, head: bytes, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"text/event-stream" not in head:
            await super()._answer(head, there, writer)
            return
        self.held += 1
        whole = b""
        while data := await there.read(65536):
            whole += data
        writer.write(whole)
        writer.close()
