"""Who listens to what on this process, and the fan-out.

What becomes ready for a topic in one turn of the loop is joined into one bytes object, and every connection is handed
that same object: the cost of a message is one ``send`` a connection and turn, whatever the number of messages. Those
who take compressed frames are handed another one, the same for all of them, when a frame was worth it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Protocol

from .deflate import smaller
from .frames import frame
from .metrics import Metrics

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


class _Topic:
    """``late`` are those who came in this turn, each with how much of ``frames`` and ``durable`` is not for them."""

    __slots__ = ("deflating", "durable", "frames", "late", "subscribers")

    def __init__(self) -> None:
        self.subscribers: dict[Subscriber, None] = {}
        self.deflating: dict[Subscriber, None] = {}
        """Those who take compressed frames: apart, so that nobody is asked at each delivery."""
        self.frames: list[bytes] = []
        self.durable: list[bytes] = []
        self.late: dict[Subscriber, tuple[int, int]] = {}

    def group_of(self, subscriber: Subscriber) -> dict[Subscriber, None]:
        return self.deflating if subscriber.deflates else self.subscribers


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
        self._topics: dict[str, _Topic] = {}
        self._ready: dict[str, None] = {}
        self._sending: deque[tuple[Iterator[Subscriber], bytes, bytes]] = deque()
        self._own: list[Waiting] = []
        self._scheduled = False

    def deliver(self, topic: str, payload: bytes, ephemeral: bool = False) -> None:
        """Queue a payload for everybody who listens; it goes out at the end of this turn."""
        listening = self._topics.get(topic)
        if listening is None:
            return
        data = frame(payload)
        listening.frames.append(data)
        if not ephemeral:
            listening.durable.append(data)
        self._ready[topic] = None
        self._schedule()

    def later(self, waiting: Waiting) -> None:
        """Flush this one at the end of the turn, behind what is for everybody: often the two go out as one."""
        self._own.append(waiting)
        self._schedule()

    def subscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Listen from here on: what is queued already goes to those who were there."""
        listening = self._topics.get(topic)
        if listening is None:
            listening = self._topics[topic] = _Topic()
        group = listening.group_of(subscriber)
        if listening.frames and subscriber not in group:
            listening.late[subscriber] = len(listening.frames), len(listening.durable)
        group[subscriber] = None

    def unsubscribe(self, subscriber: Subscriber, topic: str) -> None:
        """Stop listening, after what is queued."""
        self.flush()
        self.drop(subscriber, topic)

    def drop(self, subscriber: Subscriber, topic: str) -> None:
        """Stop listening at once: the connection is gone."""
        listening = self._topics.get(topic)
        if listening is not None:
            listening.group_of(subscriber).pop(subscriber, None)
            listening.late.pop(subscriber, None)
            if not (listening.subscribers or listening.deflating):
                del self._topics[topic]
                self._ready.pop(topic, None)

    def subscribers(self, topic: str) -> Iterable[Subscriber]:
        """Who listens, on this process."""
        listening = self._topics.get(topic)
        return (*listening.subscribers, *listening.deflating) if listening else ()

    def count(self, topic: str) -> int:
        """How many listen, on this process."""
        listening = self._topics.get(topic)
        return len(listening.subscribers) + len(listening.deflating) if listening else 0

    def listened_to(self, topic: str) -> bool:
        """Whether anybody does."""
        return topic in self._topics

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
        for name in self._ready:
            topic = self._topics[name]
            topic = self._topics[name]
            frames, durable, late = topic.frames, topic.durable, topic.late
            topic.frames, topic.durable = [], []
            plain, deflating = tuple(topic.subscribers), tuple(topic.deflating)
            if late:
                plain = tuple(each for each in plain if each not in late)
                deflating = tuple(each for each in deflating if each not in late)
                topic.late = {}
            deflated = self._deflated(frames, durable, len(deflating)) if deflating else None
            if deflated is None:
                self._queue(plain + deflating, frames, durable)
            else:
                self._queue(plain, frames, durable)
                self._queue(deflating, *deflated)
            for subscriber, (heard, lasting) in late.items():
                self._queue((subscriber,), frames[heard:], durable[lasting:])
        self._ready.clear()

    def _queue(self, subscribers: tuple[Subscriber, ...], frames: list[bytes], durable: list[bytes]) -> None:
        count = len(subscribers)
        if not count or not frames:
            return
        self._metrics.fan_out.observe(count)
        self._metrics.sends += count
        self._metrics.deliveries += count * len(frames)
        joined = b"".join(frames)
        lasting = joined if len(durable) == len(frames) else b"".join(durable)
        self._sending.append((iter(subscribers), joined, lasting))

    def _deflated(
        self, frames: list[bytes], durable: list[bytes], count: int
    ) -> tuple[list[bytes], list[bytes]] | None:
        """The same for those who take compressed frames, or None when no frame gets smaller."""
        packed = {id(each): made for each in frames if (made := smaller(each)) is not each}
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
