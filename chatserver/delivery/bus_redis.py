"""The bus of several processes: Redis, or Valkey, by publish and subscribe.

What it carries may be lost, and comes again from the log. So nothing is kept while Redis is away, and nothing waits for
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Collection
from typing import Any

import msgspec

from ..model.errors import ConfigError
from ..model.values import RoomPosition
from .bus import NODES, Carried, Deliver, DeliverApart, Receiver
from .bus_local import LocalBus
from .hub import ALL
from .outbox import Outbox
from .redis_clients import (
    FAILURES,
    NO_MEMORY,
    NOT_LET_IN,
    close,
    make_client,
    publish_all,
    why,
    without_password,
)

log = logging.getLogger(__name__)

MOST_BYTES = 16 * 1024 * 1024
"""What may wait to be sent. What is beyond that is not carried."""
CHANNELS = 1000
"""So many are subscribed to with one command."""
BACKOFF = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before it connects again."""
SILENCE = 10
"""Without hearing even itself for so many seconds, it connects again."""
LEASE = 15
"""How long a cluster's claim of a prefix holds after its last sign of life."""


class _Packet(msgspec.Struct, frozen=True, array_like=True):
    """What one process sends to a topic in one turn of the loop."""

    epoch: str
    node: str
    items: list[Carried]


class RedisBus(LocalBus):
    """The bus over the Redis at ``url``, where all names begin with ``prefix``; ``epoch`` is that of the database.

    ``node`` is what this process is called.
    """

    shared = True

    def __init__(
        self,
        deliver: Deliver,
        deliver_apart: DeliverApart,
        *,
        url: str,
        prefix: str,
        epoch: str,
        node: str = "",
    ) -> None:
        self.node = node or secrets.token_hex(4)
        self.problem: str | None = "it has not connected yet"
        super().__init__(deliver, deliver_apart)
        self._prefix = prefix + ":"
        self._epoch = epoch
        self._client = make_client(url)
        self._name = without_password(url)
        self._receiver: Receiver | None = None
        self._outbox = Outbox((ALL, NODES), MOST_BYTES)
        self._pubsub: Any = None
        self._tasks: list[asyncio.Task[None]] = []
        self._is_full = False
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(_Packet)

    # What is sent

    def publish(
        self, topic: str, payload: bytes, position: RoomPosition | None = None, *, ephemeral: bool = False
    ) -> None:
        """Hand over to this process, and queue for the others."""
        super().publish(topic, payload, ephemeral=ephemeral)
        self.elsewhere(topic, Carried(payload, position, ephemeral))

    def publish_apart(
        self,
        topic: str,
        payload: bytes,
        instead: bytes,
        users: Collection[str],
        position: RoomPosition | None = None,
    ) -> None:
        """Hand over to this process, and queue for the others."""
        super().publish_apart(topic, payload, instead, users)
        self.elsewhere(topic, Carried(payload, position, False, instead, tuple(users)))

    def elsewhere(self, topic: str, what: Carried) -> None:
        """Queue for the others: it goes out at the end of this turn of the loop."""
        self._outbox.put(topic, what)

    # What is listened to

    def listen(self, topic: str) -> None:
        """Subscribe, at the end of this turn."""
        self._outbox.listen(topic)

    def unlisten(self, topic: str) -> None:
        """Unsubscribe, at the end of this turn."""
        self._outbox.unlisten(topic)

    # While it runs

    async def start(self, receiver: Receiver) -> None:
        """Connect; while Redis is away, this goes on in the background.

        Raises ConfigError where another cluster uses the prefix.
        """
        self._receiver = receiver
        try:
            await self._claim()
        except NOT_LET_IN as error:
            await close(self._client)
            raise ConfigError(why(self._name, error), path="bus.url") from error
        except FAILURES as error:
            self._failed(error)
        except ConfigError:
            await close(self._client)
            raise
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(each) for each in (self._run(), self._send())]

    async def stop(self) -> None:
        """Send what waits, and disconnect."""
        with contextlib.suppress(*FAILURES):
            await self._flush()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        with contextlib.suppress(*FAILURES):
            await close(self._client)

    async def _claim(self) -> None:
        """Take the prefix for this database, or hold it. Raises ConfigError."""
        name = self._prefix + "epoch"
        found = await self._client.get(name)
        if found is None:
            try:
                await self._client.set(name, self._epoch, nx=True, ex=LEASE)
            except NO_MEMORY as error:
                # What is published needs none, and says whose it is.
                self._tell_full(error)
                return
            found = await self._client.get(name)
        self._is_full = False
        if found is not None and found != self._epoch.encode():
            raise ConfigError(
                f"another cluster, with another database, uses {self._name} with the prefix"
                f" {self._prefix[:-1]!r}: set another one",
                path="bus.prefix",
            )
        await self._client.expire(name, LEASE)

    def _tell_full(self, error: Exception) -> None:
        if not self._is_full:
            log.warning("%s: no other cluster is kept off the prefix meanwhile", why(self._name, error))
        self._is_full = True

    async def _run(self) -> None:
        """Connect, again and again, and receive."""
        failures = 0
        while True:
            try:
                await self._claim()
                async with self._client.pubsub() as pubsub:
                    await self._receive(pubsub)
            except (*FAILURES, ConfigError) as error:
                failures = 0 if self._pubsub is not None else failures + 1
                self._failed(error)
            finally:
                self._pubsub = None
                self._outbox.open = False
                self._outbox.take()
            await asyncio.sleep(BACKOFF[min(failures, len(BACKOFF) - 1)])

    async def _receive(self, pubsub: Any) -> None:
        self._outbox.take_topics()
        await self._subscribe(pubsub, list(self._outbox.topics))
        self._pubsub, self._outbox.open = pubsub, True
        claimed, silent = time.monotonic(), 0
        while True:
            message: dict[str, Any] | None = await pubsub.get_message(timeout=1.0)
            now = time.monotonic()
            if message is not None:
                silent = 0
                self._take(message)
            else:
                # Counted, not measured: while this process itself stood still, it did not listen.
                silent += 1
            if silent > SILENCE:
                raise TimeoutError(f"nothing came for {SILENCE} seconds")
            if now - claimed > LEASE / 3:
                claimed = now
                await self._claim()

    def _take(self, message: dict[str, Any]) -> None:
        topic = message["channel"].decode()[len(self._prefix) :]
        if message["type"] == "subscribe":
            if topic == NODES:
                self._worked()
            self._to_receiver("listening", topic)
        elif message["type"] == "message":
            try:
                packet = self._decoder.decode(message["data"])
            except msgspec.MsgspecError:
                log.warning("something else than this server sends to %s", self._name)
                return
            if packet.node == self.node:
                return
            if packet.epoch != self._epoch:
                self.problem = "another cluster, with another database, sends with the same prefix"
                return
            for item in packet.items:
                self._to_receiver("carried", topic, item, packet.node)

    def _to_receiver(self, method: str, *args: Any) -> None:
        try:
            getattr(self._receiver, method)(*args)
        except Exception:
            log.exception("what came over the bus could not be handled")

    async def _send(self) -> None:
        """Send what each turn of the loop has left, as one piece."""
        while True:
            await self._outbox.wait()
            try:
                await self._flush()
            except FAILURES as error:
                self._failed(error)
                await self._cut()

    async def _cut(self) -> None:
        """Let the receiver notice, and connect anew."""
        connection: Any = self._pubsub.connection if self._pubsub is not None else None
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _flush(self) -> None:
        if (pubsub := self._pubsub) is None:
            return
        listened, unlistened = self._outbox.take_topics()
        if unlistened:
            await pubsub.unsubscribe(*[self._prefix + topic for topic in unlistened])
        await self._subscribe(pubsub, listened)
        items = self._outbox.take()
        if items:
            packets = {topic: _Packet(self._epoch, self.node, carried) for topic, carried in items.items()}
            encoded = {self._prefix + topic: self._encoder.encode(each) for topic, each in packets.items()}
            await publish_all(self._client, encoded)

    async def _subscribe(self, pubsub: Any, topics: list[str]) -> None:
        for first in range(0, len(topics), CHANNELS):
            await pubsub.subscribe(*[self._prefix + topic for topic in topics[first : first + CHANNELS]])

    def _failed(self, error: Exception) -> None:
        first = self.problem is None or self.problem.startswith("it has not")
        self.problem = error.message if isinstance(error, ConfigError) else why(self._name, error)
        if first:
            log.warning("other processes of this server are not heard: %s", self.problem)

    def _worked(self) -> None:
        if self.problem is not None:
            log.info("connected to other processes of this server by %s", self._name)
        self.problem = None
