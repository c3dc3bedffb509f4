"""Who listens to what on this process, and the fan-out.

What becomes ready for a topic in one turn of the loop is joined into one bytes object, and every connection is handed
that same object: the cost of a message is one ``send`` a connection and turn, whatever the number of messages. Those
who take compressed frames are handed another one, the same for all of them, when a frame was worth it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from ..model.metrics import Metrics
from .deflate import compress_frame
from .frames import frame

SENDS_PER_TURN = 2000
"""After so many the loop gets a turn, so that reading and timers go on during a large fan-out."""


class Subscriber(Protocol):
    """A connection, as the hub sees it."""

    deflates: bool
    """Whether it takes compressed frames. It doesn't change."""

    def send_frames(self, frames: bytes, durable: bytes) -> None:
        """Send ``frames``; a connection that lags may take ``durable`` instead, the same without what may be lost."""


class Waiting(Protocol):
    """Somebody who has something of their own to send at the end of the turn."""

    def flush(self) -> None:
        """Send it, unless it went out with what was for everybody."""


class _Queued:
    """What waits for a topic in this turn. ``late`` are those who came meanwhile, each with how much of ``frames``
    and ``durable`` is not for them."""

    __slots__ = ("durable", "frames", "late")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.durable: list[bytes] = []
        self.late: dict[Subscriber, tuple[int, int]] = {}


Listeners = dict[str, dict[Subscriber, None]]


def user_topic(user_id: str) -> str:
    """The topic of all of a user's connections."""
    return "@" + user_id


EVERYBODY = "*"
"""The topic of all connections."""


class Hub:
    """Topics and their subscribers. ``call_soon`` runs a callable in the loop's next turn."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], object], metrics: Metrics) -> None:
        self._call_soon = call_soon
        self._metrics = metrics
        self._plain: Listeners = {}
        # Those who take compressed frames: apart, so that nobody is asked at each delivery.
        self._deflating: Listeners = {}
        self._ready: dict[str, _Queued] = {}
        self._sending: deque[tuple[Iterator[Subscriber], bytes, bytes]] = deque()
        self._own: list[Waiting] = []
        self._scheduled = False

    def deliver(self, topic: str, payload: bytes, ephemeral: bool = False) -> None:
        """Queue a payload for everybody who listens; it goes out at the end of this turn."""
        queued = self._ready.get(topic)
        if queued is None:
            if not self.listened_to(topic):
                return
            queued = self._ready[topic] = _Queued()
            self._schedule()
        data = frame(payload)
        queued.frames.append(data)
        if not ephemeral:
            queued.durable.append(data)

    def later(self, waiting: Waiting) -> None:
        """Flush this one at the end of the turn, behind what is for everybody: often the two go out as one."""
        self._own.append(waiting)
        self._schedule()

    def subscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Listen from here on: what is queued already goes to those who were there."""
        topics = self._topics_of(subscriber)
        listeners = topics.get(topic)
        if listeners is None:
            listeners = topics[topic] = {}
        queued = self._ready.get(topic)
        if queued is not None and subscriber not in listeners:
            queued.late[subscriber] = len(queued.frames), len(queued.durable)
        listeners[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Stop listening, after what is queued."""
        self.flush()
        self.drop(subscriber, topic)

    def drop(self, subscriber: Subscriber, topic: str) -> None:
        """Stop listening at once: the connection is gone."""
        topics = self._topics_of(subscriber)
        listeners = topics.get(topic)
        if listeners is None:
            return
        listeners.pop(subscriber, None)
        if not listeners:
            del topics[topic]
        queued = self._ready.get(topic)
        if queued is not None:
            queued.late.pop(subscriber, None)

    def _topics_of(self, subscriber: Subscriber) -> Listeners:
        return self._deflating if subscriber.deflates else self._plain

    def subscribers(self, topic: str) -> tuple[Subscriber, ...]:
        """Who listens, on this process."""
        return *self._plain.get(topic, ()), *self._deflating.get(topic, ())

    def count(self, topic: str) -> int:
        """How many listen, on this process."""
        return len(self._plain.get(topic, ())) + len(self._deflating.get(topic, ()))

    def listened_to(self, topic: str) -> bool:
        """Whether anybody does."""
        return topic in self._plain or topic in self._deflating

    def flush(self) -> None:
        """Send all that is queued now, rather than at the end of the turn."""
        if self._ready or self._sending:
            self._join()
            while self._sending:
                self._send(SENDS_PER_TURN)

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._join()
        self._send(SENDS_PER_TURN)
        own, self._own = self._own, []
        for waiting in own:
            waiting.flush()
        if self._sending:
            self._schedule()

    def _join(self) -> None:
        ready, self._ready = self._ready, {}
        for topic, queued in ready.items():
            frames, durable, late = queued.frames, queued.durable, queued.late
            plain, deflating = tuple(self._plain.get(topic, ())), tuple(self._deflating.get(topic, ()))
            if late:
                plain = tuple(each for each in plain if each not in late)
                deflating = tuple(each for each in deflating if each not in late)
            count = len(plain) + len(deflating) + len(late)
            if count:
                self._metrics.fan_out.observe(count)
            deflated = self._deflated(frames, durable, len(deflating)) if deflating else None
            if deflated is None:
                self._queue(plain + deflating, frames, durable)
            else:
                self._queue(plain, frames, durable)
                self._queue(deflating, *deflated)
            for subscriber, (heard, lasting) in late.items():
                self._queue((subscriber,), frames[heard:], durable[lasting:])

    def _queue(self, subscribers: tuple[Subscriber, ...], frames: list[bytes], durable: list[bytes]) -> None:
        count = len(subscribers)
        if not count or not frames:
            return
        self._metrics.sends += count
        self._metrics.deliveries += count * len(frames)
        joined = b"".join(frames)
        lasting = joined if len(durable) == len(frames) else b"".join(durable)
        self._sending.append((iter(subscribers), joined, lasting))

    def _deflated(
        self, frames: list[bytes], durable: list[bytes], count: int
    ) -> tuple[list[bytes], list[bytes]] | None:
        """The same for those who take compressed frames, or None when no frame gets smaller."""
        packed = {id(each): made for each in frames if (made := compress_frame(each)) is not each}
        if not packed:
            return None
        small = [packed.get(id(each), each) for each in frames]
        self._metrics.compressed += len(packed)
        self._metrics.saved_bytes += (sum(map(len, frames)) - sum(map(len, small))) * count
        return small, [packed.get(id(each), each) for each in durable]

    def _send(self, most: int) -> None:
        while self._sending and most > 0:
            subscribers, frames, durable = self._sending[0]
            for subscriber in islice(subscribers, most):
                subscriber.send_frames(frames, durable)
                most -= 1
            if most:
                self._sending.popleft()
