"""The bare socket: what comes while a request is awaited waits in the kernel, in order, and the end comes last."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from chatserver.model.errors import Close
from chatserver.web.websocket.frames import close_frame
from chatserver.web.websocket.parser import CLOSE
from chatserver.web.websocket.socket_transport import SocketTransport
from chatserver.web.websocket.transport import State, Transport
from tests.conftest import client_frame


class Owner:
    """Notes what comes; ``answer`` says what of it has to be awaited."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.changed = asyncio.Event()
        self.lost = asyncio.Event()
        self.answer: Callable[[bytes], Awaitable[None] | None] = lambda data: None

    def on_open(self, transport: Transport) -> None:
        pass

    def on_direct(self, fd: int) -> None:
        pass

    def on_message(self, data: bytes, text: bool) -> Awaitable[None] | None:
        self.heard.append(data)
        self.changed.set()
        return self.answer(data)

    async def hears(self, count: int) -> list[bytes]:
        while len(self.heard) < count:
            self.changed.clear()
            await self.changed.wait()
        return self.heard

    def on_activity(self) -> None:
        pass

    def on_protocol_error(self, code: Close, reason: str) -> None:
        raise AssertionError(reason)

    def on_closed(self) -> None:
        assert not self.lost.is_set()
        self.lost.set()


@asynccontextmanager
async def pair() -> AsyncIterator[tuple[Owner, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    owner = Owner()
    transport = SocketTransport(owner, ours, 1000, inflates=False)
    transport.start(b"")
    try:
        yield owner, theirs
    finally:
        theirs.close()
        transport.abort()


async def test_what_comes_meanwhile_waits_in_the_kernel():
    async with pair() as (owner, theirs):
        gate = asyncio.Event()

        async def wait() -> None:
            await gate.wait()

        owner.answer = lambda data: wait() if data == b"first" else None
        theirs.send(client_frame(b"first"))
        await owner.hears(1)
        sent = 0
        while True:  # until nothing more fits: it is not read on our side
            try:
                theirs.send(client_frame(b"%06d" % sent))
            except BlockingIOError:
                break
            sent += 1
            await asyncio.sleep(0)
        assert owner.heard == [b"first"]
        gate.set()
        assert await owner.hears(1 + sent) == [b"first", *(b"%06d" % number for number in range(sent))]


async def test_the_end_comes_after_what_is_awaited():
    async with pair() as (owner, theirs):
        gate = asyncio.Event()

        async def wait() -> None:
            await gate.wait()
            assert not owner.lost.is_set()

        owner.answer = lambda data: wait()
        theirs.send(client_frame(b"first") + client_frame(b"second"))
        await owner.hears(1)
        theirs.close()
        gate.set()
        await owner.lost.wait()
        assert owner.heard == [b"first", b"second"]


@pytest.mark.parametrize("error", [asyncio.CancelledError, ValueError])
async def test_a_request_that_fails_ends_the_connection(error):
    async with pair() as (owner, theirs):

        async def fail() -> None:
            raise error

        owner.answer = lambda data: fail()
        theirs.send(client_frame(b"first") + client_frame(b"second"))
        await owner.lost.wait()
        assert owner.heard == [b"first"]
        assert theirs.recv(100) == b""


async def test_the_states_of_a_websocket():
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    owner = Owner()
    transport = SocketTransport(owner, ours, 1000, inflates=False)
    loop = asyncio.get_running_loop()
    assert transport.state is State.CONNECTING
    transport.write(b"too early")
    transport.close(1000)
    assert transport.state is State.CONNECTING
    transport.start(client_frame(b"with the handshake"))
    assert transport.state is State.OPEN
    assert owner.heard == [b"with the handshake"]
    transport.write(b"sent")
    transport.close(4000, "bye")
    assert transport.state is State.CLOSING
    transport.write(b"too late")
    assert await loop.sock_recv(theirs, 100) == b"sent" + close_frame(4000, "bye")
    await loop.sock_sendall(theirs, client_frame(b"not heard") + client_frame(b"\x0f\xa0", CLOSE))
    await owner.lost.wait()
    assert transport.state is State.CLOSED
    assert owner.heard == [b"with the handshake"]
    assert await loop.sock_recv(theirs, 100) == b""
    theirs.close()


async def test_a_close_frame_is_answered_with_its_code():
    async with pair() as (owner, theirs):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(theirs, client_frame(b"\x03\xe8", CLOSE))
        assert await loop.sock_recv(theirs, 100) == b"\x88\x02\x03\xe8"
        await owner.lost.wait()
