"""The texts of /help. Takes the commands as `ChatAPI.commands` lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from chatserver import Reject

Listing = Sequence[Mapping[str, Any]]


def overview(commands: Listing) -> str:
    """All commands, a line each."""
    lines = [_line(entry) for entry in sorted(commands, key=lambda entry: str(entry["name"]))]
    return "\n".join([*lines, "/help COMMAND tells more about one of them."])


def describe(commands: Listing, name: str) -> str:
    """One command in full, and what is below it. Raises `Reject` ``not_found``."""
    wanted = " ".join(name.removeprefix("/").lower().split())
    by_name = {spoken: entry for entry in commands for spoken in (entry["name"], *entry["aliases"])}
    below = [entry for entry in commands if entry["name"].startswith(f"{wanted} ")]
    if wanted not in by_name and not below:
        near = get_close_matches(wanted, by_name, n=1)
        hint = f" Did you mean /{near[0]}?" if near else ""
        raise Reject(f"There is no command /{wanted}.{hint}", "not_found", field="command")
    lines = _described(by_name[wanted]) if wanted in by_name else []
    return "\n".join([*lines, *map(_line, sorted(below, key=lambda entry: str(entry["name"])))])


def _line(entry: Mapping[str, Any]) -> str:
    return f"{entry['usage']} – {entry['help']}"


def _described(entry: Mapping[str, Any]) -> list[str]:
    lines = [entry["usage"], entry["description"] or entry["help"]]
    lines += [f"{arg['name']}: {arg['help']}" for arg in entry["args"] if arg.get("help")]
    if entry["aliases"]:
        lines.append("Also: " + ", ".join(f"/{alias}" for alias in entry["aliases"]))
    if entry["examples"]:
        lines.append("For example: " + " · ".join(entry["examples"]))
    return lines
