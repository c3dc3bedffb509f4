"""What is measured: each scenario's load, its servers, and the figure that sums it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .chat import BUNDLED
from .generator import Options

RAW = (
    "chatserver",
    "c-each",
    "c-coalesce",
    "go-gorilla",
    "go-gorilla-each",
    "node-ws",
    "socket.io",
    "picows",
    "websockets",
    "fastapi",
    "tornado",
    "django-channels",
)
BOTH = (*RAW, "chatserver-stream")
WITH_PLUGINS = (*BOTH, "chatserver-plugins")
FEW = ("chatserver", "c-each", "go-gorilla", "node-ws", "tornado")
DURABLE = (
    "chatserver-durable",
    "chatserver-normal",
    "chatserver-product",
    "fastapi-sqlite",
    "prosody",
    "ejabberd",
)
PLUGINS = ("chatserver", "chatserver-plugins", *(f"chatserver+{name}" for name in BUNDLED))

# Thousands of clients that join at once before the measurement aren't told of each other.
QUIET = {"limits": {"presence_members": 1}}

DELIVERIES = "deliveries_per_second"
MESSAGES = "messages_per_second"
P99 = "p99_ms"


@dataclass(frozen=True)
class Scenario:
    """One load. ``figure`` is the key that the table and the ratios are about; ``better`` says which way."""

    name: str
    title: str
    load: Options
    servers: tuple[str, ...]
    figure: str = DELIVERIES
    better: str = "higher"
    baseline: str = "c-each"
    ack: bool = False
    """Whether chatserver's clients ask for an acknowledgement, as real ones do, and send the next message after it;
    otherwise, and with servers that have none, it goes when the one before has come back."""
    how: str = "traffic"
    """Which function of `benchmarks.runners` drives it."""
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings of chatserver for this scenario."""
    rounds: int | None = None
    """The most rounds, for what takes long or hardly varies."""
    note: str = ""


def _open_loop(rate: int, servers: tuple[str, ...] = RAW, rounds: int | None = None) -> Scenario:
    title = f"Open loop: 1000 members, {rate} messages/s"
    load = {"members": 1000, "senders": 20, "rate": rate}
    return Scenario(f"open-{rate}", title, load, servers, P99, "lower", rounds=rounds)


def _one_room(members: int) -> Scenario:
    title = f"One room of {members}, one message at a time"
    return Scenario(f"room-{members}", title, {"members": members}, FEW, rounds=1)


ALL = (
    Scenario("big-room", "One room of 1000, one message at a time", {"members": 1000}, RAW),
    Scenario(
        "big-room-64", "One room of 1000, 64 messages outstanding",
        {"members": 1000, "senders": 8, "window": 8}, RAW,
    ),
    Scenario(
        "chatty", "One room of 200, all of them send", {"members": 200, "senders": 200},
        (*RAW, "chatserver-product"), note="each of the 200 sends its next message when its last one is back",
    ),
    Scenario("rooms", "100 rooms of 10, one sender in each", {"rooms": 100, "members": 10}, WITH_PLUGINS),
    Scenario("in", "Messages in: 200 clients, each alone in a room", {"rooms": 200}, WITH_PLUGINS, MESSAGES),
    *(_open_loop(rate) for rate in (20, 200, 1000)),
    # Points between, for the plots only.
    *(_open_loop(rate, FEW, rounds=1) for rate in (50, 100, 500)),
    *(_one_room(members) for members in (10, 50, 200)),
    Scenario(
        "idle", "5,000 idle connections", {"mode": "idle", "rooms": 50, "members": 100, "senders": 0, "seconds": 2},
        BOTH, "kb_per_connection", "lower", how="idle", settings=QUIET, rounds=2,
    ),
    Scenario(
        "idle-20000", "20,000 idle connections, or as many as files may be open",
        {"mode": "idle", "rooms": 100, "members": 200, "senders": 0, "seconds": 2, "limit": 400},
        FEW, "kb_per_connection", "lower", how="idle", settings=QUIET, rounds=1,
    ),
    Scenario(
        "connect", "Connect storm: 3,000 connections, 128 at a time",
        {"mode": "connect", "members": 3000, "senders": 0, "concurrency": 128, "seconds": 0.1},
        RAW, "connections_per_second", how="storm", note="chatserver: until hello was answered by welcome and live",
    ),
    Scenario(
        "resume", "5,000 clients reconnect and resume at once after a restart, 20 messages missed each",
        {"mode": "resume", "rooms": 50, "members": 100, "missed": 20},
        ("chatserver-durable",), "seconds", "lower", "chatserver-durable", how="restart",
        rounds=2,
    ),
    Scenario(
        "durable-10", "Durable: room of 100, ten senders, 10 outstanding",
        {"members": 100, "senders": 10}, DURABLE, MESSAGES, baseline="fastapi-sqlite", ack=True,
    ),
    Scenario(
        "durable-160", "Durable: room of 100, ten senders, 160 outstanding",
        {"members": 100, "senders": 10, "window": 16}, DURABLE, MESSAGES,
        baseline="fastapi-sqlite", ack=True,
    ),
    Scenario(
        "durable-rooms", "Durable: ten rooms of 10, all 100 send, 8 outstanding each",
        {"rooms": 10, "members": 10, "senders": 10, "window": 8}, DURABLE, MESSAGES,
        baseline="fastapi-sqlite", ack=True,
    ),
    Scenario(
        "durable-calm", "Durable: room of 100, 5 messages/s",
        {"members": 100, "senders": 10, "rate": 5, "seconds": 10}, DURABLE, P99, "lower", "fastapi-sqlite", ack=True,
    ),
    Scenario(
        "written", "Durable: bytes written to files, room of 10, 200 messages/s",
        {"members": 10, "senders": 10, "rate": 200, "seconds": 5}, DURABLE, "written_bytes_per_message", "lower",
        "fastapi-sqlite", ack=True, note="at this rate nearly every message is a commit of its own",
    ),
    Scenario(
        "join", "500 clients join one room at once, presence shown", {"mode": "join", "members": 500, "senders": 0},
        ("chatserver-product",), "seconds", "lower", "chatserver-product", how="storm",
        settings={"limits": {"presence_members": 1000}},
    ),
    Scenario(
        "history", "A page of history (50) in a room of a million messages",
        {"mode": "history", "members": 1, "senders": 0, "page": 50, "messages": 1_000_000},
        ("chatserver-product",), P99, "lower", "chatserver-product", how="history",
        rounds=2,
    ),
    Scenario(
        "slow", "Open loop: 1000 members, 20 messages/s of 7,500 characters, ten of them stop reading",
        {"members": 1000, "senders": 20, "rate": 20, "size": 7500, "slow": 10, "seconds": 20}, FEW, P99, "lower",
        rounds=1, note="latency is that of the others; chatserver disconnects a client that is a megabyte behind",
    ),
    Scenario(
        "plugins", "What plugins cost: 200 clients, each alone in a room, 100 plain characters", {"rooms": 200},
        PLUGINS, "cpu_us_per_message", "lower", "chatserver",
        note="what a plugin adds is its figure minus that of chatserver without any",
    ),
    Scenario(
        "hooks", "What each hook costs: 200 clients, each alone in a room, 100 plain characters", {"rooms": 200},
        ("chatserver-plugins",), "hooks_us_per_message", "lower", "chatserver-plugins", how="hooks", rounds=1,
    ),
    Scenario(
        "switching", "Open loop: 200 members, 200 messages/s, plugins switched five times a second",
        {"members": 200, "senders": 10, "rate": 200, "seconds": 10},
        ("chatserver-plugins", "chatserver-product"), "max_ms", "lower", "chatserver-plugins",
        how="switching", rounds=2,
        note="what held up the server longest, at a switch or otherwise; beside it: the same load in open-200",
    ),
    Scenario(
        "cluster", "Two nodes on PostgreSQL with fsync and Redis: room of 100, 160 outstanding on one",
        {"members": 100},
        ("chatserver-cluster",), MESSAGES, baseline="chatserver-cluster", how="cluster", rounds=1,
        note="beside it: ten rooms; from acknowledged on one node to received on the other at 100 messages/s; processor"
        " time for a delivery on a node that only delivers, divided by that of a single server; the start of one more"
        " node; 5,000 clients of a killed node, until they have resumed on the other",
    ),
    Scenario(
        "start", "From start to listening", {}, ("chatserver", "chatserver-product"), "seconds", "lower",
        "chatserver", how="start",
    ),
)  # fmt: skip

QUICK = ("big-room", "chatty", "rooms", "in", "open-200", "durable-160")
QUICK_SERVERS = (
    "chatserver",
    "chatserver-durable",
    "c-each",
    "c-coalesce",
    "node-ws",
    "tornado",
    "fastapi-sqlite",
)
