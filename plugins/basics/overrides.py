"""What roles may do in one room in particular, changed and told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def permitted(
    overrides: Mapping[str, Any], role: str, permission: str, answer: str | None
) -> dict[str, dict[str, list[str]]]:
    """The overrides with another answer for a role and a permission: yes, no, or None for what holds elsewhere."""
    changed = {name: {"allow": [*each.allow], "deny": [*each.deny]} for name, each in overrides.items()}
    own = changed.setdefault(role, {"allow": [], "deny": []})
    for names in own.values():
        if permission in names:
            names.remove(permission)
    if answer is not None:
        own["allow" if answer == "yes" else "deny"].append(permission)
    return {name: each for name, each in changed.items() if each["allow"] or each["deny"]}


def overrides_told(overrides: Mapping[str, Any], role: str = "") -> str:
    """A line for each role, or for one."""
    lines = []
    for name, each in sorted(overrides.items()):
        if role in ("", name):
            told = [f"may {permission}" for permission in sorted(each.allow)]
            told += [f"may not {permission}" for permission in sorted(each.deny)]
            lines.append(f"{name}: {', '.join(told)}")
    who = role or "All roles"
    return "\n".join(lines) or f"{who} may do here what {'it' if role else 'they'} may do elsewhere."
