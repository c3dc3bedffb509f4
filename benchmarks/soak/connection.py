"""A client's WebSocket, small and fast enough for thousands of events a second in Python."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

ANSWER_SECONDS = 30.0
"""The longest an answer may take; the machine may be busy."""
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA


class Event(msgspec.Struct):
    """An event or a reply: those of its fields that the clients use."""

    type: str
    re: str | None = None
    room: Any = None
    seq: int = 0
    nonce: str | None = None
    token: str | None = None
    epoch: str = ""
    code: str = ""
    message: str = ""
    more: bool = False
    events: Sequence[Event] = ()


class Connection:
    """One connection. ``code`` is that of the close frame, 0 as long as none came."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: type[Event] = Event
    ) -> None:
        self.code = 0
        self._rest = b""
        self._reader = reader
        self._writer = writer
        self._decode = msgspec.json.Decoder(kind).decode

    @classmethod
    async def open(
        cls, port: int, receive_buffer: int | None = None, kind: type[Event] = Event
    ) -> Connection:
        """Connect and shake hands; what comes is decoded as ``kind``. Raises ConnectionError."""
        plain = socket.socket()
        plain.setblocking(False)
        if receive_buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        except BaseException:
            plain.close()
            raise
        reader, writer = await asyncio.open_connection(sock=plain)
        key = base64.b64encode(os.urandom(16)).decode()
        head = [
            "GET /ws HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", "",
        ]  # fmt: skip
        writer.write("\r\n".join(head).encode())
        try:
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_SECONDS)
        except (asyncio.IncompleteReadError, OSError) as error:
            writer.transport.abort()
            raise ConnectionError("no handshake") from error
        except BaseException:
            writer.transport.abort()
            raise
        if b" 101 " not in answer[:20]:
            writer.transport.abort()
            raise ConnectionError(answer.decode(errors="replace"))
        return cls(reader, writer, kind)

    def send(self, **fields: object) -> None:
        """Send a request."""
        self._frame(_TEXT, json.dumps(fields).encode())

    def _frame(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size) if size < 126 else b""
        if size >= 126:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        # A mask of zeros is a mask.
        self._writer.write(head + bytes(4) + payload)

    async def events(self) -> list[Event] | None:
        """The next events, at least one; None at the end."""
        found: list[Event] = []
        while not found:
            try:
                buffer = self._rest + await self._reader.read(65536)
            except OSError:
                return None
            if len(buffer) == len(self._rest):
                return None
            found = [self._decode(payload) for payload in self._texts(buffer)]
            if self.code:
                return found or None
        return found

    def _texts(self, buffer: bytes) -> Iterator[bytes]:
        """The payloads of the text frames in ``buffer``; pings are answered. What is incomplete is kept."""
        at, have = 0, len(buffer)
        while have - at >= 2:
            opcode, size, start = buffer[at] & 0x0F, buffer[at + 1], at + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                if have < start + wide:
                    break
                size = int.from_bytes(buffer[start : start + wide])
                start += wide
            if have < start + size:
                break
            at = start + size
            if opcode == _TEXT:
                yield buffer[start:at]
            elif opcode == _PING:
                self._frame(_PONG, buffer[start:at])
            elif opcode == _CLOSE:
                self.code = int.from_bytes(buffer[start : start + 2]) or 1005
                self._frame(_CLOSE, buffer[start : start + 2])
        self._rest = buffer[at:]

    def close(self) -> None:
        """Close with a close frame (RFC 6455, section 5.5.1)."""
        self._frame(_CLOSE, b"\x03\xe8")
        self._writer.close()

    def reset(self) -> None:
        """Close without a close frame: RST."""
        plain = self._writer.get_extra_info("socket")
        if plain is not None and plain.fileno() >= 0:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
