"""Two nodes on a PostgreSQL with fsync and a Redis: what they carry, and what the way between them costs."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from chatserver.testing import postgresql as databases
from chatserver.testing import redis as redises

from .build import NotHere
from .folders import CACHE
from .generator import Generator, Options
from .launch import Launch, Server
from .processes import Process, free_port
from .soak.connection import Connection

ROOMS = 50
RATE = 100
LISTENERS = 100
SETTLE_SECONDS = 1.0
# Thousands of clients that join aren't told of each other.
_QUIET = {"limits": {"presence_members": 1}}
_LOAD: Options = {"dialect": "chat", "ack": 1}


class Cluster:
    """Two nodes, each of the same ``server``; `node` starts one more."""

    def __init__(self, server: Server, stack: ExitStack) -> None:
        self._server = server
        self._stack = stack
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="run-", dir=CACHE)))
        self._names = iter(range(1_000_000))
        try:
            self._database = databases.PostgresqlServer(
                fsync="on",
                synchronous_commit="on",
                full_page_writes="on",
                shared_buffers="128MB",
                max_wal_size="1GB",
            )
            stack.callback(self._database.remove)
            self._redis = redises.RedisServer()
        except (databases.NoPostgresql, redises.NoRedis) as error:
            raise NotHere(str(error)) from error
        stack.callback(self._redis.remove)
        self._url = self._database.make()

    def node(self, url: str = "", bus: bool = True) -> Process:
        """Start a node; on a database of its own and without a bus it is a single server. Raises ServerFailed."""
        folder = self._folder / f"node{next(self._names)}"
        folder.mkdir()
        settings: dict[str, Mapping[str, object]] = {**_QUIET, "store": {"url": url or self._url}}
        if bus:
            settings["bus"] = {"url": self._redis.url, "prefix": self._folder.name}
        launch = Launch(free_port(), folder, ROOMS, settings)
        return self._stack.enter_context(Process(self._server.command(launch), launch.port))

    def single(self) -> Process:
        """A server by itself on another database of the same PostgreSQL."""
        return self.node(self._database.make(), bus=False)

    @contextmanager
    def load(self, node: Process, options: Options) -> Iterator[Generator]:
        """A load whose guests have names that no other load has."""
        first = 10_000 * next(self._names)
        with Generator(node.port, {**_LOAD, **options, "first-name": first}) as generator:
            generator.wait_for("ready")
            yield generator


def measure(server: Server, seconds: float, warmup: float, members: int) -> dict[str, Any]:
    """All figures, by their names in `benchmarks.report`; ``members`` of each of 50 rooms resume.

    Raises NotHere, ServerFailed or LoadFailed.
    """
    timed: Options = {"seconds": seconds, "warmup": warmup}
    with ExitStack() as stack:
        cluster = Cluster(server, stack)
        one, two = cluster.node(), cluster.node()
        third = cluster.node()
        figures: dict[str, Any] = {"join_seconds": third.start_seconds}
        third.stop()
        for key, options in (
            ("messages_per_second", {"members": 100, "senders": 10, "window": 16}),
            ("rooms_messages_per_second", {"rooms": 10, "members": 10, "senders": 10, "window": 8}),
        ):
            figures[key] = _traffic(cluster, one, {**options, **timed})["messages_per_second"]
        figures |= asyncio.run(_hop(one.port, two.port, 4 * seconds))
        figures["delivery_cpu_ratio"] = _delivering(cluster, one, two, timed) / _alone(cluster, timed)
        figures["resume_seconds"] = _resume(cluster, one, two, members)
    return figures


def _traffic(cluster: Cluster, node: Process, options: Options) -> dict[str, Any]:
    with cluster.load(node, options) as generator:
        generator.go()
        generator.wait_for("measuring")
        generator.wait_for("measured")
        return generator.wait_for("result")


def _alone(cluster: Cluster, timed: Options) -> float:
    """Processor time for a delivery of a single server."""
    node = cluster.single()
    with cluster.load(node, {"members": LISTENERS, "senders": 1, "rate": RATE, **timed}) as generator:
        generator.go()
        generator.wait_for("measuring")
        before = node.cpu_seconds()
        generator.wait_for("measured")
        cpu = node.cpu_seconds() - before
        received = generator.wait_for("result")["received"]
    node.stop()
    return cpu / max(1, received)


def _delivering(cluster: Cluster, one: Process, two: Process, timed: Options) -> float:
    """Processor time for a delivery of a node to which the other one's messages come."""
    idle: Options = {"mode": "idle", "members": LISTENERS, "senders": 0, "seconds": 60}
    with (
        cluster.load(two, idle),
        cluster.load(one, {"members": 1, "senders": 1, "rate": RATE, **timed}) as generator,
    ):
        time.sleep(SETTLE_SECONDS)
        generator.go()
        generator.wait_for("measuring")
        before = two.cpu_seconds()
        generator.wait_for("measured")
        cpu = two.cpu_seconds() - before
        sent = generator.wait_for("result")["sent"]
    return cpu / max(1, sent * LISTENERS)


def _resume(cluster: Cluster, one: Process, two: Process, members: int) -> float:
    """How long the clients of a node that was killed take to come back on the other, each with 20 missed messages."""
    options: Options = {
        "mode": "resume", "rooms": ROOMS, "members": members, "missed": 20, "resume-port": two.port,
    }  # fmt: skip
    with cluster.load(one, options) as generator:
        one.kill()
        generator.go()
        return float(generator.wait_for("result")["seconds"])


async def _hop(here: int, there: int, seconds: float) -> dict[str, float]:
    """From the acknowledgement on one node to the message on the other, at 100 messages/s."""
    talking, listening = [
        await _joined(port, name) for port, name in ((here, "hop-here"), (there, "hop-there"))
    ]
    acknowledged: dict[int, float] = {}
    received: dict[int, float] = {}

    async def note(connection: Connection, into: dict[int, float], kind: str) -> None:
        while (events := await connection.events()) is not None:
            now = time.perf_counter()
            into.update((event.seq, now) for event in events if event.type == kind and event.seq)

    notes = [
        asyncio.create_task(note(talking, acknowledged, "ok")),
        asyncio.create_task(note(listening, received, "message")),
    ]
    begun = time.perf_counter()
    for number in range(int(seconds * RATE)):
        await asyncio.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
        talking.send(
            type="message", id=str(number + 10), room="room0", content="x" * 100, nonce=f"hop{number}"
        )
    await asyncio.sleep(SETTLE_SECONDS)
    for each in notes:
        each.cancel()
    for connection in (talking, listening):
        connection.reset()
    ways = sorted(
        max(0.0, received[seq] - acknowledged[seq]) for seq in acknowledged.keys() & received.keys()
    )
    found = statistics.quantiles(ways, n=100)
    return {"hop_p50_ms": 1000 * found[49], "hop_p99_ms": 1000 * found[98]}


async def _joined(port: int, name: str) -> Connection:
    connection = await Connection.open(port)
    for number, request in enumerate(({"type": "hello", "name": name}, {"type": "join", "room": "room0"})):
        connection.send(**request, id=str(number))
        while not any(event.re == str(number) for event in await connection.events() or ()):
            pass
    return connection
