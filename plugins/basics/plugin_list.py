"""The answer of ``/plugins``: what is enabled, how it does, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def plugin_list(plugins: Sequence[Mapping[str, Any]], following: Mapping[str, Mapping[str, int]]) -> str:
    """A line for each plugin, one for each part of it that is suspended, and one for what follows the log.

    ``following`` is by plugin: what follows, by name, and how many events it has still to read.
    """
    lines = []
    for plugin in plugins:
        state = "on" if plugin["on"] else "off (/plugins on switches it on)"
        if plugin["suspended"]:
            state = "suspended"
        lines.append(f"{plugin['name']}: {', '.join([state, *_counts(plugin)])}")
        lines += [f"  {part}: {why}" for part, why in plugin["suspended"].items()]
        behind = following.get(plugin["name"], {})
        lines += [f"  follow {name}: {count:,} events to read" for name, count in behind.items()]
    return "\n".join(lines)


def _counts(plugin: Mapping[str, Any]) -> list[str]:
    calls = plugin["calls"]
    if not calls:
        return []
    counts = [
        f"{calls} calls",
        f"{plugin['failures']} failed",
        f"{plugin['seconds'] / calls * 1e6:.0f} µs each",
    ]
    if plugin["waiting"]:
        counts.append(f"{plugin['waiting']} waiting")
    return counts
