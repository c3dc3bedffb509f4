"""The decorator that makes a class the type of a plugin's settings."""

from __future__ import annotations

import dataclasses
from types import new_class
from typing import Any, TypeVar, dataclass_transform

import msgspec

T = TypeVar("T")


@dataclass_transform(frozen_default=True, kw_only_default=True)
def settings(cls: type[T]) -> type[T]:
    """Make an annotated class the type of a plugin's settings: a frozen `msgspec.Struct` that refuses unknown keys.

    Its fields are the keys in the YAML. ``Annotated[int, msgspec.Meta(ge=1)]`` sets limits; what ``__post_init__``
    raises as ValueError is shown as a mistake in the settings.
    """
    body = {
        key: _default(value) for key, value in vars(cls).items() if key not in ("__dict__", "__weakref__")
    }
    options = {"frozen": True, "kw_only": True, "forbid_unknown_fields": True}
    try:
        return new_class(cls.__name__, (msgspec.Struct,), options, lambda namespace: namespace.update(body))
    except TypeError as error:
        if "mutable" not in str(error) and "as a default value" not in str(error):
            raise
        text = "a default that can be changed is shared by all: take a tuple, or dataclasses.field(default_factory=…)"
        raise TypeError(f"{text} ({error})") from error


def _default(value: Any) -> Any:
    """A field of the standard library's dataclasses as one of msgspec, which would take it for the default itself."""
    if not isinstance(value, dataclasses.Field):
        return value
    if value.default_factory is not dataclasses.MISSING:
        return msgspec.field(default_factory=value.default_factory)
    return msgspec.field() if value.default is dataclasses.MISSING else msgspec.field(default=value.default)
