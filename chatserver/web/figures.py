"""The server's counters in Prometheus's form, put together when they are asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..model.metrics import Histogram, Metrics
from ..sessions.context import ConnectionContext

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from ..plugins.implementation import Stats

PREFIX = "chatserver_"


class Figures:
    """The counters of this server. As one of several processes on one port it has a number, which each of its figures
    says, and ``ask_all()`` asks for those of all, as it can't be chosen which process a scrape comes to."""

    def __init__(
        self,
        context: ConnectionContext,
        process: int = 0,
        ask_all: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._context = context
        self._process = process
        self._ask_all = ask_all

    async def all(self) -> str:
        """The figures of all processes on this port."""
        return self.own() if self._ask_all is None else await self._ask_all()

    def own(self) -> str:
        """Those of this process."""
        # Imported with the first scrape, so that a server without scrapes doesn't pay for it.
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry).decode()

    def collect(self) -> Iterator[Metric]:
        """All families, as `prometheus_client` wants them of a collector."""
        for family in self._families():
            if self._process:
                family.samples = [
                    sample._replace(labels={**sample.labels, "process": str(self._process)})
                    for sample in family.samples
                ]
            yield family

    def _families(self) -> Iterator[Metric]:
        services, info = self._context.services, self._context.info
        yield from _counted(services.metrics)
        yield from _measured(info.gauges())
        if services.bus.node:
            yield _node(services.bus.node, info.version)
        yield _transports(info.by_transport())
        yield from _queues(services.notifier.waiting(), services.metrics.dropped_notifications)
        yield from _hooks(services.host.stats)


def merged(texts: Iterable[str]) -> str:
    """The figures of several processes as one text, in which each family stands once."""
    families: dict[str, list[str]] = {}
    for text in texts:
        for block in text.split("# HELP ")[1:]:
            about, kind, *samples = block.splitlines(keepends=True)
            families.setdefault(about.partition(" ")[0], ["# HELP ", about, kind]).extend(samples)
    return "".join("".join(lines) for lines in families.values())


def _node(node: str, version: str) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    family = GaugeMetricFamily(
        PREFIX + "node", "What this server is called among others.", labels=["node", "version"]
    )
    family.add_metric([node, version], 1)
    return family


def _counted(metrics: Metrics) -> Iterator[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily

    for name, text, value in (
        ("messages", "Messages committed.", metrics.messages),
        ("frames_in", "Frames from clients.", metrics.frames_in),
        ("frames_out", "Frames for one connection alone.", metrics.frames_out),
        ("deliveries", "Frames sent to a topic, times the connections that got them.", metrics.deliveries),
        ("sends", "Calls that carried deliveries; each may carry many.", metrics.sends),
        ("compressed_frames", "Frames compressed, each once for all.", metrics.compressed),
        ("saved_bytes", "Bytes not sent because they were compressed.", metrics.saved_bytes),
        ("lagging", "Times a lagging connection was not sent what may be lost.", metrics.lagging),
    ):
        yield CounterMetricFamily(PREFIX + name, text, value=value)
    answers = CounterMetricFamily(
        PREFIX + "stream_answers",
        "Answers to clients that read an HTTP stream: events, or long polling.",
        labels=["reading"],
    )
    for reading, count in sorted(metrics.stream_answers.items()):
        answers.add_metric([reading], count)
    yield answers
    closes = CounterMetricFamily(PREFIX + "closes", "Connections closed by the server.", labels=["code"])
    for code, count in sorted(metrics.closes.items()):
        closes.add_metric([str(int(code))], count)
    yield closes
    yield _histogram(
        "fan_out_connections", "Connections that a turn's bytes for a topic went to.", metrics.fan_out
    )
    yield _histogram("commit_seconds", "Duration of a transaction.", metrics.commit_seconds)
    yield _histogram("commit_events", "Events in a transaction.", metrics.commit_events)
    yield _histogram("connection_seconds", "Lifetime of a connection.", metrics.connection_seconds)


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    from prometheus_client.metrics_core import HistogramMetricFamily

    return HistogramMetricFamily(PREFIX + name, text, histogram.cumulative(), histogram.total)


def _measured(gauges: dict[str, tuple[str, float]]) -> Iterator[Metric]:
    from prometheus_client.metrics_core import GaugeMetricFamily

    for name, (text, value) in gauges.items():
        yield GaugeMetricFamily(PREFIX + name, text, value=value)


def _transports(connections: Mapping[str, int]) -> Metric:
    from prometheus_client.metrics_core import GaugeMetricFamily

    family = GaugeMetricFamily(
        PREFIX + "transport_connections", "Connections of clients, by transport.", labels=["transport"]
    )
    for transport, count in sorted(connections.items()):
        family.add_metric([transport], count)
    return family


def _queues(waiting: Mapping[str, int], dropped: Mapping[str, int]) -> Iterable[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

    wait = GaugeMetricFamily(
        PREFIX + "notifications_waiting", "Calls of after_ hooks that wait.", labels=["plugin"]
    )
    lost = CounterMetricFamily(
        PREFIX + "notifications_dropped",
        "Calls of after_ hooks dropped, as their plugin was too slow.",
        labels=["plugin"],
    )
    for plugin in sorted(waiting):
        wait.add_metric([plugin], waiting[plugin])
        lost.add_metric([plugin], dropped.get(plugin, 0))
    return wait, lost


def _hooks(stats: dict[tuple[str, str], Stats]) -> Iterable[Metric]:
    from prometheus_client.metrics_core import CounterMetricFamily

    labels = ["plugin", "hook"]
    calls = CounterMetricFamily(
        PREFIX + "hook_calls", "Calls of plugins' hooks, commands, requests, routes and jobs.", labels=labels
    )
    failures = CounterMetricFamily(PREFIX + "hook_failures", "Failures of these.", labels=labels)
    seconds = CounterMetricFamily(PREFIX + "hook_seconds", "Time in these.", labels=labels)
    for key, each in sorted(stats.items()):
        calls.add_metric(key, each.calls)
        failures.add_metric(key, each.failures)
        seconds.add_metric(key, each.seconds)
    return calls, failures, seconds
