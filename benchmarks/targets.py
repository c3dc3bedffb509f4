"""What chatserver has to reach: a floor below which something is wrong, and an aim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .report import number
from .rounds import Outcome

Reading = Callable[[Outcome], float | None]


@dataclass(frozen=True)
class Target:
    """``read`` takes its value from the outcome of ``scenario``; ``lower`` says that less is better."""

    what: str
    scenario: str
    floor: float
    aim: float
    read: Reading
    lower: bool = False

    def verdict(self, value: float) -> str:
        """Where the value stands."""
        sign = -1 if self.lower else 1
        if value * sign >= self.aim * sign:
            return "aim reached"
        return "floor held" if value * sign >= self.floor * sign else "BELOW THE FLOOR"


def _ratio(other: str, server: str = "chatserver") -> Reading:
    return lambda outcome: outcome.ratio(server, other)


def _figure(key: str, server: str) -> Reading:
    return lambda outcome: outcome.median(server, key)


def _plugins(outcome: Outcome) -> float | None:
    bare, full = (outcome.median(name, "cpu_us_per_message") for name in ("chatserver", "chatserver-plugins"))
    return None if bare is None or full is None else full - bare


TARGETS = (
    Target("1000 members, one at a time ÷ c-each", "big-room", 0.6, 0.85, _ratio("c-each")),
    Target("200 all sending ÷ gorilla", "chatty", 8, 30, _ratio("go-gorilla-each")),
    Target("the same, durable and with all plugins", "chatty", 1, 10, _ratio("go-gorilla-each", "chatserver-product")),
    Target("100 rooms of 10 ÷ c-each", "rooms", 0.45, 0.85, _ratio("c-each")),
    Target("a million deliveries/s, p99 ms", "open-1000", 100, 50, _figure("p99_ms", "chatserver"), lower=True),
    Target("messages in ÷ Node ws", "in", 0.5, 1.2, _ratio("node-ws")),
    Target("durable messages/s, 10 outstanding", "durable-10", 600, 2000,
           _figure("messages_per_second", "chatserver-product")),
    Target("durable messages/s, 160 outstanding", "durable-160", 2000, 5000,
           _figure("messages_per_second", "chatserver-product")),
    Target("durable messages/s, ten rooms", "durable-rooms", 5000, 20000,
           _figure("messages_per_second", "chatserver-product")),
    Target("durable, 5 messages/s to 100: p50 ms", "durable-calm", 3.7, 2,
           _figure("p50_ms", "chatserver-product"), lower=True),
    Target("durable, 5 messages/s to 100: p99 ms", "durable-calm", 6.6, 5,
           _figure("p99_ms", "chatserver-product"), lower=True),
    Target("durable at full load: worst ms", "durable-160", 100, 20,
           _figure("max_ms", "chatserver-product"), lower=True),
    Target("500 join one room: s", "join", 3, 1, _figure("seconds", "chatserver-product"), lower=True),
    Target("memory with 500 in one room: MB", "join", 100, 65,
           _figure("memory_mb", "chatserver-product"), lower=True),
    Target("idle KB a connection", "idle", 16, 5, _figure("kb_per_connection", "chatserver"), lower=True),
    Target("connections/s, hello and welcome included", "connect", 1200, 2500,
           _figure("connections_per_second", "chatserver")),
    Target("all bundled plugins: µs a message", "plugins", 250, 40, _plugins, lower=True),
    Target("start to listening: s", "start", 1, 0.5, _figure("seconds", "chatserver-product"), lower=True),
    Target("resident at the start: MB", "start", 80, 55, _figure("memory_mb", "chatserver-product"), lower=True),
    Target("two nodes: messages/s in one room of 100", "cluster", 2000, 4000,
           _figure("messages_per_second", "chatserver-cluster")),
    Target("two nodes: messages/s in ten rooms", "cluster", 6000, 12000,
           _figure("rooms_messages_per_second", "chatserver-cluster")),
    Target("to the other node: p50 ms", "cluster", 3, 1.5, _figure("hop_p50_ms", "chatserver-cluster"), lower=True),
    Target("to the other node: p99 ms", "cluster", 15, 5, _figure("hop_p99_ms", "chatserver-cluster"), lower=True),
    Target("CPU for a delivery, only delivering ÷ single", "cluster", 1.15, 1,
           _figure("delivery_cpu_ratio", "chatserver-cluster"), lower=True),
    Target("one more node serves: s", "cluster", 1.5, 0.7, _figure("join_seconds", "chatserver-cluster"), lower=True),
    Target("5,000 of a killed node resume: s", "cluster", 15, 8,
           _figure("resume_seconds", "chatserver-cluster"), lower=True),
)  # fmt: skip


def table(outcomes: Sequence[Outcome]) -> str:
    """The targets that were measured, as a Markdown table."""
    by_name = {outcome.scenario.name: outcome for outcome in outcomes}
    rows = []
    for target in TARGETS:
        outcome = by_name.get(target.scenario)
        value = target.read(outcome) if outcome is not None else None
        if value is not None:
            floor, aim = number(target.floor), number(target.aim)
            rows.append(f"| {target.what} | {floor} | {aim} | {number(value)} | {target.verdict(value)} |")
    if not rows:
        return ""
    return "\n".join(["### Targets", "", "| | floor | aim | measured | |", "|---|---|---|---|---|", *rows])
