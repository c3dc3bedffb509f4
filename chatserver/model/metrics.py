"""The server's counters: plain numbers, read when Prometheus scrapes them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Sequence

WINDOW = 10.0

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
LIFETIMES = (1, 10, 60, 300, 1800, 3600, 4 * 3600, 24 * 3600)


class Histogram:
    """How often a value was at most each of ``bounds``."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> list[tuple[str, int]]:
        """The buckets as Prometheus has them: each with all below it, the last one for everything."""
        so_far, buckets = 0, []
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            so_far += count
            buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), so_far))
        return buckets


class Rate:
    """How fast a counter grows: per second, over the last ten. The counter is looked at now and then, so that
    counting costs nothing more."""

    def __init__(self) -> None:
        # The first one is from before the window.
        self._samples: deque[tuple[float, int]] = deque([(float("-inf"), 0)])

    def sample(self, now: float, total: int) -> None:
        """Remember how far the counter is. ``now`` is in seconds."""
        self._samples.append((now, total))
        self._forget(now)

    def per_second(self, now: float, total: int) -> float:
        """The mean of the window that ends now."""
        self._forget(now)
        since, before = self._samples[0]
        # The sample may be older than the window by as much as the last one came late.
        return (total - before) / max(WINDOW, now - since if since > float("-inf") else 0)

    def _forget(self, now: float) -> None:
        while len(self._samples) > 1 and self._samples[1][0] <= now - WINDOW:
            self._samples.popleft()


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.frames_in = 0
        """Requests of sessions, of any type, over any transport."""
        self.frames_out = 0
        """Frames for one connection alone."""
        self.deliveries = 0
        """Frames sent to a topic, times the connections that got them."""
        self.sends = 0
        """Calls that carried deliveries; each may carry many frames."""
        self.compressed = 0
        """Frames that were compressed; one that goes to many connections counts once."""
        self.saved_bytes = 0
        """Bytes that compression saved, summed over the connections that got the frames."""
        self.messages = 0
        """Messages committed."""
        self.message_rate = Rate()
        self.lagging = 0
        """How often a connection that lags was not sent what may be lost."""
        self.dropped_notifications: Counter[str] = Counter()
        """Calls of ``after_*`` hooks that were dropped because their plugin was too slow, by plugin."""
        self.closes: Counter[int] = Counter()
        """Connections of sessions that the server closed, by code."""
        self.stream_answers: Counter[str] = Counter()
        """Answers to who reads an HTTP stream: ``events`` that stay open, ``poll`` for long polling."""
        self.fan_out = Histogram(SIZES)
        """How many connections a turn's bytes for one topic went to."""
        self.commit_seconds = Histogram(SECONDS)
        self.commit_events = Histogram(SIZES)
        self.connection_seconds = Histogram(LIFETIMES)
        self.loop_lag_seconds = 0.0
        """By how much the last periodic tick came late."""
