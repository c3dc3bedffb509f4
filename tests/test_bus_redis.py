"""The bus over Redis by the kinds of address that there are, and the bad days of a Redis."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from contextlib import asynccontextmanager, contextmanager

import msgspec
import pytest
from clusters import until

from chatserver.chat import node_notes
from chatserver.delivery.bus import Carried
from chatserver.delivery.bus_redis import RedisBus
from chatserver.model.errors import ConfigError
from chatserver.model.values import RoomPosition
from chatserver.testing.redis import NoRedis, RedisServer


class Hears:
    """What comes from the others."""

    def __init__(self):
        self.came = []
        self.topics = set()

    def carried(self, topic, what, node):
        self.came.append((topic, what.payload))

    def listening(self, topic):
        self.topics.add(topic)


@contextmanager
def redis(**options):
    try:
        server = RedisServer(**options)
    except NoRedis as error:
        pytest.skip(f"the bus is not tested: {error}")
    try:
        yield server
    finally:
        server.remove()


def make(url, epoch="e1", prefix="test"):
    return RedisBus(lambda *a, **k: None, lambda *a, **k: None, url=url, prefix=prefix, epoch=epoch)


@asynccontextmanager
async def bus(url, **options):
    one, hears = make(url, **options), Hears()
    await one.start(hears)
    try:
        yield one, hears
    finally:
        await one.stop()


async def carries(url):
    """Two processes that hear each other, in order."""
    async with bus(url) as (one, _), bus(url) as (two, hears):
        await until(lambda: one.problem is None and two.problem is None)
        for topic in ("tea", "coffee"):
            two.listen(topic)
        await until(lambda: {"tea", "coffee"} <= hears.topics)
        for number in range(20):
            for topic in ("tea", "coffee"):
                one.elsewhere(topic, Carried(f"{number}".encode(), RoomPosition(number)))
            await asyncio.sleep(0)
        await until(lambda: len(hears.came) == 40)
        for topic in ("tea", "coffee"):
            assert [int(payload) for each, payload in hears.came if each == topic] == list(range(20))


async def command(server, *words):
    """What it answers, and closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write((" ".join(words) + "\r\nQUIT\r\n").encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_redis_with_a_password_and_a_wrong_one(caplog):
    with redis(requirepass="secret") as server:
        await carries(f"redis://:secret@127.0.0.1:{server.port}/0")
        for url in (f"redis://:wrong@127.0.0.1:{server.port}/0", f"redis://127.0.0.1:{server.port}/0"):
            with pytest.raises(ConfigError, match="refuses the user or the password") as refused:
                await make(url).start(Hears())
            assert refused.value.path == "bus.url"
            assert "wrong" not in str(refused.value).replace("WRONGPASS", "")
    assert "secret" not in caplog.text


async def test_a_redis_by_tls(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("TLS to Redis is not tested without openssl")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(  # noqa: ASYNC221 - there is nothing else to do
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as probe:
        tls = probe.getsockname()[1]
    options = {
        "tls_port": f"{tls}",
        "tls_cert_file": f"{cert}",
        "tls_key_file": f"{key}",
        "tls_auth_clients": "no",
    }
    with redis(**options):
        await carries(f"rediss://127.0.0.1:{tls}/0?ssl_ca_certs={cert}")
        # A certificate that no one vouches for is not taken.
        async with bus(f"rediss://127.0.0.1:{tls}/0") as (one, _):
            assert "can't be reached" in one.problem


async def test_a_redis_that_sentinels_watch(tmp_path):
    with redis() as server:
        conf = tmp_path / "sentinel.conf"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        conf.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor chat 127.0.0.1 {server.port} 1\n"
        )
        watching = subprocess.Popen(  # noqa: ASYNC220 - it is watched by no one
            [shutil.which("redis-server"), conf, "--sentinel"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            await carries(f"redis+sentinel://127.0.0.1:{port}/chat")
            await carries(f"redis+sentinel://127.0.0.1:1,127.0.0.1:{port}/chat/0")
            async with bus(f"redis+sentinel://127.0.0.1:{port}/other") as (one, _):
                assert "can't be reached" in one.problem
        finally:
            watching.kill()
            watching.wait()


async def test_a_cluster_of_redis():
    with redis(cluster_enabled="yes") as server:
        await command(server, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        async with asyncio.timeout(20):
            while b"cluster_state:ok" not in await command(server, "CLUSTER", "INFO"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await carries(f"redis+cluster://127.0.0.1:{server.port}")
        await carries(f"redis+cluster://127.0.0.1:{server.port},127.0.0.1:1")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://h:port/0", "is no address of Redis"),
        ("redis+sentinel://h:26379", "mymaster"),
        ("redis+sentinel://:26379/chat", "names no host"),
        ("redis+cluster://h:6379/3", "no numbered databases"),
    ],
)
async def test_what_is_no_address_is_refused(url, why):
    with pytest.raises(ConfigError, match=why):
        make(url)


async def test_a_redis_without_memory_carries_on(caplog):
    with redis(maxmemory="1") as server:
        await carries(server.url)
        assert "is out of memory" in caplog.text


async def test_a_replica_is_told_from_what_it_copies():
    with redis() as server, redis(replicaof=f"127.0.0.1 {server.port}") as copy:
        async with bus(copy.url) as (one, _):
            await until(lambda: "is a read-only replica: name the one" in one.problem)


async def test_prefixes_keep_two_clusters_apart_and_epochs_must_not_clash(caplog):
    with redis() as server:
        async with (
            bus(server.url) as (one, hears),
            bus(server.url, epoch="e2", prefix="other") as (two, others),
        ):
            await until(lambda: one.problem is None and two.problem is None)
            for each, its in ((one, hears), (two, others)):
                each.listen("tea")
                await until(lambda its=its: "tea" in its.topics)
            two.elsewhere("tea", Carried(b"of the other cluster"))
            with pytest.raises(ConfigError, match="another cluster, with another database"):
                await make(server.url, epoch="e2").start(Hears())
            async with bus(server.url) as (three, _):
                await until(lambda: three.problem is None)
                three.elsewhere("tea", Carried(b"of this one"))
                await until(lambda: hears.came)
            assert [payload for _, payload in hears.came] == [b"of this one"]
            assert others.came == []


def test_what_an_older_or_a_newer_server_says_is_understood_or_left_alone():
    beat = node_notes.decode(msgspec.msgpack.encode(["Beat", 3, "http://h", 1.5]))
    assert (beat.users, beat.version, beat.behind) == (3, "", 0)
    more = ["Beat", 3, "http://h", 1.5, "9.0", 2, "what only version 9 says"]
    assert node_notes.decode(msgspec.msgpack.encode(more)).version == "9.0"
    assert node_notes.decode(msgspec.msgpack.encode(["SomethingNew", 1])) is None
