"""Settings of rooms as they come in: their types, and the form in which they are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import asdict

from ..model import names
from ..model.values import RoomChange, RoomSettings
from ..protocol.decoder import invalid

_TIDY: Mapping[str, Callable[[Any], Any]] = MappingProxyType({"title": names.title, "topic": names.topic})
"""For settings that have a form of their own; each raises `Reject` for what has none."""


def new_settings(values: Mapping[str, Any]) -> RoomSettings:
    """The settings of a new room. Raises `Reject` ``invalid``, and TypeError for a name that is none of a setting."""
    return RoomSettings(**_tidy(_converted(values, RoomSettings)))


def changed_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be changed; None leaves a value alone. Raises like `new_settings`."""
    return _tidy({name: value for name, value in _converted(values, RoomChange).items() if value is not None})


def _converted(values: Mapping[str, Any], type: type[msgspec.Struct]) -> dict[str, Any]:
    unknown = set(values).difference(type.__struct_fields__)
    if unknown:
        raise TypeError(f"not among a room's settings: {', '.join(sorted(unknown))}")
    try:
        return asdict(msgspec.convert(dict(values), type))
    except msgspec.ValidationError as error:
        raise invalid(error) from None


def _tidy(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _TIDY[name](value) if name in _TIDY else value for name, value in values.items()}
