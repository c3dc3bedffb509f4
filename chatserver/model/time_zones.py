"""Time zones by their names, such as ``Europe/Berlin``."""

from __future__ import annotations

from zoneinfo import ZoneInfo


def zone_of(name: str) -> ZoneInfo:
    """A time zone. Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"there is no time zone {name!r} on this machine") from error
