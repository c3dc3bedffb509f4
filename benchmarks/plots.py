"""Pictures of the results, drawn with matplotlib where it is installed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .report import COLUMNS
from .rounds import Outcome


def draw(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Bars for each scenario, throughput over members and latency over load, in ``folder``; their paths.

    None without matplotlib.
    """
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("svg")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [_bars(outcome, folder) for outcome in outcomes if _servers(outcome)]
    rooms = [
        each for each in outcomes if each.scenario.name == "big-room" or each.scenario.name[:5] == "room-"
    ]
    loads = [each for each in outcomes if "rate" in each.scenario.load and each.scenario.name[:5] == "open-"]
    for name, some, key in (("throughput", rooms, "members"), ("latency", loads, "rate")):
        if len(some) > 1:
            drawn.append(_lines(some, key, folder / f"{name}.svg"))
    return drawn


def _servers(outcome: Outcome) -> list[str]:
    """Those with a figure, the smallest first."""
    middles = {name: outcome.median(name, outcome.scenario.figure) for name in outcome.runs}
    return sorted(
        (name for name, middle in middles.items() if middle is not None), key=lambda name: middles[name] or 0
    )


def _bars(outcome: Outcome, folder: Path) -> Path:
    key, names = outcome.scenario.figure, _servers(outcome)
    figure, axes = _axes(0.7 + 0.35 * len(names))
    axes.barh(names, [outcome.median(name, key) for name in names], color="#7a9cc6")
    for row, name in enumerate(names):
        values = outcome.values(name, key)
        axes.plot([min(values), max(values)], [row, row], color="black", linewidth=1)
    axes.set_xlabel(COLUMNS[key])
    axes.set_title(outcome.scenario.title, fontsize=10)
    return _saved(figure, folder / f"{outcome.scenario.name}.svg")


def _lines(outcomes: Iterable[Outcome], key: str, path: Path) -> Path:
    """A line for each server over the value of an option of the load."""
    ordered = sorted(outcomes, key=lambda outcome: float(outcome.scenario.load[key]))
    figure, axes = _axes(5)
    for name in dict.fromkeys(name for outcome in ordered for name in outcome.runs):
        points = [(float(one.scenario.load[key]), one.median(name, one.scenario.figure)) for one in ordered]
        known = [(x, y) for x, y in points if y is not None]
        if len(known) > 1:
            axes.plot(*zip(*known, strict=True), marker="o", markersize=3, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel({"members": "members of the room", "rate": "messages/s to 1000 members"}[key])
    axes.set_ylabel(COLUMNS[ordered[0].scenario.figure])
    axes.legend(fontsize=7)
    return _saved(figure, path)


def _axes(height: float) -> Any:
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(8, height))


def _saved(figure: Any, path: Path) -> Path:
    from matplotlib import pyplot

    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
    return path
