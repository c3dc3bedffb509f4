"""``chatserver serve --processes``, and ``chatserver nodes``: several processes on one port, one chat."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import AsyncHTTPClient

from chatserver.model.errors import ConfigError
from chatserver.server.cli import commands
from chatserver.testing import Client
from chatserver.testing.postgresql import NoPostgresql, postgresql
from chatserver.testing.redis import NoRedis, redis_server
from chatserver.testing.settings import write_settings
from chatserver.web.figures import merged

PROGRAM = sys.executable, "-m", "chatserver"
PATIENCE = 60


@pytest.fixture(scope="module")
def redis():
    try:
        postgresql()
        return redis_server()
    except (NoPostgresql, NoRedis) as error:
        pytest.skip(f"several processes are not tested: {error}")


class Parent:
    """A server of several processes, and what it says: to standard output and error, and to a service manager."""

    def __init__(self, config, notify):
        self.config = config
        self._notify = notify

    async def start(self, processes):
        self._process = await asyncio.create_subprocess_exec(
            *(*PROGRAM, "serve", "--config", str(self.config), "--processes", str(processes)),
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": self._notify.getsockname()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.url = (await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)).decode().split()[-1]

    async def logged(self, pattern):
        """The next line of the log that matches."""
        async with asyncio.timeout(PATIENCE):
            while line := (await self._process.stderr.readline()).decode():
                if re.search(pattern, line):
                    return line
        raise AssertionError(f"the server ended without {pattern!r} in its log")

    async def told(self):
        return (await asyncio.get_running_loop().sock_recv(self._notify, 100)).decode()

    def signal(self, number):
        self._process.send_signal(number)

    async def ended(self):
        await asyncio.wait_for(self._process.communicate(), PATIENCE)
        return self._process.returncode

    async def kill(self):
        if self._process.returncode is None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await self.ended()

    async def ready(self):
        answer = await AsyncHTTPClient().fetch(f"{self.url}/readyz", raise_error=False)
        return json.loads(answer.body)["node"]

    async def nodes(self, count):
        """The names of those that ``chatserver nodes`` lists, once they are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(found := await self._nodes()) != count:
                pass
        return found

    async def _nodes(self):
        asking = await asyncio.create_subprocess_exec(
            *(*PROGRAM, "nodes", "--config", str(self.config)), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asking.communicate()
        head, *lines = [re.split(r"\s{2,}", line) for line in out.decode().splitlines()]
        assert head[0] == "NODE"
        return {line[0] for line in lines}


@pytest.fixture
def parent(redis, tmp_path):
    """``async with parent(2) as server``."""

    @asynccontextmanager
    async def run(processes):
        database = postgresql().make()
        settings = {"store": {"url": database}, "bus": {"url": redis.url, "prefix": secrets.token_hex(4)}}
        config = write_settings(tmp_path, plugins=["basics", "history"], settings=settings)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(tmp_path / "notify"))
            notify.setblocking(False)
            parent = Parent(config, notify)
            try:
                await parent.start(processes)
                yield parent
            finally:
                await parent.kill()
                postgresql().drop(database)

    return run


class Talker:
    """Someone who writes all the while, comes back after each goodbye, and sends again what was not acknowledged."""

    def __init__(self, url, name):
        self._url = url.replace("http", "ws", 1) + "/ws"
        self._name = name
        self._hello = {"name": name}
        self.acknowledged = []
        self.comings = 0
        self.stopped = False

    async def run(self):
        number = 0
        while not self.stopped:
            with contextlib.suppress(ConnectionError, OSError, AssertionError, TimeoutError):
                client = Client(self._url, patience=5)
                await client.connect()
                try:
                    await client.hello(**self._hello)
                    self._hello = {"token": self._hello.get("token") or client.token}
                    await client.join("general")
                    self.comings += 1
                    while not self.stopped:
                        word = f"{self._name}-{number}"
                        await client.ask("message", room="general", content=word, nonce=word)
                        self.acknowledged.append(word)
                        number += 1
                        await asyncio.sleep(0.1)
                finally:
                    await client.leave()
            await asyncio.sleep(0.05)


@pytest.mark.timeout(400)
async def test_processes_are_replaced_one_after_the_other_and_nothing_is_lost(parent):
    async with parent(2) as server:
        assert await server.told() == "READY=1"
        before = await server.nodes(2)
        talkers = [Talker(server.url, name) for name in ("ann", "ben", "cid", "dan")]
        running = [asyncio.ensure_future(talker.run()) for talker in talkers]
        await eventually(lambda: all(talker.acknowledged for talker in talkers))

        # What is wrong ends none of them: a mistake in the settings, and what only the new process finds out.
        good = server.config.read_text()
        server.config.write_text(good + "\nnonsense: 1\n")
        server.signal(signal.SIGHUP)
        assert "nonsense" in await server.logged("nothing was restarted")
        server.config.write_text(
            good.replace("- history", "- no-such-plugin").replace("history:", "no-such-plugin:")
        )
        server.signal(signal.SIGHUP)
        await server.logged("did not start: those of before go on")
        assert await server.ready() in before
        server.config.write_text(good)

        server.signal(signal.SIGHUP)
        await server.logged("all processes were restarted")
        assert await server.ready() not in before

        # One that dies is started again.
        victim = await process_of(server)
        os.kill(victim, signal.SIGKILL)
        assert "(signal 9)" in await server.logged("ended")
        await server.logged("listens as")
        await eventually(lambda: all(talker.comings > 1 for talker in talkers))
        counts = [len(talker.acknowledged) for talker in talkers]
        await eventually(lambda: all(len(t.acknowledged) > n for t, n in zip(talkers, counts, strict=True)))
        for talker in talkers:
            talker.stopped = True
        await asyncio.wait_for(asyncio.gather(*running), PATIENCE)

        reader = Client(server.url.replace("http", "ws", 1) + "/ws")
        await reader.connect()
        await reader.hello(name="reader")
        await reader.join("general")
        seen, numbers, after = [], [], 0
        while page := (await reader.ask("sync", room="general", after=after)).events:
            numbers += [event["seq"] for event in page]
            seen += [event["content"] for event in page if event["type"] == "message"]
            after = numbers[-1]
        await reader.leave()
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(seen) == len(set(seen))
        assert set(seen) >= {word for talker in talkers for word in talker.acknowledged}

        # The figures are those of all, whichever process answers.
        text = (await AsyncHTTPClient().fetch(f"{server.url}/metrics")).body.decode()
        nodes = next(f for f in text_string_to_metric_families(text) if f.name == "chatserver_node")
        assert [sample.labels["process"] for sample in nodes.samples] == ["1", "2"]

        server.signal(signal.SIGTERM)
        assert await server.ended() == 0


async def process_of(parent):
    """The id of the process that is in the first place by now."""
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            words = Path(f"/proc/{int(entry)}/cmdline").read_text().split("\0")
            if str(parent.config) in words and any('"place":1' in word for word in words):
                return int(entry)
    raise AssertionError("there is no such process")


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "store.url"),
        ({"store": {"url": "postgresql://chat@127.0.0.1:1/chat"}}, "bus.url"),
    ],
)
def test_several_processes_are_refused_where_they_could_not_be_one_chat(tmp_path, settings, path):
    config = write_settings(tmp_path, settings=settings, store="sqlite:")
    with pytest.raises(ConfigError, match="several processes need") as refused:
        CliRunner().invoke(
            commands,
            ["serve", "--config", str(config), "--processes", "2", "--wait", "0"],
            catch_exceptions=False,
        )
    assert refused.value.path == path


def test_nodes_of_a_single_server(tmp_path):
    config = write_settings(tmp_path, store="sqlite:")
    told = CliRunner().invoke(commands, ["nodes", "--config", str(config)])
    assert (told.exit_code, "This is a single server" in told.output) == (0, True)


def test_the_figures_of_several_processes_are_one_text():
    one = (
        '# HELP a_total About a.\n# TYPE a_total counter\na_total{process="1"} 1.0\n'
        '# HELP b About b.\n# TYPE b gauge\nb{process="1"} 2.0\n'
    )
    text = merged([one, one.replace('"1"', '"2"')])
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert [sample.labels["process"] for sample in families["a"]] == ["1", "2"]
    assert [sample.value for sample in families["b"]] == [2.0, 2.0]
    assert text.count("# TYPE a_total ") == 1


async def eventually(condition):
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - anything may be waited for
            await asyncio.sleep(0.02)
