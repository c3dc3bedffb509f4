"""How a scenario is run once, on one server: start it, load it, look at it, stop it."""

from __future__ import annotations

import itertools
import json
import random
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import cluster, metrics
from .chat import BUNDLED
from .folders import CACHE
from .generator import Generator, Options
from .launch import Launch, Server
from .machine import SERVER_CORE, busy_seconds, open_files
from .processes import Process, free_port
from .scenarios import Scenario
from .seed import seeded

Figures = dict[str, Any]

SPARE_FILES = 200
SWITCH_SECONDS = 0.2
MEGABYTE = 1e6
_KEPT = (
    "seconds", "deliveries_per_second", "messages_per_second", "connections_per_second", "pages_per_second",
    "deliveries_per_read", "generator_busy", "lost", "repeated", "still_under_way", "errors",
    "order_errors", "bad_frames", "slow_readers_disconnected",
    "unexpected_closes", "closes", "first_error", "failed", "connections", "replayed",
    "joined_events", "seconds_to_last_event",
)  # fmt: skip


def run_once(scenario: Scenario, server: Server, seconds: float, warmup: float) -> Figures:
    """One measurement. Raises NotHere, ServerFailed or LoadFailed."""
    ack = int(scenario.ack and server.dialect == "chat")
    load = {"seconds": seconds, "warmup": warmup, **scenario.load, "dialect": server.dialect, "ack": ack}
    figures: Figures = RUNNERS[scenario.how](scenario, server, load)
    figures["first_error"] = figures.get("first_error") or ""
    return figures


@contextmanager
def _started(
    scenario: Scenario, server: Server, load: Options, folder: Path | None = None
) -> Iterator[Process]:
    own = folder is None
    folder = folder or Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
    try:
        launch = Launch(free_port(), folder, int(load.get("rooms", 1)), scenario.settings)
        with Process(server.command(launch), launch.port) as process:
            yield process
    finally:
        if own:
            shutil.rmtree(folder, ignore_errors=True)


def _figures(result: dict[str, Any], process: Process) -> Figures:
    figures: Figures = {key: result[key] for key in _KEPT if key in result}
    for quantile, value in result.get("latency_ms", {}).items():
        if quantile != "count":
            figures[f"{quantile}_ms"] = value
    figures["memory_mb"] = process.memory() / MEGABYTE
    figures["peak_memory_mb"] = process.peak_memory() / MEGABYTE
    return figures


def _traffic(scenario: Scenario, server: Server, load: Options) -> Figures:
    with _started(scenario, server, load) as process, Generator(process.port, load) as generator:
        generator.wait_for("ready")
        generator.go()
        generator.wait_for("measuring")
        before, busy_before = process.cpu_seconds(), busy_seconds(SERVER_CORE)
        written_before = process.written_bytes()
        generator.wait_for("measured")
        cpu, busy = process.cpu_seconds() - before, busy_seconds(SERVER_CORE) - busy_before
        written = process.written_bytes() - written_before
        result = generator.wait_for("result")
        figures = _figures(result, process)
    figures["server_busy"] = cpu / result["seconds"]
    figures["others_busy"] = max(0.0, busy - cpu) / result["seconds"]
    figures["cpu_us_per_message"] = cpu * 1e6 / max(1, result["sent"])
    figures["written_bytes_per_message"] = written / max(1, result["sent"])
    figures["cpu_us_per_delivery"] = cpu * 1e6 / max(1, result["received"])
    return figures


def _idle(scenario: Scenario, server: Server, load: Options) -> Figures:
    most = open_files() - SPARE_FILES
    rooms = int(load["rooms"])
    fitting = {**load, "members": min(int(load["members"]), most // rooms)}
    with _started(scenario, server, fitting) as process:
        before = process.memory()
        with Generator(process.port, fitting) as generator:
            opened = generator.wait_for("ready")
            generator.go()
            began = process.cpu_seconds()
            result = generator.wait_for("result")
            figures = _figures(result, process)
            cpu = process.cpu_seconds() - began
    grown = figures["memory_mb"] * MEGABYTE - before
    figures["kb_per_connection"] = grown / 1000 / max(1, opened["connections"])
    figures["server_busy"] = cpu / float(load["seconds"])
    return figures


def _storm(scenario: Scenario, server: Server, load: Options) -> Figures:
    with _started(scenario, server, load) as process, Generator(process.port, load) as generator:
        generator.wait_for("ready")
        generator.go()
        return _figures(generator.wait_for("result"), process)


def _restart(scenario: Scenario, server: Server, load: Options) -> Figures:
    with _started(scenario, server, load) as process, Generator(process.port, load) as generator:
        generator.wait_for("ready")
        process.stop()
        process.start()
        generator.go()
        return _figures(generator.wait_for("result"), process)


def _history(scenario: Scenario, server: Server, load: Options) -> Figures:
    folder = seeded(int(load["messages"]))
    # The database is used again, and in it the names of the runs before are taken.
    load = {**load, "first-name": random.randrange(1_000_000)}
    with (
        _started(scenario, server, load, folder) as process,
        Generator(process.port, load) as generator,
    ):
        generator.wait_for("ready")
        generator.go()
        return _figures(generator.wait_for("result"), process)


def _hooks(scenario: Scenario, server: Server, load: Options) -> Figures:
    with _started(scenario, server, load) as process, Generator(process.port, load) as generator:
        generator.wait_for("ready")
        generator.go()
        generator.wait_for("measuring")
        before = metrics.read(process.port)
        generator.wait_for("measured")
        costs = metrics.read(process.port).costs_since(before)
        figures = _figures(generator.wait_for("result"), process)
    figures["hooks"] = {hook: seconds * 1e6 for hook, seconds in costs.items()}
    figures["hooks_us_per_message"] = sum(figures["hooks"].values())
    return figures


def _start(scenario: Scenario, server: Server, load: Options) -> Figures:
    with _started(scenario, server, load) as process:
        return {"seconds": process.start_seconds, "memory_mb": process.memory() / MEGABYTE}


def _switching(scenario: Scenario, server: Server, load: Options) -> Figures:
    """Traffic, while plugins are switched off, on and over, five times a second."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=CACHE) as name:
        folder, measured = Path(name), threading.Event()
        with (
            _started(scenario, server, load, folder) as process,
            Generator(process.port, load) as generator,
        ):
            generator.wait_for("ready")
            generator.go()
            generator.wait_for("measuring")
            switching = threading.Thread(target=_switch, args=(process, folder / "config.yaml", measured))
            switching.start()
            try:
                generator.wait_for("measured")
            finally:
                measured.set()
                switching.join()
            return _figures(generator.wait_for("result"), process)


def _switch(process: Process, config: Path, measured: threading.Event) -> None:
    settings = json.loads(config.read_text())
    states = [
        *({other: {} for other in BUNDLED if other != name} for name in BUNDLED),
        {**{name: {} for name in BUNDLED}, "files": {"max_bytes": 1000}},
        {name: {} for name in BUNDLED},
    ]
    for state in itertools.cycle(states):
        if measured.wait(SWITCH_SECONDS):
            return
        settings["plugins"] = {"enabled": state}
        config.write_text(json.dumps(settings))
        process.signal(signal.SIGHUP)


def _cluster(scenario: Scenario, server: Server, load: Options) -> Figures:
    return cluster.measure(server, float(load["seconds"]), float(load["warmup"]), int(load["members"]))


RUNNERS: dict[str, Callable[[Scenario, Server, Options], Figures]] = {
    "traffic": _traffic,
    "idle": _idle,
    "storm": _storm,
    "restart": _restart,
    "history": _history,
    "start": _start,
    "hooks": _hooks,
    "switching": _switching,
    "cluster": _cluster,
}
