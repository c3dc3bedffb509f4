"""A user who comes and goes leaves nothing that only the collector of reference cycles would find."""

from __future__ import annotations

import asyncio
import gc
import json
import socket

import pytest

VISITORS = 30


def framed(**request) -> bytes:
    data = json.dumps(request).encode()
    assert len(data) < 126
    return bytes((0x81, 0x80 | len(data), 0, 0, 0, 0)) + data


async def visit(port: int, name: str) -> None:
    """Come, enter a room, and hang up; over a bare socket, because clients leave cycles of their own."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        headers = (
            f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
        )  # fmt: skip
        handshake = "\r\n".join(("GET /ws HTTP/1.1", *headers, "", "")).encode()
        hello = framed(type="hello", name=name)
        await loop.sock_sendall(sock, handshake + hello + framed(type="join", id="j", room="general"))
        heard = b""
        while b'"re":"j"' not in heard:
            heard += await loop.sock_recv(sock, 65536)


@pytest.fixture
def garbage():
    """Collects, only when called; how many objects were found."""
    gc.disable()
    yield gc.collect
    gc.enable()


@pytest.mark.parametrize("transport", ["lean", "stream"])
async def test_a_visit_leaves_no_cycles(chat, garbage, eventually, transport):
    async with chat(plugins=["history"], settings={"server": {"transport": transport}}) as server:
        # The first time, statements are compiled and much is imported.
        for number in range(2 * VISITORS):
            if number == VISITORS:
                await eventually(lambda: len(server.server.context.keepalive) == 0)
                garbage()
            await visit(server.server.port, f"visitor{chr(97 + number % 26)}{number}")
        await eventually(lambda: len(server.server.context.keepalive) == 0)
        assert garbage() < VISITORS
