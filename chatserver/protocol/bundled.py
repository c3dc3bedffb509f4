"""What the bundled plugins say under names of their own: events without a prefix, and fields of a message beside
``extras``, where other clients look for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..model.plugin_parts import Extras

_EVENTS = {"reactions:reaction": "reaction", "pins:pinned": "pinned"}
_FIELDS = frozenset({"reactions", "pins"})
"""Plugins whose extra is told in fields of the message."""


def wire_type(type: str) -> str:
    """The type of a durable event as clients know it."""
    return _EVENTS.get(type, type)


def split(extras: Extras) -> tuple[Extras | None, dict[str, Any]]:
    """The extras that go on the wire as such, None for none; and the fields that others become."""
    fields: dict[str, Any] = {}
    if "reactions" in extras:
        fields["reactions"] = _reactions(extras["reactions"])
    if "pins" in extras:
        fields |= {"pinned": True, "pinned_by": _pinned_by(extras["pins"])}
    if not fields:
        return extras, fields
    return {plugin: extra for plugin, extra in extras.items() if plugin not in _FIELDS} or None, fields


def own_fields(type: str, extras: Extras, data: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an event that is about a message tells of it as it is now; None where that is the plugin's extra."""
    if type == "reactions:reaction":
        now = extras.get("reactions", {})
        count = now.get(data["emoji"], {}).get("count", 0)
        return {"count": count, "reactions": _reactions(now)}
    if type == "pins:pinned":
        _, fields = split(extras)
        return {name: fields.get(name) for name in ("pinned", "pinned_by")} | {"pinned": "pins" in extras}
    return None


def _reactions(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"emoji": emoji, **each} for emoji, each in kept.items()]


def _pinned_by(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": kept["by"], "name": kept["name"]}
