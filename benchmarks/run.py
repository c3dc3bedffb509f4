"""The command: ``python -m benchmarks.run --help``."""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import against, build, machine, plots, report, scenarios, targets
from .folders import CACHE, LOCK, RESULTS
from .launch import Server
from .rounds import Outcome, measure
from .scenarios import Scenario
from .servers import SERVERS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, print the tables, write the JSON; the exit code."""
    asked = _arguments(arguments)
    chosen = [scenario for scenario in scenarios.ALL if scenario.name in asked.scenario]
    chosen = [scenario for scenario in chosen if set(scenario.servers) & set(asked.server)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    machine.adopt_orphans()
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        build.load_generator()
    except build.NotHere as problem:
        print(f"benchmark: {problem}", file=sys.stderr)
        return 2
    lock = LOCK.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("benchmark: another one is running; they would measure each other", file=sys.stderr)
        return 2
    with lock:
        return _run(asked, chosen)


def _run(asked: argparse.Namespace, chosen: Sequence[Scenario]) -> int:
    if asked.against is None:
        servers = {name: SERVERS[name] for name in asked.server}
        runs = [(scenario, servers) for scenario in chosen]
    else:
        runs = against.comparisons(asked.against, chosen, asked.server)
    facts = machine.facts()
    facts.update(rounds=asked.rounds, seconds=asked.seconds)
    said: list[str] = []
    _say(said, report.machine(facts))
    outcomes: list[Outcome] = []
    try:
        for scenario, servers in runs:
            options = {"rounds": asked.rounds, "seconds": asked.seconds, "warmup": asked.warmup}
            outcomes.append(measure(scenario, servers, **options))
            _say(said, report.table(outcomes[-1], servers))
    except KeyboardInterrupt:
        print("Stopped; what was measured so far is kept.\n")
    measured: dict[str, Server] = {}
    for outcome, (_, servers) in zip(outcomes, runs, strict=False):
        measured.update((name, servers[name]) for name in outcome.runs)
    about = report.versions(measured)
    summary = targets.table(outcomes) if asked.against is None else against.table(outcomes)
    _say(said, *([summary] if summary else []), report.listed(about))
    _keep(asked, said, facts, about, outcomes)
    return 0


def _say(said: list[str], *texts: str) -> None:
    """Print paragraphs, and remember them for the file."""
    for text in texts:
        said.append(text)
        print(f"{text}\n", flush=True)


def _keep(
    asked: argparse.Namespace,
    said: list[str],
    facts: dict[str, str | float],
    about: dict[str, str],
    outcomes: list[Outcome],
) -> None:
    report.write_json(asked.json, facts, about, outcomes)
    print(f"All figures: {asked.json}")
    if asked.keep is not None:
        asked.keep.write_text("\n\n".join(["# A run of the benchmark", *said]) + "\n")
        print(f"The tables: {asked.keep}")
    for plot in plots.draw(outcomes, asked.json.with_suffix("")):
        print(f"Plot: {plot}")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    names = [scenario.name for scenario in scenarios.ALL]
    stamp = time.strftime("%Y%m%d-%H%M%S")
    parser.add_argument("--quick", action="store_true", help="the most telling ones, in two minutes")
    parser.add_argument("--scenario", action="append", choices=names, help="only this one (may be repeated)")
    parser.add_argument(
        "--server", action="append", choices=list(SERVERS), help="only this one (may be repeated)"
    )
    parser.add_argument(
        "--against", type=Path, metavar="CHECKOUT",
        help="compare this checkout's server with that of another one, which has its own .venv",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, help="rounds; 3, with --quick 1, with --against 5")
    parser.add_argument("--seconds", type=float, help="measured seconds of a run; 2, with --quick 1.5")
    parser.add_argument("--warmup", type=float, help="seconds before that; 0.7, with --quick 0.5")
    parser.add_argument("--json", type=Path, default=RESULTS / f"{stamp}.json", help="where the figures go")
    parser.add_argument("--keep", type=Path, help="a file for the tables, such as benchmarks/RESULTS.md")
    asked = parser.parse_args(arguments)
    if asked.against is not None:
        asked.against = asked.against.resolve()
        asked.server = asked.server or against.SERVERS
        asked.scenario = asked.scenario or against.SCENARIOS
        asked.rounds = asked.rounds or (1 if asked.quick else 5)
    everything = list(SERVERS)
    asked.server = asked.server or (
        scenarios.QUICK_SERVERS if asked.quick and not asked.scenario else everything
    )
    asked.scenario = asked.scenario or (scenarios.QUICK if asked.quick else names)
    asked.rounds = asked.rounds or (1 if asked.quick else 3)
    asked.seconds = asked.seconds or (1.5 if asked.quick else 2.0)
    asked.warmup = asked.warmup if asked.warmup is not None else (0.5 if asked.quick else 0.7)
    return asked


if __name__ == "__main__":
    sys.exit(main())
