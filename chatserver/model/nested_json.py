"""JSON of what plugins give, nested no deeper than every reader of it can take."""

from __future__ import annotations

import re
from typing import Any

import msgspec

LEVELS = 100
"""So deep may lists and mappings be in each other: what reads JSON gives up at some depth."""

_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_ALIKE = bytes.maketrans(b"[]{}", b"()()")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def encode(value: Any) -> bytes:
    """A value as JSON. Raises ValueError above `LEVELS` levels, and whatever else encoding it raises."""
    try:
        data = msgspec.json.encode(value)
    except RecursionError as error:
        raise _too_deep() from error
    if data.count(b"[") + data.count(b"{") > LEVELS and _deep(data):
        raise _too_deep()
    return data


def _deep(data: bytes) -> bool:
    left = _TEXT.sub(b"", data).translate(_ALIKE, _NO_BRACKETS)
    for _ in range(LEVELS):
        if not left:
            return False
        # Each time the innermost ones.
        left = left.replace(b"()", b"")
    return bool(left)


def _too_deep() -> ValueError:
    return ValueError(f"JSON is nested in {LEVELS} levels at most")
