"""Where each setting was written, and typing values so that a mistake names its file, line and key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from ..model.errors import ConfigError
from . import shapes
from .shapes import KeyPath

T = TypeVar("T")

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping (key: value)",
    "null": "nothing",
}
_EXPECTED = re.compile(r"Expected `([^`]*)`(.*?)(?:, got `.*`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)


class Origin(NamedTuple):
    """Where a value was written: a file and its line (from 1), or an environment variable and no line."""

    file: str
    line: int | None


@dataclass(frozen=True, eq=False)
class Source:
    """The origins of the settings. ``base`` is the folder that relative paths start from."""

    base: Path
    origins: Mapping[KeyPath, Origin] = field(default_factory=dict)

    def convert(self, raw: Any, type: type[T], path: KeyPath = ()) -> T:
        """``raw`` (what the YAML held at ``path``) as ``type``: a dataclass, a msgspec struct, or built from such.

        A `Path` is taken relative to ``base``. Raises ConfigError for unknown and missing keys, wrong types, and
        for the ValueError of a ``__post_init__``; TypeError for a type msgspec can't handle.
        """
        shape = msgspec.inspect.type_info(type)
        stray = shapes.unknown_key(shape, raw)
        if stray is not None:
            expected = None if stray.names else "no settings here"
            raise self.error((*path, *stray.path), "unknown key", expected=expected, among=stray.names)
        try:
            return msgspec.convert(raw, type, dec_hook=self._decode)
        except msgspec.ValidationError as error:
            text, inner = shapes.split_message(str(error))
            inner = shapes.pin(inner, raw, text, lambda trial: self._complaint(trial, type))
            raise self._explain(text, path, inner, raw, shape) from None

    def error(
        self, path: KeyPath, message: str, *, expected: str | None = None, among: Collection[str] = ()
    ) -> ConfigError:
        """The mistake at ``path``. ``among`` holds the right names; the nearest to the path's last is suggested."""
        nearest = difflib.get_close_matches(str(path[-1]) if path else "", among, n=1)
        return self._mistake(path, message, expected, among, nearest)

    def _mistake(
        self, path: KeyPath, message: str, expected: str | None, among: Collection[str], nearest: list[str]
    ) -> ConfigError:
        if not nearest and among and expected is None:
            expected = "one of: " + ", ".join(among)
        origin = self._origin(path)
        return ConfigError(
            message,
            file=origin.file if origin else None,
            line=origin.line if origin else None,
            path=shapes.dotted(path) or None,
            expected=expected,
            suggestion=nearest[0] if nearest else None,
        )

    def _origin(self, path: KeyPath) -> Origin | None:
        """Of the value, or of the nearest thing around it that was written down."""
        for length in range(len(path), -1, -1):
            if (origin := self.origins.get(path[:length])) is not None:
                return origin
        return None

    def _decode(self, type: type, value: Any) -> Any:
        if type is not Path:
            raise NotImplementedError(f"settings of type {type.__name__} are not supported")
        if not isinstance(value, str):
            raise TypeError("Expected `str`")
        if not value or "\0" in value:
            raise ValueError("is no path")
        return self.base / value

    def _complaint(self, raw: Any, type: Any) -> str | None:
        try:
            msgspec.convert(raw, type, dec_hook=self._decode)
        except msgspec.ValidationError as error:
            return shapes.split_message(str(error))[0]
        return None

    def _explain(self, text: str, path: KeyPath, inner: KeyPath, raw: Any, shape: Any) -> ConfigError:
        """msgspec's complaint in an admin's words."""
        full = (*path, *inner)
        value = shapes.value_at(raw, inner)
        choices = shapes.choices(shape, inner)
        if text.startswith("Invalid enum value") or (choices and text.startswith("Expected")):
            nearest = difflib.get_close_matches(str(value).lower(), choices, n=1)
            expected = None if nearest else "one of: " + ", ".join(choices)
            return self._mistake(full, f"is {_shown(value)}", expected, choices, nearest)
        if match := _MISSING.fullmatch(text):
            return self.error(full, f'the key "{match[1]}" is missing')
        if match := _EXPECTED.fullmatch(text):
            words = " or ".join(_WORDS.get(word, word) for word in match[1].split(" | "))
            expected = shapes.description(shape, inner) or words + match[2]
            # `2024`, `yes`, and `::`, which YAML takes for a mapping.
            if isinstance(value, bool | int | float | dict) and match[1] == "str":
                expected += " (put it in quotes)"
            return self.error(full, f"is {_shown(value)}", expected=expected)
        return self.error(full, text.replace("`", ""))


def _shown(value: Any) -> str:
    # Text may be a secret in the wrong place, so only short words are repeated.
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if abs(value) < 10**15 else "a very large number"
        case float():
            return f"{value:g}"
        case str() if re.fullmatch(r"[a-z_-]{1,12}", value):
            return f'"{value}"'
        case str():
            return "text" if value else "empty text"
        case list():
            return "a list"
    return "a mapping"
