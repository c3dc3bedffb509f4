"""A stop ends, whatever plugins and clients do; and it keeps what it said it would keep."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import asynccontextmanager

import pytest
from tornado.httputil import HTTPHeaders

from chatserver.plugins.deadline import wait_at_most

pytestmark = pytest.mark.transport

PLUGIN = """
import asyncio
from tornado.web import stream_request_body
from chatserver import Handler, Plugin, Route, hookimpl

OVER = asyncio.Event()

async def deaf():
    # Ends when the test does, not when it is cancelled.
    while not OVER.is_set():
        try:
            await OVER.wait()
        except asyncio.CancelledError:
            pass

class Bad(Plugin):
    called = 0
    def over(self):
        OVER.set()
"""
DEAF_HOOK = """
    @hookimpl
    async def after_post(self, message):
        await deaf()
"""
DEAF_JOB = """
    @hookimpl
    def startup(self):
        self.spawn(deaf())
"""
DEAF_SHUTDOWN = """
    @hookimpl
    async def shutdown(self):
        await deaf()
"""
DEAF_ROUTE = """
    @hookimpl
    def register_routes(self):
        return [Route("hold", Hold)]

@stream_request_body
class Hold(Handler):
    async def prepare(self):
        self.plugin.called += 1
        await deaf()
"""
ECHO = """
    @hookimpl
    async def after_post(self, message):
        await self.chat.post("general", "again", user=message.user)
"""
SLOW_HOOK = """
    @hookimpl
    async def after_post(self, message):
        await asyncio.sleep(0.01)
        self.called += 1
"""
LAST = """
from chatserver import Plugin, hookimpl

class Last(Plugin):
    ended = False
    @hookimpl
    def shutdown(self):
        self.ended = True
"""


SHORT = {
    "drain": 0.3, "stop_http": 0.3, "stop_hooks": 0.3, "stop_store": 0.3, "stop_plugins": 0.5, "stop_plugin_step": 0.1,
}  # fmt: skip
"""What is waited for in vain is not waited for long."""


@pytest.fixture
def running(chat, tmp_path):
    """``async with running(body) as (server, last, bad)``: a plugin of this body, and one that is stopped after it."""

    @asynccontextmanager
    async def run(body, timeouts=SHORT):
        (tmp_path / "last.py").write_text(LAST)
        (tmp_path / "bad.py").write_text(PLUGIN + body)
        server = chat(plugins=["last", "bad"], dirs=[tmp_path], strict=False, timeouts=timeouts)
        await server.start()
        last, bad = (plugin.instance for plugin in server.server.host.current.plugins)
        try:
            yield server, last, bad
        finally:
            bad.over()
            for client in server._clients:
                await client.leave()

    return run


async def stopped(server, seconds: float = 5.0) -> float:
    """Stop the server, and say how long it took. Raises AssertionError when it still waits after ``seconds``."""
    began = time.monotonic()
    stop = asyncio.ensure_future(server.server.stop())
    # Not `wait_for`: it would wait for whatever ignores its being cancelled.
    await asyncio.wait([stop], timeout=seconds)
    assert stop.done(), "the stop still waits"
    stop.result()
    return time.monotonic() - began


@pytest.mark.parametrize("body", [DEAF_HOOK, DEAF_JOB, DEAF_SHUTDOWN], ids=["hook", "job", "shutdown"])
async def test_what_ignores_its_end_holds_up_no_stop(running, caplog, body):
    async with running(body) as (server, last, _):
        (alice,) = await server.join("general", "alice")
        await alice.says("hello")
        await stopped(server)
        assert last.ended
        assert "did not end within" in caplog.text


async def test_a_plugin_that_answers_itself_for_ever_is_stopped(running):
    async with running(ECHO) as (server, last, _):
        (alice,) = await server.join("general", "alice")
        await alice.says("hello")
        await alice.hears("message", content="again")
        await stopped(server)
        assert last.ended


async def test_a_request_that_gets_no_answer_holds_up_nothing(running, eventually):
    async with running(DEAF_ROUTE) as (server, last, bad):
        address = ("127.0.0.1", server.server.port)
        _, asking = await asyncio.open_connection(*address)
        asking.write(b"POST /plugins/bad/hold HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n\r\n")
        await eventually(lambda: bad.called)
        waiting, idle = await asyncio.open_connection(*address)
        await eventually(lambda: len(server.server.listener._connections) == 2)
        await stopped(server)
        assert await waiting.read() == b""
        assert last.ended
        asking.close()
        idle.close()


async def test_calls_of_hooks_that_wait_are_made_before_the_end(running):
    async with running(SLOW_HOOK, timeouts=None) as (server, _, bad):
        (alice,) = await server.join("general", "alice")
        for number in range(20):
            await alice.says(str(number))
        assert bad.called < 20
        await stopped(server)
        assert bad.called == 20


@pytest.mark.parametrize("transport", ["lean", "stream"])
async def test_who_goes_on_writing_does_not_hold_it_up(chat, monkeypatch, quiet, transport):
    server = chat(settings={"server": {"transport": transport}})
    await server.start()
    store, loop = server.services.store, asyncio.get_running_loop()
    append = store.append
    # A disk so slow that there is always something waiting.
    monkeypatch.setattr(store, "append", lambda batch, done: loop.call_later(0.02, append, batch, done))
    (alice,) = await server.join("general", "alice")

    async def write():
        while True:
            await alice.send({"type": "message", "room": "general", "content": "more"})

    writing = asyncio.ensure_future(write())
    await alice.hears("message")
    assert await stopped(server) < 5
    with pytest.raises(ConnectionError):
        await writing
    assert await alice.closed() == 4000
    await alice.leave()


async def test_a_room_that_was_not_waited_for_goes_on(chat, monkeypatch, quiet, eventually):
    async with chat() as server:
        (alice,) = await server.join("general", "alice")
        live = await server.services.rooms.get("general")
        late = []
        with monkeypatch.context() as slow:
            slow.setattr(server.services.store, "append", lambda *batch: late.append(batch))
            await alice.send({"type": "message", "id": "m", "room": "general", "content": "slow"})
            (batch,) = await eventually(lambda: late)
        waiting = [asyncio.ensure_future(live.idle()) for _ in range(2)]
        await asyncio.wait(waiting, timeout=0.01)
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
        server.services.store.append(*batch)
        await alice.hears("ok", re="m")
        await waiting[1]


async def test_what_fails_or_is_cancelled_by_itself_has_ended(caplog):
    async def fails():
        raise OSError("no disk")

    async def gives_up():
        raise asyncio.CancelledError

    await wait_at_most("the one", fails(), 5)
    assert "stopping: the one failed" in caplog.text
    await wait_at_most("the other", gives_up(), 5)
    assert "the other" not in caplog.text


class KeptOpen:
    """A connection that was open, and had its answer, before the stop began."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self._writer.close()

    async def open(self, port):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        assert (await self.ask("GET /healthz"))[0] == 200
        return self

    async def ask(self, line, *headers, body=b""):
        """Returns the status, the headers and the body of the answer."""
        length = f"Content-Length: {len(body)}"
        head = "\r\n".join((f"{line} HTTP/1.1", "Host: 127.0.0.1", length, *headers, "", ""))
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        lines = answer.strip().split("\r\n")
        got = HTTPHeaders.parse("\n".join(lines[1:]))
        return (
            int(lines[0].split()[1]),
            got,
            await self._reader.readexactly(int(got.get("Content-Length", 0))),
        )

    async def over(self):
        """Whether the server has closed it."""
        return await self._reader.read() == b""


UPGRADE = (
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


async def test_nothing_new_is_begun_once_it_stops(chat, monkeypatch, eventually):
    server = chat()
    await server.start()
    (alice,) = await server.join("general", "alice")
    post = "POST /api/v1/rooms/general/messages"
    headers = (f"Authorization: Bearer {alice.token}", "Content-Type: application/json")
    late = []
    async with KeptOpen() as poster, KeptOpen() as socket, KeptOpen() as health, KeptOpen() as ready:
        for kept in (poster, socket, health, ready):
            await kept.open(server.server.port)
        append = server.services.store.append
        monkeypatch.setattr(server.services.store, "append", lambda *batch: late.append(batch))
        await alice.send({"type": "message", "room": "general", "content": "accepted"})
        (accepted,) = await eventually(lambda: late)
        stop = asyncio.ensure_future(stopped(server))
        await alice.hears("bye")

        status, got, body = await poster.ask(post, *headers, body=b'{"content":"too late"}')
        error = json.loads(body)["error"]
        assert (status, error["code"], got["Connection"]) == (503, "unavailable", "close")
        assert 0 < error["retry_after"] < float(got["Retry-After"])
        assert (await socket.ask("GET /ws", *UPGRADE))[0] == 503
        assert (await ready.ask("GET /readyz"))[0] == 503
        assert (await health.ask("GET /healthz"))[0] == 200
        for kept in (poster, socket, health, ready):
            assert await kept.over()
        assert len(late) == 1

        append(*accepted)
        await stop
        assert (await alice.hears("message"))["content"] == "accepted"
    await alice.leave()


async def test_a_query_that_does_not_end_holds_up_nothing(chat, on_file, tmp_path, caplog, eventually):
    server = chat(settings=on_file, timeouts=SHORT)
    await server.start()
    running, over = threading.Event(), threading.Event()

    def query(conn):
        running.set()
        over.wait(20)

    asking = asyncio.ensure_future(server.services.store.read(query))
    await eventually(running.is_set)
    try:
        await stopped(server)
        assert "stopping without the storage" in caplog.text
    finally:
        over.set()
        await asking
