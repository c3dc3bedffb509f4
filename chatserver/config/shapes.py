"""Look-ups in raw values, and in the types they are to have, by the path of keys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from msgspec import inspect

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top: ``("rooms", 0, "topic")``."""

SOME_KEY = "[...]"
"""msgspec's word for a mapping's key, which it doesn't name."""

_STEP = re.compile(r"\[\.\.\.\]|\[(\d+)\]|\.?([^.\[\]]+)")
_MESSAGE = re.compile(r"(?P<text>.*?)(?: - at `(?P<in>key` in `)?\$(?P<path>[^`]*)`)?", re.DOTALL)


class Stray(NamedTuple):
    """A key that its mapping doesn't know, and those it does."""

    path: KeyPath
    names: tuple[str, ...]


def dotted(path: KeyPath) -> str:
    """``rooms[0].topic``."""
    text = ""
    for step in path:
        if isinstance(step, int) or step == SOME_KEY:
            text += step if isinstance(step, str) else f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def split_message(message: str) -> tuple[str, KeyPath]:
    """msgspec's message as its text and the path it names."""
    match = _MESSAGE.fullmatch(message)
    if match is None or match["path"] is None:
        return message, ()
    steps: list[str | int] = []
    for step in _STEP.finditer(match["path"]):
        position, name = step.groups()
        steps.append(int(position) if position else name or SOME_KEY)
    return match["text"], tuple(steps)


def pin(path: KeyPath, raw: Any, text: str, complaint: Callable[[Any], str | None]) -> KeyPath:
    """``path`` with the real key for each `SOME_KEY`: the one that gets the complaint when it stands alone."""
    while SOME_KEY in path:
        at = path.index(SOME_KEY)
        mapping = value_at(raw, path[:at])
        if not isinstance(mapping, dict):
            return path[:at]
        for key, value in mapping.items():
            narrowed = _replaced(raw, path[:at], {key: value})
            if complaint(narrowed) == text:
                raw, path = narrowed, (*path[:at], key, *path[at + 1 :])
                break
        else:
            return path[:at]
    return path


def value_at(raw: Any, path: KeyPath) -> Any:
    """What ``raw`` holds at ``path``; None where it holds nothing."""
    for step in path:
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def _replaced(raw: Any, path: KeyPath, value: Any) -> Any:
    if not path:
        return value
    step: Any = path[0]
    copy = raw.copy()
    copy[step] = _replaced(raw[step], path[1:], value)
    return copy


def unknown_key(shape: inspect.Type, raw: Any, path: KeyPath = ()) -> Stray | None:
    """The first key in ``raw`` that a struct, dataclass or typed dict of ``shape`` has no field for."""
    shape = _bare(shape)
    if isinstance(shape, inspect.UnionType):
        found = [unknown_key(each, raw, path) for each in shape.types if _fits(each, raw)]
        return None if None in found or not found else found[0]
    fields = fields_of(shape)
    if isinstance(raw, dict):
        for key, value in raw.items():
            if fields is not None and key not in fields:
                return Stray((*path, key), tuple(fields))
            inner = _step(shape, key)
            if inner is not None and (stray := unknown_key(inner, value, (*path, key))):
                return stray
    elif isinstance(raw, list):
        for position, value in enumerate(raw):
            inner = _step(shape, position)
            if inner is not None and (stray := unknown_key(inner, value, (*path, position))):
                return stray
    return None


def fields_of(shape: inspect.Type) -> dict[str, inspect.Type] | None:
    """The fields of a type with fixed keys, by their names in the YAML; None for other types."""
    shape = _bare(shape)
    if isinstance(shape, inspect.UnionType):
        variants = [fields for each in shape.types if (fields := fields_of(each)) is not None]
        return {name: type for fields in variants for name, type in fields.items()} if variants else None
    if isinstance(shape, inspect.StructType | inspect.DataclassType | inspect.TypedDictType):
        return {each.encode_name: each.type for each in shape.fields}
    return None


def description(shape: inspect.Type, path: KeyPath) -> str | None:
    """The ``Meta(description=…)`` of what stands at ``path``."""
    for each in _at(shape, path):
        if isinstance(each, inspect.Metadata) and each.extra_json_schema:
            return each.extra_json_schema.get("description")
    return None


def choices(shape: inspect.Type, path: KeyPath) -> tuple[str, ...]:
    """The values that a Literal or Enum at ``path`` allows."""
    for each in _at(shape, path):
        if isinstance(each, inspect.LiteralType):
            return tuple(str(value) for value in each.values)
        if isinstance(each, inspect.EnumType):
            return tuple(str(member.value) for member in each.cls)
    return ()


def is_text(shape: inspect.Type, path: KeyPath) -> bool:
    """Whether only text can stand at ``path``: a string, a path, one of several words."""
    parts = tuple(_at(shape, path))[1:]
    return bool(parts) and all(map(_is_text, parts))


def _is_text(shape: inspect.Type) -> bool:
    if isinstance(shape, inspect.LiteralType):
        return all(isinstance(value, str) for value in shape.values)
    return isinstance(shape, inspect.StrType) or (isinstance(shape, inspect.CustomType) and shape.cls is Path)


def _at(shape: inspect.Type, path: KeyPath) -> Iterator[inspect.Type]:
    """The type at ``path``, wrapped as it is, and then each of its parts if it is a union."""
    found: inspect.Type | None = shape
    for step in path:
        found = _step(found, step) if found is not None else None
    if found is not None:
        yield found
        bare = _bare(found)
        yield from bare.types if isinstance(bare, inspect.UnionType) else (bare,)


def _step(shape: inspect.Type, step: str | int) -> inspect.Type | None:
    shape = _bare(shape)
    if isinstance(shape, inspect.UnionType):
        return next((inner for each in shape.types if (inner := _step(each, step)) is not None), None)
    if isinstance(shape, inspect.DictType):
        return shape.value_type
    if isinstance(shape, inspect.TupleType) and isinstance(step, int):
        return shape.item_types[step] if step < len(shape.item_types) else None
    if isinstance(shape, inspect.CollectionType) and isinstance(step, int):
        return shape.item_type
    return (fields_of(shape) or {}).get(str(step))


def _bare(shape: inspect.Type) -> inspect.Type:
    while isinstance(shape, inspect.Metadata):
        shape = shape.type
    return shape


def _fits(shape: inspect.Type, raw: Any) -> bool:
    mapping = fields_of(shape) is not None or isinstance(_bare(shape), inspect.DictType)
    return isinstance(raw, dict) == mapping
