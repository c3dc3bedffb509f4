"""The subscribers of each topic on this process, and the fan-out.

What becomes ready for a topic in one turn of the loop is joined into one bytes object, and every connection of a family
is handed that same object: the cost of a message is one ``send`` a connection and turn, whatever the number of
messages. A family is the clients that share a codec.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Protocol

from ..model.metrics import Metrics
from .codec import Codec
from .send import SendToAll, send_in_python

SENDS_PER_TURN = 2000
"""After so many the loop gets a turn, so that reading and timers go on during a large fan-out."""


class Outlet(Protocol):
    """The way to one client."""

    @property
    def codec(self) -> Codec:
        """How payloads are encoded for it. It doesn't change."""

    @property
    def fd(self) -> int:
        """The socket that takes what is sent to all, or -1 while that has to go through `send_encoded`."""

    def send_encoded(self, data: bytes, durable: bytes) -> None:
        """Send ``data``; a client that lags may get ``durable`` instead, the same without what may be lost."""

    def send_rest(self, data: bytes, taken: int) -> None:
        """Send ``data`` from the byte ``taken`` on: the socket took only what is before it."""


class Subscriber(Protocol):
    """A session, as the hub sees it."""

    @property
    def connection(self) -> Outlet: ...


class Waiting(Protocol):
    """A connection with payloads of its own to send at the end of the turn."""

    def flush(self) -> None:
        """Send them, unless they went out together with payloads of a topic."""


class _Queued:
    """What waits for a topic in this turn. ``ephemeral`` are the places of those payloads that may be lost, ``late``
    the subscribers that came meanwhile, each with how many of the payloads are not for it."""

    __slots__ = ("ephemeral", "late", "payloads")

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.ephemeral: set[int] = set()
        self.late: dict[Subscriber, int] = {}


Listeners = dict[str, dict[Subscriber, Outlet]]


def user_topic(user_id: str) -> str:
    """The topic of all of a user's connections."""
    return "@" + user_id


ALL = "*"
"""The topic of all connections."""


class Hub:
    """Topics and their subscribers. ``call_soon`` runs a callable in the loop's next turn; ``send_to_all`` sends to
    those whose sockets have nothing waiting."""

    def __init__(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        metrics: Metrics,
        send_to_all: SendToAll[Outlet] = send_in_python,
        sends_per_turn: int = SENDS_PER_TURN,
    ) -> None:
        self._call_soon = call_soon
        self._sends_per_turn = sends_per_turn
        self._send_to_all = send_to_all
        self._metrics = metrics
        # Apart, so that no client is asked for its family at each delivery.
        self._families: dict[Codec, Listeners] = {}
        self._ready: dict[str, _Queued] = {}
        self._sending: deque[tuple[tuple[Outlet, ...], bytes, bytes]] = deque()
        self._own: list[Waiting] = []
        self._scheduled = False
        self.on_first: Callable[[str], None] | None = None
        """Is told of a topic that gets its first subscriber of a family."""
        self.on_last: Callable[[str], None] | None = None
        """Is told of a topic that has no subscribers any more."""

    def deliver(self, topic: str, payload: bytes, *, ephemeral: bool = False) -> None:
        """Queue a payload for all subscribers; it goes out at the end of this turn."""
        queued = self._ready.get(topic)
        if queued is None:
            if not self.listened_to(topic):
                return
            queued = self._ready[topic] = _Queued()
            self._schedule()
        if ephemeral:
            queued.ephemeral.add(len(queued.payloads))
        queued.payloads.append(payload)

    def deliver_apart(self, topic: str, payload: bytes, instead: bytes, users: Collection[str]) -> None:
        """Send a payload now, after what is queued, and ``instead`` to the sessions of these users, unless empty."""
        self.flush()
        for codec, topics in self._families.items():
            listeners = topics.get(topic, {})
            others = {each for user_id in users for each in topics.get(user_topic(user_id), ())}
            for data, chosen in ((payload, listeners.keys() - others), (instead, listeners.keys() & others)):
                outlets = tuple(listeners[each] for each in chosen)
                if data and outlets:
                    self._queue(outlets, [codec.encode(data, len(outlets))], ())
        self._send_all()

    def later(self, waiting: Waiting) -> None:
        """Flush this one at the end of the turn, after what is for all: often the two go out as one."""
        self._own.append(waiting)
        self._schedule()

    def subscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Listen from here on: what is queued already goes to those who were there."""
        codec = subscriber.connection.codec
        topics = self._families.get(codec)
        if topics is None:
            topics = self._families[codec] = {}
        listeners = topics.get(topic)
        if listeners is None:
            listeners = topics[topic] = {}
            if self.on_first is not None:
                self.on_first(topic)
        queued = self._ready.get(topic)
        if queued is not None and subscriber not in listeners:
            queued.late[subscriber] = len(queued.payloads)
        listeners[subscriber] = subscriber.connection

    def unsubscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Stop listening, after what is queued."""
        self.flush()
        self.drop(subscriber, topic)

    def drop(self, subscriber: Subscriber, topic: str) -> None:
        """Stop listening at once: the connection is gone."""
        codec = subscriber.connection.codec
        topics = self._families.get(codec, {})
        listeners = topics.get(topic)
        if listeners is None:
            return
        listeners.pop(subscriber, None)
        if not listeners:
            del topics[topic]
            if not topics:
                del self._families[codec]
            if self.on_last is not None and not self.listened_to(topic):
                self.on_last(topic)
        queued = self._ready.get(topic)
        if queued is not None:
            queued.late.pop(subscriber, None)

    def subscribers(self, topic: str) -> tuple[Subscriber, ...]:
        """The topic's subscribers on this process."""
        return tuple(each for topics in self._families.values() for each in topics.get(topic, ()))

    def count(self, topic: str) -> int:
        """The number of the topic's subscribers on this process."""
        return sum(len(topics.get(topic, ())) for topics in self._families.values())

    def listened_to(self, topic: str) -> bool:
        """Whether the topic has subscribers on this process."""
        for topics in self._families.values():  # noqa: SIM110 - each message asks
            if topic in topics:
                return True
        return False

    def flush(self) -> None:
        """Send all that is queued now, rather than at the end of the turn."""
        if self._ready or self._sending:
            self._join()
            self._send_all()

    def _send_all(self) -> None:
        while self._sending:
            self._send(self._sends_per_turn)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._join()
        self._send(self._sends_per_turn)
        own, self._own = self._own, []
        for waiting in own:
            waiting.flush()
        if self._sending:
            self._schedule()

    def _join(self) -> None:
        ready, self._ready = self._ready, {}
        late: list[tuple[Outlet, list[bytes], set[int]]] = []
        for topic, queued in ready.items():
            count = 0
            for codec, topics in self._families.items():
                listeners = topics.get(topic)
                if listeners:
                    count += len(listeners)
                    late += self._encode(codec, listeners, queued)
            if count:
                self._metrics.fan_out.observe(count)
        # They came into the room in this turn, and are told so before they get what is said in it.
        for outlet, encoded, ephemeral in late:
            self._queue((outlet,), encoded, ephemeral)

    def _encode(
        self, codec: Codec, listeners: dict[Subscriber, Outlet], queued: _Queued
    ) -> list[tuple[Outlet, list[bytes], set[int]]]:
        """Make the bytes of a topic for one family, and queue them for all of it. Returns what is for those who came
        late."""
        late = queued.late
        encoded = [codec.encode(payload, len(listeners)) for payload in queued.payloads]
        if not late:
            self._queue(tuple(listeners.values()), encoded, queued.ephemeral)
            return []
        there = tuple(outlet for subscriber, outlet in listeners.items() if subscriber not in late)
        self._queue(there, encoded, queued.ephemeral)
        return [
            (listeners[subscriber], encoded[heard:], {place - heard for place in queued.ephemeral})
            for subscriber, heard in late.items()
            if subscriber in listeners
        ]

    def _queue(self, outlets: tuple[Outlet, ...], encoded: list[bytes], ephemeral: Collection[int]) -> None:
        data = b"".join(encoded)
        if not outlets or not data:
            return
        self._metrics.sends += len(outlets)
        self._metrics.deliveries += len(outlets) * len(encoded)
        durable = data
        if ephemeral:
            durable = b"".join(each for place, each in enumerate(encoded) if place not in ephemeral)
        self._sending.append((outlets, data, durable))

    def _send(self, most: int) -> None:
        while self._sending and most > 0:
            outlets, data, durable = self._sending.popleft()
            if len(outlets) > most:
                self._sending.appendleft((outlets[most:], data, durable))
                outlets = outlets[:most]
            most -= len(outlets)
            for outlet, taken in self._send_to_all(outlets, data):
                if taken > 0:
                    outlet.send_rest(data, taken)
                else:
                    outlet.send_encoded(data, durable)
