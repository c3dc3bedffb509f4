"""Durations as people write them: ``10m``, ``1h30m``, ``2 days``, ``1.5 hours``, or a number of minutes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=36_500)
_SECONDS: Mapping[str, int] = MappingProxyType(
    {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "mo": 2_592_000, "y": 31_536_000}
)
"""By what tells the units apart; a month has 30 days, a year 365."""
_UNIT = "s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?|mo|months?|y|yrs?|years?"
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
# No letter follows a unit; a digit does in 1h30m.
_PART = re.compile(rf"({_NUMBER})\s*((?ai:{_UNIT}))(?![^\W\d_])\s*")
_WORDS = re.compile(
    rf"\s*((?:{_NUMBER}\s*(?ai:{_UNIT})(?![^\W\d_])\s*)*{_NUMBER}\s*(?ai:{_UNIT})(?![^\W\d_])\S*)"
)


def duration_at(text: str, position: int) -> re.Match[str] | None:
    """What is written as numbers with units there, over several words, with whatever hangs on to it: group 1."""
    return _WORDS.match(text, position)


def read_duration(text: str) -> timedelta:
    """The duration. Raises ValueError for another text, less than a second, and more than 36,500 days."""
    if re.fullmatch(_NUMBER, text):
        return _checked(float(text) * _SECONDS["m"])
    seconds, position = 0.0, 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise ValueError(text)
        number, unit = float(part[1]), part[2].lower()
        seconds += number * _SECONDS["mo" if unit.startswith("mo") else unit[0]]
        position = part.end()
    return _checked(seconds)


def _checked(seconds: float) -> timedelta:
    value = timedelta(seconds=seconds)
    if not _SHORTEST <= value <= _LONGEST:
        raise ValueError(seconds)
    return value
