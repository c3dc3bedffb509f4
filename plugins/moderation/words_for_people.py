"""Times and bans as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from chatserver import Ban

Time = Annotated[timedelta, "minutes, or 90s, 1h30m, 2 days"]
Reason = Annotated[str, "shown to everyone"]
UNTIL_LIFTED = timedelta(0)
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def minutes(time: timedelta) -> float:
    """The time as the core counts it."""
    return time.total_seconds() / 60


def lasting(time: timedelta, endless: str = " until you lift it") -> str:
    """`` for 10 minutes``, or ``endless``."""
    seconds = round(time.total_seconds())
    if not seconds:
        return endless
    size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
    count = seconds // size
    return f" for {count} {unit}{'s' if count != 1 else ''}"


def line(ban: Ban) -> str:
    """A ban as one line of text: ``bob, by alice, until 2026-07-04 16:20 UTC: shouting``."""
    until = datetime.fromtimestamp(ban.until, UTC).strftime("%Y-%m-%d %H:%M UTC") if ban.until else "lifted"
    return f"{ban.user.name}, by {ban.by.name}, until {until}" + (f": {ban.reason}" if ban.reason else "")
