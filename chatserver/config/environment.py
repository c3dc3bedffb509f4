"""The environment's part in the settings: ``.env``, ``${NAME}`` in strings, and ``CHATSERVER_…`` overrides."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..model.errors import ConfigError
from . import shapes
from .parse import parse
from .settings import Document
from .shapes import KeyPath
from .source import Origin

PREFIX = "CHATSERVER_"
_VARIABLE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")

_SERVICE_LINK = re.compile(
    r"""CHATSERVER_(?:[A-Z0-9_]+_)?
        (?:SERVICE_HOST=.*
          |SERVICE_PORT(?:_[A-Z0-9_]+)?=[0-9]+
          |PORT(?:_[0-9]+_(?:TCP|UDP|SCTP))?=(?:tcp|udp|sctp)://.*
          |PORT_[0-9]+_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR)=.*)""",
    re.VERBOSE,
)
"""What Kubernetes sets in each container for a service called chatserver or chatserver-…, as ``NAME=value``
(https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables)."""


def with_env_file(path: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """``environ``, and below it what the file at ``path`` sets. Raises ConfigError for a file that can't be read."""
    if not path.is_file():
        return environ
    # Few have this file.
    from dotenv.parser import parse_stream

    found: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8") as stream:
            for binding in parse_stream(stream):
                if binding.error:
                    raise ConfigError(
                        "can't be understood",
                        file=path.name,
                        line=binding.original.line,
                        expected="NAME=value",
                    )
                if binding.key is not None and binding.value is not None:
                    found[binding.key] = binding.value
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"can't be read: {error}", file=path.name) from error
    return {**found, **environ}


def expand(text: str, environ: Mapping[str, str]) -> str:
    """``text`` with ``${NAME}`` and ``${NAME:-default}`` replaced as in the shell, and ``$${`` as ``${``.

    Raises ValueError for a variable that isn't set and has no default.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        if name is None:
            if match[0] == "$${":
                return "${"
            raise ValueError("${ is not followed by a name and } (for the two characters themselves: $${)")
        found = environ.get(name)
        if default is not None:
            return found or str(default)
        if found is None:
            raise ValueError(f"the environment variable {name} is not set")
        return found

    return _VARIABLE.sub(value, text)


def override(raw: dict[str, Any], origins: dict[KeyPath, Origin], environ: Mapping[str, str]) -> None:
    """Put the ``CHATSERVER_<SECTION>__<KEY>`` variables over ``raw``. Raises ConfigError for a name of no key.

    The addresses of services, which Kubernetes puts into the environment, are passed over.
    """
    shape = msgspec.inspect.type_info(Document)
    # In order of name, a whole section comes before its keys.
    for name in sorted(each for each in environ if each.startswith(PREFIX)):
        path = tuple(name.removeprefix(PREFIX).lower().split("__"))
        if not _leads_somewhere(shape, path):
            if _SERVICE_LINK.fullmatch(f"{name}={environ[name]}"):
                continue
            right = sorted(_names(shape, PREFIX))
            nearest = difflib.get_close_matches(name, right, n=1)
            raise ConfigError(
                "no setting has this name", file=name, suggestion=nearest[0] if nearest else None
            )
        text = environ[name]
        value: Any = text
        found: dict[KeyPath, Origin] = {(): Origin(name, None)}
        # A name, an address or a path may look like YAML: `::` and `memory:` would be mappings.
        if text and not shapes.is_text(shape, path):
            value, found = parse(text, name, lines=False)
        elif not _is_utf8(text):
            raise ConfigError("is not UTF-8", file=name)
        if _put(raw, path, value):
            for known in [each for each in origins if each[: len(path)] == path]:
                del origins[known]
            origins.update({(*path, *inner): origin for inner, origin in found.items()})
            origins.setdefault(path, Origin(name, None))


def _is_utf8(text: str) -> bool:
    # Bytes of the environment that are none stand in it as halves of surrogate pairs.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _put(raw: dict[str, Any], path: tuple[str, ...], value: Any) -> bool:
    """Whether it could be put: where the file has no mapping on the way, typing the file says so better."""
    for step in path[:-1]:
        inner = raw.get(step)
        if inner is None:
            inner = raw[step] = {}
        if not isinstance(inner, dict):
            return False
        raw = inner
    raw[path[-1]] = value
    return True


def _leads_somewhere(shape: Any, path: tuple[str, ...]) -> bool:
    for position, step in enumerate(path):
        fields = shapes.fields_of(shape)
        if fields is None:
            # A mapping with free keys (plugins.enabled) takes any; a plain value has nothing below it.
            return isinstance(shape, msgspec.inspect.DictType) and "" not in path[position:]
        if step not in fields:
            return False
        shape = fields[step]
    return True


def _names(shape: Any, prefix: str) -> Iterator[str]:
    for name, inner in (shapes.fields_of(shape) or {}).items():
        yield prefix + name.upper()
        yield from _names(inner, f"{prefix}{name.upper()}__")
