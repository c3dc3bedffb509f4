"""This checkout's server and that of another one, in the same rounds: what a change of the code did to the figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import chat
from .launch import Server
from .report import COLUMNS, markdown, number
from .rounds import Outcome
from .scenarios import Scenario

SCENARIOS = ("in", "rooms", "durable-10", "durable-160", "written", "start")
SERVERS = ("chatserver", "chatserver-plugins", "chatserver-product")
"""What is compared unless something else is asked for."""
THIS, OTHER = "this", "other"
_FIGURES = ("cpu_us_per_message", "p99_ms", "memory_mb")
"""Shown beside the figure of the scenario; less of them is better."""

Comparison = tuple[Scenario, dict[str, Server]]


def comparisons(checkout: Path, chosen: Iterable[Scenario], names: Sequence[str]) -> list[Comparison]:
    """For each scenario and each of the variants called ``names`` that it has: both checkouts' servers."""
    here, there = chat.variants(), chat.variants(checkout)
    # Both would take the same database with a long past, and its tables may differ.
    fitting = [scenario for scenario in chosen if scenario.how != "history"]
    return [
        (_between(scenario, name), {THIS: here[name], OTHER: there[name]})
        for scenario in fitting
        for name in scenario.servers
        if name in here and name in names
    ]


def _between(scenario: Scenario, variant: str) -> Scenario:
    return dataclasses.replace(
        scenario,
        name=f"{scenario.name}, {variant}",
        title=f"{scenario.title}; {variant}",
        servers=(THIS, OTHER),
        baseline=OTHER,
        rounds=None,
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """The ratios, as a Markdown table."""
    rows = []
    for outcome in outcomes:
        figure = outcome.scenario.figure
        for key in dict.fromkeys((figure, *_FIGURES)):
            ratios = outcome.ratios(THIS, OTHER, key)
            if ratios:
                better = outcome.scenario.better if key == figure else "lower"
                rows.append(_row(outcome, key, ratios, better))
    if not rows:
        return ""
    heads = ["scenario, server", "figure", "better", THIS, OTHER, f"{THIS} ÷ {OTHER}", "rounds, min to max"]
    note = "A ratio is taken within a round, and the median of the rounds stands in the table."
    return "\n".join(["### This checkout and the other", "", *markdown(heads, rows), "", note])


def _row(outcome: Outcome, key: str, ratios: Sequence[float], better: str) -> list[str]:
    middles = [number(outcome.median(name, key)) for name in (THIS, OTHER)]
    ratio = outcome.ratio(THIS, OTHER, key)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return [outcome.scenario.name, COLUMNS[key], better, *middles, f"{ratio:.2f}", spread]
