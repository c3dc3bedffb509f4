"""YAML as plain values with the line of every key; what YAML lets pass silently is refused here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from ..model.errors import ConfigError
from .shapes import KeyPath, dotted
from .source import Origin

_TAG = "tag:yaml.org,2002:"
_TYPED = frozenset(_TAG + kind for kind in ("int", "float", "bool", "null"))
_TEXT = frozenset(_TAG + kind for kind in ("str", "timestamp", "value", "merge"))


def parse(
    text: str, file: str, *, lines: bool = True, expand: Callable[[str], str] = str
) -> tuple[Any, dict[KeyPath, Origin]]:
    """The value ``text`` holds (None when empty), and where each part of it was written.

    ``expand`` puts variables into strings and raises ValueError. ``file`` names the origin; without ``lines``,
    its lines are not told. Raises ConfigError for bad YAML, duplicate keys, keys that aren't text, tags and aliases.
    """
    reader = _Reader(file, lines, expand)
    try:
        node = _Loader(text).get_single_node()
        value = None if node is None else reader.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = mark.line + 1 if mark is not None and lines else None
        raise ConfigError(f"not YAML: {error.problem or error.context}", file=file, line=at) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"not YAML: {str(error).splitlines()[0]}", file=file) from None
    except RecursionError:
        raise ConfigError("nested too deeply", file=file) from None
    return value, reader.origins


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        # One key, one place: an alias would have two lines, and a few of them can hold gigabytes.
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not supported", problem_mark=mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


class _Reader:
    def __init__(self, file: str, lines: bool, expand: Callable[[str], str]) -> None:
        self.origins: dict[KeyPath, Origin] = {}
        self._file = file
        self._lines = lines
        self._expand = expand
        self._typing = yaml.SafeLoader("")

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.origins.setdefault(path, Origin(self._file, self._line_of(node)))
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(child, (*path, position)) for position, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        raise self._error(node, path, f"the tag {_tag(node)} is not supported")

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            inner = (*path, key)
            if key in found:
                first = self.origins[inner].line
                raise self._error(
                    key_node, inner, "the key is there twice" + (f", first on line {first}" if first else "")
                )
            self.origins[inner] = Origin(self._file, self._line_of(key_node))
            found[key] = self.value(value_node, inner)
        return found

    def _key(self, node: yaml.Node, path: KeyPath) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _TEXT:
            shown = f" {node.value}" if isinstance(node, yaml.ScalarNode) else ""
            raise self._error(
                node,
                path,
                f"the key{shown} is not text",
                expected="a name, in quotes where YAML takes it for more",
            )
        return self._encodable(node.value, node, path)

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        if node.tag in _TEXT:
            try:
                text = self._expand(node.value)
            except ValueError as error:
                raise self._error(node, path, str(error)) from None
            if text == node.value or text == "" or node.style is not None:
                return self._encodable(text, node, path)
            # Unquoted, `${PORT}` is to be a number: what was put in is typed as if it stood in the file.
            tag = self._typing.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
            node = yaml.ScalarNode(tag, text, node.start_mark, node.end_mark)
        if node.tag in _TEXT:
            return self._encodable(node.value, node, path)
        if node.tag not in _TYPED:
            raise self._error(node, path, f"the tag {_tag(node)} is not supported")
        try:
            return self._typing.construct_object(node)
        except (ValueError, LookupError):
            raise self._error(node, path, f"{node.value[:40]!r} is no {_tag(node)[2:]}") from None

    def _encodable(self, text: str, node: yaml.Node, path: KeyPath) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self._error(node, path, "holds half of a surrogate pair, which is no character") from None
        return text

    def _line_of(self, node: yaml.Node) -> int | None:
        return node.start_mark.line + 1 if self._lines else None

    def _error(
        self, node: yaml.Node, path: KeyPath, message: str, *, expected: str | None = None
    ) -> ConfigError:
        return ConfigError(
            message, file=self._file, line=self._line_of(node), path=dotted(path) or None, expected=expected
        )


def _tag(node: yaml.Node) -> str:
    return str(node.tag).replace(_TAG, "!!")
