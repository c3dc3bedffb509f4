"""Times as people write them: ``in 2h``, ``tomorrow 9:00``, ``on friday at 5pm``, ``2026-12-24 18:00``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from chatserver import Reject

MORNING = (9, 0)
"""The time of a day that is named without one."""
FARTHEST = timedelta(days=5 * 366)

_SECONDS: Mapping[str, int] = MappingProxyType({"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800})
_UNIT = r"s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?"
_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,3})?"
_PART = re.compile(rf"({_NUMBER})\s*({_UNIT})(?![^\W\d_])", re.IGNORECASE)
_SPAN = re.compile(
    rf"(?:in\s+)?((?:{_NUMBER}\s*(?:{_UNIT})(?![^\W\d_])\s*)+)(?=\s|$)|in\s+(an?)\s+({_UNIT})(?=\s|$)",
    re.IGNORECASE,
)
_SPAN_ZH = re.compile(r"([0-9]{1,6})\s*(秒|分鐘|分钟|分|小時|小时|天|週|周)\s*(?:後|后)(?:\s|(?=\D)|$)")
_ZH: Mapping[str, str] = MappingProxyType(
    {
        "秒": "s",
        "分鐘": "m",
        "分钟": "m",
        "分": "m",
        "小時": "h",
        "小时": "h",
        "天": "d",
        "週": "w",
        "周": "w",
    }
)
_CLOCK = re.compile(
    r"(?:at\s+)?(?:([01]?[0-9]|2[0-3])[:：]([0-5][0-9])(?:\s*([ap])\.?m\.?)?|(1[0-2]|0?[1-9])\s*([ap])\.?m\.?|(noon|midnight))"
    r"(?![\w:])",
    re.IGNORECASE,
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = re.compile(
    r"(?:(today|tomorrow|今天|明天|後天|后天)|(?:on\s+|next\s+)?(mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
    r"|(?:on\s+)?([0-9]{4})-([0-9]{1,2})-([0-9]{1,2}))(?![A-Za-z0-9_-])",
    re.IGNORECASE,
)
_AHEAD: Mapping[str, int] = MappingProxyType(
    {"today": 0, "今天": 0, "tomorrow": 1, "明天": 1, "後天": 2, "后天": 2}
)


def parse(text: str, now: float, zone: ZoneInfo) -> tuple[float, str]:
    """The time that a text begins or ends with, in seconds since 1970, and the rest of it.

    Raises `Reject` ``invalid`` for no time, one that is over, one too far away, and for no text.
    """
    text = text.strip()
    found = _leading(text, now, zone)
    if found is None:
        # "take the cake out in 2h"
        for space in re.finditer(r"\s+", text[-80:]):
            at = max(len(text) - 80, 0)
            tail = _leading(text[at + space.end() :], now, zone)
            if tail is not None and not tail[1]:
                found = tail[0], text[: at + space.start()].rstrip()
                break
    if found is None:
        raise Reject(
            "Say when: in 2h, tomorrow 9:00, friday 17:30, 2026-12-24 18:00.", "invalid", field="text"
        )
    due, rest = found
    check(due, now)
    rest = re.sub(r"^(?:to|that)\s+", "", rest, flags=re.IGNORECASE)
    if not rest:
        raise Reject("Say what.", "invalid", field="text")
    return due, rest


def check(due: float, now: float) -> None:
    """Raises `Reject` ``invalid`` for a time that is over or too far away."""
    if due <= now:
        raise Reject("This time is over.", "invalid", field="text")
    if due > now + FARTHEST.total_seconds():
        raise Reject("This is more than five years away.", "invalid", field="text")


def _leading(text: str, now: float, zone: ZoneInfo) -> tuple[float, str] | None:
    """The time that a text begins with, and the rest."""
    span = _span(text)
    if span is not None:
        return now + span[0], text[span[1] :].strip()
    here = datetime.fromtimestamp(now, zone)
    day = _DAY.match(text)
    clock = _CLOCK.match(text, day.end() + _blank(text, day.end())) if day else _CLOCK.match(text)
    if day is None and clock is None:
        return None
    if day is None and clock is not None:
        # 9:00 tomorrow
        day = _DAY.match(text, clock.end() + _blank(text, clock.end()))
    end = max(found.end() for found in (day, clock) if found is not None)
    hour, minute = _time(clock) if clock else MORNING
    if day is None:
        due = _at(here.date(), hour, minute, zone)
        due = due if due > now else _at(here.date() + timedelta(days=1), hour, minute, zone)
        return due, text[end:].strip()
    named = _date(day, here.date())
    return (_at(named, hour, minute, zone), text[end:].strip()) if named is not None else None


def _span(text: str) -> tuple[float, int] | None:
    """A time from now on, in seconds, and where the text goes on."""
    chinese = _SPAN_ZH.match(text)
    if chinese:
        return int(chinese[1]) * _SECONDS[_ZH[chinese[2]]], chinese.end()
    found = _SPAN.match(text)
    if found is None:
        return None
    if found[2]:
        return _SECONDS[found[3][0].lower()], found.end()
    parts = _PART.findall(found[1])
    return sum(float(number) * _SECONDS[unit[0].lower()] for number, unit in parts), found.end()


def _blank(text: str, at: int) -> int:
    return len(text[at:]) - len(text[at:].lstrip(" ,"))


def _time(clock: re.Match[str]) -> tuple[int, int]:
    if clock[6]:
        return (12, 0) if clock[6].lower() == "noon" else (0, 0)
    hour, minute = int(clock[1] or clock[4]), int(clock[2] or 0)
    half = (clock[3] or clock[5] or "").lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour, minute


def _date(day: re.Match[str], today: date) -> date | None:
    if day[1]:
        return today + timedelta(days=_AHEAD[day[1].lower()])
    if day[2]:
        wanted = next(at for at, name in enumerate(_WEEKDAYS) if name.startswith(day[2].lower()))
        return today + timedelta(days=(wanted - today.weekday() - 1) % 7 + 1)
    try:
        return date(int(day[3]), int(day[4]), int(day[5]))
    except ValueError:
        return None


def _at(day: date, hour: int, minute: int, zone: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).timestamp()
