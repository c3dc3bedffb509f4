"""The listening socket under people who hold on to it, and the server's leaving."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import socket
import warnings

import pytest
from tornado import netutil

from chatserver.model.errors import ConfigError
from chatserver.testing import Harness


async def opened(server, count):
    return [await asyncio.open_connection("127.0.0.1", server.server.port) for _ in range(count)]


async def ended(reader) -> bool:
    try:
        return await asyncio.wait_for(reader.read(1024), 5) is not None
    except ConnectionError:
        return True


# Half-open requests, sizes


async def test_200_half_open_requests_are_gone_while_others_are_served(chat, quiet):
    async with chat(timeouts={"http_idle": 0.5}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        half = await opened(server, 200)
        for _, writer in half:
            writer.write(b"POST /api/v1/guest HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        for n in range(20):
            await alice.says(f"{n}")
            assert (await bob.hears()).content == f"{n}"
            assert (await server.http("GET", "/healthz")).code == 200
        assert all(await asyncio.gather(*(ended(reader) for reader, _ in half)))
        for _, writer in half:
            writer.close()
        assert await alice.ask("ping")
        assert (await server.http("GET", "/healthz")).code == 200


async def test_a_header_that_drips_does_not_hold_a_connection(chat, raw):
    async with chat(timeouts={"http_idle": 0.3}) as server, raw(server) as socket:
        await socket.send(b"GET / HTTP/1.1\r\n")

        async def drip():
            while True:
                await socket.send(b"X-Slow: 1\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.ensure_future(drip())
        assert await ended(socket.reader)
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


async def test_a_body_that_drips_does_not_hold_a_connection(chat, raw):
    async with chat(timeouts={"http_body": 0.3}) as server, raw(server) as socket:
        await socket.send(
            b"POST /api/v1/guest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        assert await ended(socket.reader)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Big: " + b"x" * 100_000 + b"\r\n\r\n",
        b"POST /api/v1/guest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\n"
        + b"x" * 10_000,
        b"POST /api/v1/guest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/guest HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
    ],
    ids=["big header", "big body", "negative length", "two lengths", "tls", "no request"],
)
async def test_requests_that_are_too_much_or_none(chat, raw, caplog, request_bytes):
    async with chat() as server, raw(server) as socket:
        await socket.send(request_bytes)
        answer = await socket.rest()
        assert b" 200 " not in answer
        assert (await server.http("GET", "/healthz")).code == 200
    assert not [r for r in caplog.records if r.exc_info], caplog.text


# Counting


@pytest.mark.transport
async def test_too_many_connections_are_told_so(chat):
    async with chat(settings={"limits": {"connections": 2}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        third = await server.connect()
        assert await third.closed() == 4030
        await bob.leave()
        await server.client("carl")
        assert await alice.ask("ping")


async def test_too_many_from_one_address_are_told_so(chat):
    settings = {"limits": {"connections_per_ip": 2}, "server": {"trusted_proxies": ["127.0.0.1"]}}
    async with chat(settings=settings) as server:
        for _ in range(2):
            await server.connect(headers={"X-Forwarded-For": "203.0.113.5"})
        third = await server.connect(headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.5"})
        assert await third.closed() == 4030
        other = await server.connect(headers={"X-Forwarded-For": "203.0.113.6"})
        await other.hello(name="alice")


async def test_bare_connections_are_bounded_too_and_forgotten_when_closed(chat, eventually):
    sizes = {"spare_connections": 3}
    async with chat(settings={"limits": {"connections_per_ip": 2}}, sizes=sizes) as server:
        held = await opened(server, 5)
        await eventually(lambda: len(server.server.listener._open) == 5)
        (extra, writer) = (await opened(server, 1))[0]
        assert await ended(extra)
        for _, one in [*held, (extra, writer)]:
            one.close()
        await eventually(lambda: not server.server.listener._open)
        alice = await server.client("alice")
        # A WebSocket is counted for itself.
        await eventually(lambda: not server.server.listener._open)
        assert await alice.ask("ping")


# Silence


@pytest.mark.transport
async def test_a_connection_without_a_hello_is_closed(chat):
    async with chat(timeouts={"hello": 0.5}) as server:
        alice = await server.client("alice")
        silent, refused = await server.connect(), await server.connect()
        await refused.send({"type": "hello", "name": "alice"})
        assert (await refused.hears("error")).code == "name_taken"
        for client in (silent, refused):
            assert await client.closed() == 4001
            assert client.everything[-1]["code"] == "hello_required"
        assert await alice.ask("ping")


@pytest.mark.transport
async def test_a_beat_asks_for_a_sign_and_pages_get_an_event(chat, raw):
    async with chat() as server, raw(server) as socket:
        page = await server.connect(origin=server.url)
        await page.hello(name="alice")
        await page.join("general")
        sent = await page.says("x")
        await socket.upgrade()
        await socket.say(type="hello", name="program")
        await socket.until("live")
        for _ in range(server.server.timeouts.heartbeat):
            server.server.context.keepalive.tick()
        beat = await page.hears("heartbeat")
        assert dict(beat) == {"type": "heartbeat", "heads": {"general": sent.seq}}
        opcode, _ = await socket.read_frame()
        assert opcode == 9  # a ping, and no event


@pytest.mark.parametrize("transport", ["lean", "stream"])
async def test_a_silent_client_is_closed_and_one_that_answers_is_not(chat, raw, eventually, transport):
    settings, timeouts = {"server": {"transport": transport}}, {"heartbeat": 1, "silence": 1.5}
    async with chat(settings=settings, timeouts=timeouts) as server, raw(server) as silent:
        alive = await server.client("alice")
        await silent.upgrade()
        await silent.say(type="hello", name="silent")
        await silent.until("live")
        assert (await silent.to_the_end())[1] == 4008
        assert await alive.ask("ping")
        await eventually(lambda: len(server.server.context.keepalive) == 1)


# Leaving


@pytest.mark.transport
async def test_a_stop_says_bye_finishes_what_was_accepted_and_closes(chat, on_file, elsewhere):
    harness = chat(settings=on_file)
    await harness.start()
    alice, bob = await harness.join("general", "alice", "bob")
    for n in range(200):
        await alice.send(
            {"type": "message", "id": f"m{n}", "room": "general", "content": f"{n}", "nonce": f"{n}"}
        )
    await alice.hears("ok", re="m0")
    await harness.server.stop()
    for client in (alice, bob):
        assert await client.closed() == 4000
        bye = next(e for e in client.everything if e["type"] == "bye")
        assert 0 < bye["after_ms"] <= 3000
        await client.leave()
    acknowledged = {e["re"]: e["seq"] for e in alice.everything if e["type"] == "ok" and e["re"][0] == "m"}
    rows = elsewhere(harness.server.settings, "SELECT nonce, seq FROM log WHERE type = 'message'")
    kept = {f"m{nonce}": seq for nonce, seq in rows}
    assert acknowledged.items() <= kept.items()
    assert sorted(kept.values()) == list(range(2, 2 + len(kept)))


@pytest.mark.transport
async def test_sigterm_says_bye_and_ends_well(process):
    async with process() as server:
        alice = await server.client(name="alice")
        server.signal(signal.SIGTERM)
        assert (await alice.hears("bye")).after_ms > 0
        assert await alice.closed() == 4000
        await alice.leave()
        assert await server.ended(10) == 0
        assert "Traceback" not in server.errors()


STUCK = """
import threading
from chatserver import Plugin, hookimpl

class Stuck(Plugin):
    @hookimpl
    def startup(self):
        threading.Thread(target=threading.Event().wait).start()
"""


async def test_a_thread_that_goes_on_does_not_keep_the_process(process, tmp_path):
    (tmp_path / "stuck.py").write_text(STUCK)
    async with process(plugins=["stuck"], dirs=[tmp_path]) as server:
        server.signal(signal.SIGTERM)
        assert await server.ended(10) == 0
        assert "something in a plugin goes on" in server.errors()


@pytest.mark.transport
async def test_a_second_signal_ends_at_once(process):
    async with process() as server:
        # A client that never finishes a request must not hold it up either way.
        _, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
        writer.write(b"GET / HTTP/1.1\r\n")
        await writer.drain()
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGINT)
        await server.ended(5)
        writer.close()


async def test_a_port_that_is_taken_leaves_nothing_running(chat, tmp_path):
    async with chat() as server:
        (tmp_path / "second").mkdir()
        second = Harness(tmp_path / "second", settings={"server": {"port": server.server.port}})
        with pytest.raises(ConfigError) as caught:
            await second.start()
        assert caught.value.path == "server.port"
        with warnings.catch_warnings():
            # Tornado leaves the socket that it could not bind to the collector.
            warnings.simplefilter("ignore", ResourceWarning)
            del caught
            gc.collect()
        assert (await server.http("GET", "/healthz")).code == 200


async def connected(host, server):
    """Whether the server answers at this address."""
    try:
        reader, writer = await asyncio.open_connection(host, server.server.port)
    except OSError:
        return False
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("host", "ipv4", "ipv6"),
    [
        ("127.0.0.1", True, False),
        ("0.0.0.0", True, False),
        ("::1", False, True),
        ("::", True, True),
        ("0::0", True, True),
    ],
)
async def test_which_clients_reach_each_host(chat, host, ipv4, ipv6):
    async with chat(settings={"server": {"host": host}}) as server:
        assert (await connected("127.0.0.1", server), await connected("::1", server)) == (ipv4, ipv6)


async def test_localhost_is_reached_by_its_name(chat):
    async with chat(settings={"server": {"host": "localhost"}}) as server:
        assert await connected("localhost", server)


async def test_an_ipv4_client_of_a_server_for_both_families_has_its_own_address(chat, raw):
    trusted = {"server": {"host": "::", "trusted_proxies": ["127.0.0.1"]}}
    async with chat(settings=trusted) as server, raw(server) as socket:
        await socket.send(
            b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.5\r\nConnection: close\r\n\r\n"
        )
        # Believed, and so from elsewhere: the proxy is known by its IPv4 address.
        assert " 401 " in await socket.head()
        assert server.server.listener._by_ip.keys() <= {"127.0.0.1"}


@pytest.mark.parametrize("host", ["nosuch.invalid", "[::1]", "203.0.113.77", "a..b", "::1::"])
async def test_a_host_that_is_none_of_this_machine_is_told_in_a_line(chat, host):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        server = chat(settings={"server": {"host": host}})
        with pytest.raises(ConfigError) as caught:
            await server.start()
        assert caught.value.path == "server.host"
        assert host in str(caught.value)
        assert "\n" not in str(caught.value)
        del caught
        gc.collect()


async def test_without_ipv6_a_server_for_both_families_takes_ipv4_and_says_so(chat, monkeypatch, caplog):
    """As where the kernel was started with ``ipv6.disable=1``: there are no such sockets."""
    real = socket.socket

    def no_ipv6(family=socket.AF_INET, *args, **options):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *args, **options)

    monkeypatch.setattr(netutil.socket, "socket", no_ipv6)
    async with chat(settings={"server": {"host": "::"}}) as server:
        monkeypatch.undo()
        assert await connected("127.0.0.1", server)
        assert "IPv6" in caplog.text
    monkeypatch.setattr(netutil.socket, "socket", no_ipv6)
    with pytest.raises(ConfigError, match="::1") as caught:
        await chat(settings={"server": {"host": "::1"}}).start()
    assert caught.value.path == "server.host"


async def test_a_name_that_is_not_ours_is_the_page_of_another_server(chat):
    async with chat(settings={"server": {"public_url": "https://chat.example.org"}}) as server:
        for host, status in (("chat.example.org", 200), ("127.0.0.1:1", 200), ("evil.example", 403)):
            answer = await server.http("GET", "/api/v1/server", headers={"Host": host})
            assert answer.code == status, host


async def test_a_nul_in_an_address_is_just_not_there(chat, quiet):
    async with chat() as server:
        assert (await server.http("GET", "/static/%00")).code == 404
