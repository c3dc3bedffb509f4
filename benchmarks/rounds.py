"""Rounds: every server once in each, in turn, so that what disturbs the machine disturbs all of them alike."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .build import NotHere
from .generator import LoadFailed
from .launch import Server
from .processes import ServerFailed
from .runners import Figures, run_once
from .scenarios import Scenario


@dataclass
class Outcome:
    """What a scenario gave: figures by server and round, and why some servers gave none."""

    scenario: Scenario
    runs: dict[str, dict[int, Figures]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    def values(self, server: str, key: str) -> list[float]:
        """A figure of a server, round by round."""
        return [run[key] for run in self.runs.get(server, {}).values() if key in run]

    def median(self, server: str, key: str) -> float | None:
        """The middle of a server's rounds; None where it has no such figure."""
        values = self.values(server, key)
        return statistics.median(values) if values else None

    def ratio(self, server: str, other: str, key: str | None = None) -> float | None:
        """The median over the rounds of this server's figure divided by the other's in the same round."""
        ratios = self.ratios(server, other, key or self.scenario.figure)
        return statistics.median(ratios) if ratios else None

    def ratios(self, server: str, other: str, key: str) -> list[float]:
        """The figure of ``server`` divided by that of ``other``, for each round that has both."""
        mine, theirs = self.runs.get(server, {}), self.runs.get(other, {})
        return [
            mine[number][key] / theirs[number][key]
            for number in mine.keys() & theirs.keys()
            if key in mine[number] and theirs[number].get(key)
        ]

    def total(self, server: str, key: str) -> float:
        """The sum of a count over the rounds."""
        return sum(self.values(server, key))


def measure(
    scenario: Scenario,
    servers: Mapping[str, Server],
    *,
    rounds: int,
    seconds: float,
    warmup: float,
) -> Outcome:
    """Run ``scenario`` on those of its servers that are among ``servers``."""
    names = [name for name in scenario.servers if name in servers]
    outcome = Outcome(scenario)
    for number in range(min(rounds, scenario.rounds or rounds)):
        for name in _turned(names, number):
            if name in outcome.problems:
                continue
            _say(f"\r\033[K{scenario.name}  round {number + 1} of {rounds}  {name}")
            try:
                figures = run_once(scenario, servers[name], seconds, warmup)
            except (NotHere, ServerFailed, LoadFailed) as problem:
                outcome.problems[name] = str(problem)
            else:
                outcome.runs.setdefault(name, {})[number] = figures
    _say("\r\033[K")
    return outcome


def _turned(names: Sequence[str], by: int) -> list[str]:
    """Another server begins each round."""
    by %= len(names) or 1
    return [*names[by:], *names[:by]]


def _say(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(text)
        sys.stderr.flush()
