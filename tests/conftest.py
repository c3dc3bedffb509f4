"""The test kit that ships, for our own tests too; and a socket without manners."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import struct
import time
from contextlib import asynccontextmanager

import pytest
from hypothesis import settings

pytest_plugins = ["chatserver.testing", "outside"]

PATIENCE = 15.0

OTHER_WAYS = {"transport": "stream", "sending": "python", "storage": "postgresql"}
"""By mark: in which other way such a test is run, too."""
VARIABLES = {
    "stream": ("CHATSERVER_SERVER__TRANSPORT", "stream"),
    "python": ("CHATSERVER_SERVER__COMPILED", "false"),
    "postgresql": ("TEST_CHATSERVER_STORE", "postgresql"),
}
"""By way: the variable that the kit's servers follow, and its value."""

# A deadline for each example would make a loaded machine a failure.
settings.register_profile("ci", settings.get_profile("ci"), deadline=None)
settings.register_profile("default", deadline=None)
settings.load_profile("default")


def pytest_generate_tests(metafunc):
    """Run what depends on how bytes are read, sent or kept once more in the other way."""
    if not runs_a_server(metafunc.definition):
        return
    wanted = {name for mark, name in OTHER_WAYS.items() if metafunc.definition.get_closest_marker(mark)}
    if wanted and not any(os.environ.get(variable) for variable, _ in VARIABLES.values()):
        metafunc.fixturenames.insert(0, "other_way")
        usual = pytest.param(None, id=pytest.HIDDEN_PARAM)
        metafunc.parametrize("other_way", [usual, *sorted(wanted)], indirect=True)


def pytest_collection_modifyitems(items):
    """Mark what runs a server of the kit's."""
    for item in items:
        if runs_a_server(item):
            item.add_marker("sockets")


def runs_a_server(item) -> bool:
    """Whether it takes the kit's servers as they come, without choosing their transport or SQLite."""
    names = set(getattr(item, "fixturenames", ()))
    return (
        bool(names & {"chat", "process"})
        and "transport" not in names
        and not item.get_closest_marker("sqlite")
    )


@pytest.fixture
def other_way(request, monkeypatch):
    """The environment with which the kit's servers do it the other way."""
    if request.param is None:
        return
    if request.param == "postgresql":
        from chatserver.testing.postgresql import NoPostgresql, postgresql

        try:
            postgresql()
        except NoPostgresql as error:
            pytest.skip(f"PostgreSQL is not tested: {error}")
    monkeypatch.setenv(*VARIABLES[request.param])


class RawSocket:
    """A TCP connection that sends any bytes, and reads only when it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> str:
        """The head of an HTTP answer."""
        return (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()

    async def rest(self) -> bytes:
        """All that comes until the server closes; a reset counts as a close."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE)
        except ConnectionError:
            return b""

    async def upgrade(self, path: str = "/ws", *lines: str) -> str:
        """Make it a WebSocket (RFC 6455, section 4.1); the head of the answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        head = [
            f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", *lines,
        ]  # fmt: skip
        await self.send("\r\n".join([*head, "", ""]).encode())
        return await self.head()

    async def frame(self, payload: bytes, opcode: int = 1, *, final: bool = True) -> None:
        """Send one masked frame; ``opcode`` may have reserved bits."""
        await self.send(client_frame(payload, opcode, final=final))

    async def say(self, **fields: object) -> None:
        await self.frame(json.dumps(fields).encode())

    async def read_frame(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload."""
        head, payload = await self.read_whole()
        return head & 15, payload

    async def read_whole(self) -> tuple[int, bytes]:
        """The next frame: its first byte, and the payload as it came."""
        first, second = await asyncio.wait_for(self.reader.readexactly(2), PATIENCE)
        size = second & 127
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return first, await asyncio.wait_for(self.reader.readexactly(size), PATIENCE)

    async def until(self, type: str) -> dict:
        """The next event of this type; what comes before is passed over."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode == 1 and (event := json.loads(payload))["type"] == type:
                return event
            assert opcode != 8, f"closed with {payload!r}, and no {type} came"

    async def to_the_end(self) -> tuple[list[dict], int]:
        """All events up to the close frame, and its code."""
        events = []
        while True:
            opcode, payload = await self.read_frame()
            if opcode == 8:
                return events, struct.unpack("!H", payload[:2])[0]
            if opcode == 1:
                events.append(json.loads(payload))


def client_frame(payload: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    """A frame as a client sends it, masked (RFC 6455, section 5.2)."""
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + struct.pack("!H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", size)
    # A mask of zeros is a mask.
    return head + bytes(4) + payload


@pytest.fixture
def raw():
    """``async with raw(server) as socket``: a `RawSocket` to a server of the fixture ``chat``."""

    @asynccontextmanager
    async def connect(server, *, receive_buffer: int | None = None):
        import socket as sockets

        plain = sockets.socket()
        if receive_buffer is not None:
            plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, receive_buffer)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", server.server.port))
        # A small limit: what is not asked for stays in the kernel, as with a client that does not read.
        reader, writer = await asyncio.open_connection(sock=plain, limit=2**16)
        try:
            yield RawSocket(reader, writer)
        finally:
            writer.transport.abort()

    return connect


@pytest.fixture
def on_file(tmp_path):
    """Settings that keep the log over restarts: in a file, or where the tests run on PostgreSQL, there."""
    # Not before pytest has registered the kit, whose assertions it rewrites.
    from chatserver.testing.settings import TestStore

    store = TestStore(f"sqlite:{tmp_path / 'chat.db'}")
    yield {"store": {"url": store.url, "durability": "normal"}}
    store.drop()


@pytest.fixture
def on_sqlite(tmp_path):
    """Settings that keep the log in a file, whatever the tests run on: for what only files have."""
    return {"store": {"url": f"sqlite:{tmp_path / 'chat.db'}", "durability": "normal"}}


@pytest.fixture
def elsewhere():
    """``elsewhere(settings, *statements, **params)`` runs SQL as another program does that uses the same database; the
    rows of the last one."""
    from sqlalchemy import text

    from chatserver.store.choice import database

    def run(settings, *statements, **params):
        found = database(settings.store.url, settings.data_dir)
        try:
            with found.engine.connect() as conn, conn.begin():
                for statement in statements:
                    done = conn.execute(text(statement), params)
                return [tuple(row) for row in done] if done.returns_rows else []
        finally:
            found.close()

    return run


class Clock:
    """The time of day, moved on by ``days`` and ``seconds``."""

    days = 0.0
    seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.days * 86400 + self.seconds


@pytest.fixture
def clock():
    """A clock for ``chat(clock=…)`` that a test moves on."""
    return Clock()


@pytest.fixture
def quiet(caplog):
    """Asserts at the end that the server's log holds no traceback and nothing above ``info``."""
    yield caplog
    # By now `caplog.records` are those of the teardown.
    loud = [r for r in caplog.get_records("call") if r.levelno > logging.INFO or r.exc_info]
    assert not loud, [r.getMessage() for r in loud]


@pytest.fixture
def eventually():
    """``await eventually(condition)``: gives the loop turns until it holds. Raises AssertionError."""

    async def wait(condition, seconds: float = PATIENCE):
        async with asyncio.timeout(seconds):
            while not (value := condition()):  # noqa: ASYNC110 - anything may be waited for
                await asyncio.sleep(0.005)
            return value

    return wait
