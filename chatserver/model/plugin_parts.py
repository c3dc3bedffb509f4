"""What plugins put into messages: a kind, an extra, buttons; checked and copied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from . import nested_json

Actions = tuple[Mapping[str, Any], ...]
"""The buttons below a message, each as JSON: ``plugin``, ``id``, ``label``, and what else its plugin says of it."""
Extras = Mapping[str, Any]
"""What plugins keep with a message: JSON by plugin name."""
NO_EXTRAS: Extras = MappingProxyType({})

EXTRA_BYTES = 16 * 1024
"""The longest extra of one plugin, as JSON: it goes to every reader of the message."""


def extra(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy of what a plugin keeps with a message. Raises TypeError for what is no mapping that JSON can hold, and
    ValueError above `EXTRA_BYTES` or 100 levels."""
    if not isinstance(value, Mapping):
        raise TypeError(f"an extra is a mapping, not {type(value).__name__}")
    encoded = nested_json.encode(dict(value))
    if len(encoded) > EXTRA_BYTES:
        raise ValueError(f"an extra has at most {EXTRA_BYTES} bytes as JSON; this one has {len(encoded)}")
    copied: dict[str, Any] = msgspec.json.decode(encoded)
    return copied


MESSAGE_KINDS = ("text", "action")
"""The kinds of messages that every client knows; those of a plugin begin with its name."""


def check_kind(kind: str, plugin: str) -> None:
    """Raises ValueError for a kind that a message of ``plugin`` can't have."""
    if kind not in MESSAGE_KINDS and not kind.startswith(f"{plugin}:"):
        raise ValueError(f"kind is {', '.join(MESSAGE_KINDS)} or begins with '{plugin}:', not {kind!r}")


MOST_ACTIONS = 25
"""So many buttons a message has at most, which are together no longer than an extra."""


def actions(values: Iterable[Mapping[str, Any]], plugin: str) -> Actions:
    """A copy of the buttons that ``plugin`` puts below a message, with its name in each.

    Raises TypeError for what is no mapping that JSON can hold with an ``id`` and a ``label``, and ValueError for too
    many, too long or equal ones.
    """
    named = []
    for value in values:
        if not isinstance(value, Mapping):
            raise TypeError(f"an action is a mapping, not {type(value).__name__}")
        if not all(isinstance(value.get(key), str) and value[key] for key in ("id", "label")):
            raise TypeError("an action has an id and a label, each a text")
        named.append({**value, "plugin": plugin})
    if len({value["id"] for value in named}) != len(named):
        raise ValueError("the actions of a message have different ids")
    encoded = nested_json.encode(named)
    if len(named) > MOST_ACTIONS or len(encoded) > EXTRA_BYTES:
        raise ValueError(
            f"a message has {MOST_ACTIONS} actions at most, of {EXTRA_BYTES} bytes together as JSON"
        )
    return tuple(msgspec.json.decode(encoded))
