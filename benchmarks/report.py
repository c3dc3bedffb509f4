"""Tables for readers (Markdown, so that they can be kept as they are) and JSON for machines."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .launch import Server
from .rounds import Outcome

COLUMNS = {
    "deliveries_per_second": "deliveries/s",
    "messages_per_second": "messages/s",
    "connections_per_second": "connections/s",
    "pages_per_second": "pages/s",
    "kb_per_connection": "KB/connection",
    "rooms_messages_per_second": "messages/s, ten rooms",
    "hop_p50_ms": "to other node p50 ms",
    "hop_p99_ms": "to other node p99 ms",
    "delivery_cpu_ratio": "CPU/delivery ÷ single",
    "join_seconds": "node starts in s",
    "resume_seconds": "5,000 resume in s",
    "seconds": "seconds",
    "hooks_us_per_message": "hooks µs/message",
    "cpu_us_per_message": "CPU µs/message",
    "written_bytes_per_message": "bytes written/message",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "max_ms": "max ms",
    "deliveries_per_read": "joined",
    "cpu_us_per_delivery": "CPU µs/delivery",
    "memory_mb": "MB",
    "peak_memory_mb": "peak MB",
}
"""The figures that can stand in a table, and their names there; all others are in the JSON only."""
_ONLY_AS_FIGURE = ("seconds", "cpu_us_per_message", "written_bytes_per_message", "memory_mb")
DISTURBED = 0.1
GENERATOR_BOUND = 0.95
_FAULTS = (
    "lost",
    "repeated",
    "still_under_way",
    "order_errors",
    "errors",
    "bad_frames",
    "unexpected_closes",
    "failed",
    "slow_readers_disconnected",
)


def table(outcome: Outcome, servers: Mapping[str, Server]) -> str:
    """One scenario as a Markdown table, the best first, with what went wrong below."""
    scenario = outcome.scenario
    hidden = (scenario.figure, *_ONLY_AS_FIGURE)
    shown = [key for key in COLUMNS if key not in hidden and _has(outcome, key)]
    heads = ["server", COLUMNS[scenario.figure], "min to max", f"÷ {scenario.baseline}", "keeps"]
    heads += [COLUMNS[key] for key in shown]
    rows = [_row(outcome, name, shown, servers[name].keeps) for name in _ranked(outcome)]
    lines = [f"### {scenario.title} (`{scenario.name}`)", ""]
    lines += markdown(heads, rows)
    lines += ["", f"The figure is the median of the rounds; {scenario.better} is better."]
    if scenario.note:
        lines[-1] += f" {scenario.note[0].upper()}{scenario.note[1:]}."
    for name in outcome.runs:
        lines += [f"- {name}: {text}" for text in (_faults(outcome, name), _disturbed(outcome, name)) if text]
        lines += _hooks(outcome, name)
    lines += [f"- {name} is left out: {why.splitlines()[-1]}" for name, why in outcome.problems.items()]
    return "\n".join(lines)


def _row(outcome: Outcome, name: str, shown: Sequence[str], keeps: str) -> list[str]:
    scenario = outcome.scenario
    values = outcome.values(name, scenario.figure)
    spread = f"{number(min(values))} to {number(max(values))}"
    ratio = outcome.ratio(name, scenario.baseline)
    row = [
        name,
        number(outcome.median(name, scenario.figure)),
        spread,
        "" if ratio is None else f"{ratio:.2f}",
        keeps,
    ]
    return row + [number(outcome.median(name, key)) for key in shown]


def _has(outcome: Outcome, key: str) -> bool:
    return any(outcome.values(name, key) for name in outcome.runs)


def _ranked(outcome: Outcome) -> list[str]:
    key, best_last = outcome.scenario.figure, outcome.scenario.better == "lower"
    measured = [name for name in outcome.runs if outcome.values(name, key)]
    return sorted(measured, key=lambda name: outcome.median(name, key) or 0, reverse=not best_last)


def _faults(outcome: Outcome, name: str) -> str:
    found = [f"{key.replace('_', ' ')} {total:.0f}" for key in _FAULTS if (total := outcome.total(name, key))]
    closes: dict[str, int] = {}
    for run in outcome.runs[name].values():
        for code, count in run.get("closes", {}).items():
            closes[code] = closes.get(code, 0) + count
    found += [f"closed with {code} {count}" for code, count in closes.items()]
    first = next((run["first_error"] for run in outcome.runs[name].values() if run.get("first_error")), "")
    if first:
        found.append(f"first: {first}")
    return ", ".join(found)


def _disturbed(outcome: Outcome, name: str) -> str:
    """What spoils the figure: something else on the server's core, or a load generator at its limit."""
    most = max(outcome.values(name, "others_busy"), default=0.0)
    if most > DISTURBED:
        return f"disturbed: other processes took up to {most:.0%} of the server's core"
    if (outcome.median(name, "generator_busy") or 0) > GENERATOR_BOUND:
        return "the load generator was at its limit: this server may be able to do more"
    return ""


def _hooks(outcome: Outcome, name: str) -> list[str]:
    """What each hook of each plugin took, the dearest first."""
    runs = [run["hooks"] for run in outcome.runs[name].values() if "hooks" in run]
    costs = {
        hook: statistics.median(run.get(hook, 0.0) for run in runs) for hook in (runs[0] if runs else ())
    }
    return [
        f"- {hook}: {cost:.2f} µs a message" for hook, cost in sorted(costs.items(), key=lambda one: -one[1])
    ]


def number(value: float | None) -> str:
    """Three significant digits, thousands apart."""
    if value is None:
        return ""
    if abs(value) >= 999.5:
        digits = len(str(int(abs(value)))) - 3
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    all_rows = [list(heads), *map(list, rows)]
    widths = [max(len(row[column]) for row in all_rows) for column in range(len(heads))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in all_rows]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines


def machine(facts: Mapping[str, Any]) -> str:
    """The machine in a paragraph."""
    cores = facts["cores"]
    where = "the server on one core, the load generator on another" if cores > 1 else "both on the only core"
    return (
        f"{facts['cpu']}, {cores} cores ({where}), {facts['memory_gb']} GB, kernel {facts['kernel']}, "
        f"{facts['system']}, Python {facts['python']}, {facts['open_files']} open files at most; "
        f"load average at the start {facts['load_average']:.2f}. "
        f"Rounds: {facts['rounds']}, {facts['seconds']:g} s each."
    )


def versions(servers: Mapping[str, Server]) -> dict[str, str]:
    """The versions of those servers that have one."""
    return {name: version for name, server in servers.items() if (version := server.version())}


def listed(about: Mapping[str, str]) -> str:
    """The versions as a paragraph."""
    return "Versions: " + "; ".join(f"{name}: {version}" for name, version in about.items())


def write_json(
    path: Path, facts: Mapping[str, Any], about: Mapping[str, str], outcomes: Iterable[Outcome]
) -> None:
    """Everything, round by round."""
    document = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": facts,
        "versions": about,
        "scenarios": [
            {
                "name": outcome.scenario.name,
                "title": outcome.scenario.title,
                "load": outcome.scenario.load,
                "figure": outcome.scenario.figure,
                "runs": outcome.runs,
                "left_out": outcome.problems,
            }
            for outcome in outcomes
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
