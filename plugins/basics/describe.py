"""The texts of /help. Takes the commands as `ChatAPI.commands` lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from chatserver import Reject

Listing = Sequence[Mapping[str, Any]]


def overview(commands: Listing) -> str:
    """All commands, a line each."""
    lines = [
        f"{entry['usage']} – {entry['help']}" for entry in sorted(commands, key=lambda entry: entry["name"])
    ]
    return "\n".join([*lines, "/help COMMAND tells more about one of them."])


def describe(commands: Listing, name: str) -> str:
    """One command in full. Raises `Reject` ``not_found``."""
    wanted = name.removeprefix("/")
    by_name = {spoken: entry for entry in commands for spoken in (entry["name"], *entry["aliases"])}
    if wanted not in by_name:
        near = get_close_matches(wanted, by_name, n=1)
        hint = f" Did you mean /{near[0]}?" if near else ""
        raise Reject(f"There is no command /{wanted}.{hint}", "not_found", field="command")
    entry = by_name[wanted]
    lines = [entry["usage"], entry["description"] or entry["help"]]
    lines += [f"{arg['name']}: {arg['help']}" for arg in entry["args"] if arg.get("help")]
    if entry["aliases"]:
        lines.append("Also: " + ", ".join(f"/{alias}" for alias in entry["aliases"]))
    if entry["examples"]:
        lines.append("For example: " + " · ".join(entry["examples"]))
    return "\n".join(lines)
