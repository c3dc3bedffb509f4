"""A client that sends its whole body before it reads gets the answer, not a reset."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from types import SimpleNamespace

import pytest
from tornado.httputil import HTTPHeaders

from chatserver.web.draining import Draining

LARGE = 30_000_000
"""More than what the kernel's buffers hold of a connection."""
FILES = {"files": {"max_bytes": 1000, "quota_bytes": 3000}}


def head(server, path, size, *lines, method="POST"):
    address = f"127.0.0.1:{server.server.port}"
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address}", f"Content-Length: {size}", *lines, "", ""]
    return "\r\n".join(lines).encode()


def bearer(client):
    return f"Authorization: Bearer {client.token}"


def send_all_then_read(port, *requests):
    """Send bytes to the end, as a plain client does, and only then read: status and JSON of each answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        for request in requests:
            sock.sendall(request)
        answers, found = sock.makefile("rb"), []
        for _ in requests:
            status = int(answers.readline().split()[1])
            headers = HTTPHeaders()
            while line := answers.readline().strip().decode():
                headers.parse_line(line)
            found.append((status, json.loads(answers.read(int(headers["Content-Length"])))))
        return found


async def sent(server, *requests):
    return await asyncio.to_thread(send_all_then_read, server.server.port, *requests)


UPLOAD = "/plugins/files/upload?room=general"


@pytest.mark.parametrize(
    ("path", "who", "code", "status"),
    [
        (UPLOAD, "alice", "too_large", 413),
        (UPLOAD, "nobody", "unauthorized", 401),
        (UPLOAD, "wrong", "unauthorized", 401),
        (UPLOAD, "cookie", "forbidden", 403),
        (UPLOAD, "host", "forbidden", 403),
        ("/plugins/files/upload?room=nowhere", "alice", "not_found", 404),
        ("/plugins/files/upload?to=nonesuch", "alice", "not_found", 404),
        ("/plugins/files/nothing", "alice", "too_large", 413),
        ("/api/v1/rooms/general/messages", "alice", "too_large", 413),
        ("/api/v1/guest", "nobody", "too_large", 413),
        ("/static/nothing", "nobody", "too_large", 413),
        ("/nothing", "nobody", "too_large", 413),
        ("/ws", "nobody", "too_large", 413),
    ],
)
async def test_a_refusal_is_read_after_all_was_sent(chat, quiet, path, who, code, status):
    limits = {"files": {"max_bytes": 10**9 if code == "not_found" else 1000}}
    settings = {"server": {"public_url": "http://chat.example"}}
    async with chat(plugins=limits, settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        lines = {
            "alice": [bearer(alice)],
            "nobody": [],
            "wrong": ["Authorization: Bearer nonsense"],
            "cookie": ["Cookie: chat_session=x"],
            "host": [bearer(alice)],
        }[who]
        request = head(server, path, LARGE, *lines) + bytes(LARGE)
        if who == "host":
            request = request.replace(b"Host: 127.0.0.1", b"Host: evil.example", 1)
        ((found, answer),) = await sent(server, request)
        assert (found, answer["error"]["code"]) == (status, code)


async def test_quota_type_and_permission_are_read_too(chat, tmp_path, quiet):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/guard.py").write_text(GUARD)
    plugins = {"files": {"quota_bytes": LARGE - 1, "types": ["image/*"], "max_bytes": 10**9}, "guard": {}}
    async with chat(plugins=plugins, dirs=[tmp_path / "own"]) as server:
        (alice,) = await server.join("general", "alice")
        small = LARGE - 1
        for size, name, expected in (
            (LARGE, "x", (413, "too_large")),
            (small, "virus.exe", (403, "rejected")),
            (small, "x", (403, "rejected")),
        ):
            request = head(server, UPLOAD, size, bearer(alice), f"X-File-Name: {name}") + bytes(size)
            ((status, answer),) = await sent(server, request)
            assert (status, answer["error"]["code"]) == expected


GUARD = """
from chatserver import Plugin, Reject, hookimpl

class Guard(Plugin):
    @hookimpl
    async def before_upload(self, upload):
        if upload.name.endswith(".exe"):
            raise Reject("No programs, please.")
"""


async def test_the_connection_goes_on_after_a_body_that_was_dropped(chat, quiet):
    async with chat(plugins=FILES) as server:
        (alice,) = await server.join("general", "alice")
        large = head(server, UPLOAD, LARGE, bearer(alice)) + bytes(LARGE)
        small = head(server, UPLOAD, 9, bearer(alice)) + b"some text"
        me = head(server, "/api/v1/me", 0, bearer(alice), method="GET")
        answers = await sent(server, large, small, large, me)
        assert [status for status, _ in answers] == [413, 201, 413, 200]


async def test_a_body_without_a_length_is_dropped_too(chat, quiet):
    async with chat(plugins=FILES) as server:
        (alice,) = await server.join("general", "alice")
        request = head(server, UPLOAD, 0, bearer(alice), "Transfer-Encoding: chunked")
        request = request.replace(b"Content-Length: 0\r\n", b"")
        chunk = b"8000\r\n" + bytes(0x8000) + b"\r\n"
        ((status, answer),) = await sent(server, request + chunk * 600 + b"0\r\n\r\n")
        assert (status, answer["error"]["field"]) == (400, "Content-Length")


@pytest.mark.parametrize("digits", ["9" * 25, "9" * 5000])
async def test_a_length_of_many_digits_is_too_large(chat, raw, quiet, digits):
    async with chat(plugins=FILES) as server:
        (alice,) = await server.join("general", "alice")
        for path in (UPLOAD, "/api/v1/guest"):
            async with raw(server) as client:
                await client.send(head(server, path, digits, bearer(alice)))
                assert (await client.head()).startswith("HTTP/1.1 413 ")


async def test_a_client_that_waits_to_be_told_is_not_waited_for(chat, raw, quiet):
    async with chat(plugins=FILES) as server:
        (alice,) = await server.join("general", "alice")
        async with raw(server) as client:
            await client.send(head(server, UPLOAD, LARGE, bearer(alice), "Expect: 100-continue"))
            assert (await client.head()).startswith("HTTP/1.1 413 ")
            assert b"100" not in (await client.rest()).split(b"}")[-1]
        async with raw(server) as client:
            await client.send(head(server, UPLOAD, 9, bearer(alice), "Expect: 100-continue"))
            assert (await client.head()).startswith("HTTP/1.1 100 ")
            await client.send(b"some text")
            assert (await client.head()).startswith("HTTP/1.1 201 ")


async def test_what_is_dropped_has_an_end(chat, eventually, quiet):
    async with chat(plugins=FILES) as server:
        (alice,) = await server.join("general", "alice")
        with pytest.raises(ConnectionError):
            await sent(server, head(server, UPLOAD, 10**10, bearer(alice)) + bytes(200_000_000))
        await eventually(lambda: not server.server.listener._open)


async def test_a_client_that_leaves_is_not_waited_for(chat, raw, eventually, quiet):
    async with chat(plugins=FILES) as server:
        (alice,) = await server.join("general", "alice")
        async with raw(server) as client:
            await client.send(head(server, UPLOAD, LARGE, bearer(alice)) + bytes(100_000))
            assert (await client.head()).startswith("HTTP/1.1 413 ")
            assert server.server.listener._open
        await eventually(lambda: not server.server.listener._open)


class Recorder:
    """Stands for a connection and for the application: what is called, in order."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        return lambda *_: self.calls.append(name)


def early(**bounds):
    """A request with a body that was answered as soon as its head was there."""
    connection, delegate = Recorder(), Recorder()
    answering = SimpleNamespace()

    def start(wrapped):
        answering.finish = wrapped.finish
        return delegate

    draining = Draining(connection, start, **bounds)
    draining.headers_received(None, HTTPHeaders({"Content-Length": "1000"}))
    answering.finish()
    return draining, connection.calls, delegate.calls


async def test_the_answer_ends_the_request_once_enough_was_dropped():
    draining, connection, delegate = early(most_bytes=100)
    draining.data_received(bytes(100))
    assert connection == ["set_max_body_size"]
    draining.data_received(b"x")
    draining.data_received(b"x")
    draining.on_connection_close()
    assert connection == ["set_max_body_size", "finish"]
    assert delegate == ["headers_received", "on_connection_close"]


async def test_the_answer_ends_the_request_once_the_time_is_over(eventually):
    draining, connection, _ = early(most_seconds=0.05, pause_seconds=0.01)
    assert connection == ["set_max_body_size"]

    def still_sending():
        draining.data_received(b"x")
        return "finish" in connection

    await eventually(still_sending)


async def test_the_answer_ends_the_request_of_a_client_that_sends_nothing(eventually):
    _, connection, _ = early(pause_seconds=0.01)
    assert connection == ["set_max_body_size"]
    await eventually(lambda: "finish" in connection)


async def test_the_end_of_the_body_ends_the_request():
    draining, connection, delegate = early()
    draining.data_received(bytes(1000))
    draining.finish()
    assert connection == ["set_max_body_size", "finish"]
    assert delegate == ["headers_received", "on_connection_close"]


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"])
async def test_curl_shows_the_refusal(chat, tmp_path, quiet, expect):
    (tmp_path / "large").write_bytes(bytes(LARGE))
    async with chat(plugins=FILES) as server:
        (alice,) = await server.join("general", "alice")
        curl = await asyncio.create_subprocess_exec(
            *("curl", "-sS", "--data-binary", f"@{tmp_path / 'large'}", "-H", bearer(alice), "-H", expect),
            server.url + UPLOAD,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await asyncio.wait_for(curl.communicate(), 20)
        assert json.loads(output)["error"]["code"] == "too_large", errors
        assert not errors
