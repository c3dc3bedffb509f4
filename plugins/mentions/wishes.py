"""What a user wants to be told of, as it is kept."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from chatserver import Reject, Transaction

from .keywords import KEYWORD_CHARS, MOST_KEYWORDS

Level = Literal["all", "mentions", "none"]
Time = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e11)]

MIGRATIONS = ("CREATE TABLE mentions_wishes (user_id VARCHAR(64) NOT NULL PRIMARY KEY, value TEXT NOT NULL)",)
ALL = "SELECT user_id, value FROM mentions_wishes"
ONE = "SELECT value FROM mentions_wishes WHERE user_id = :user_id"
FORGET = "DELETE FROM mentions_wishes WHERE user_id = :user_id"
_PUT = (
    "INSERT INTO mentions_wishes (user_id, value) VALUES (:user_id, :value)"
    " ON CONFLICT (user_id) DO UPDATE SET value = excluded.value"
)
MOST_ROOMS = 1000


class RoomLevel(msgspec.Struct, frozen=True):
    """Of what a user is told in a room; ``until`` is in seconds since 1970, None for ever."""

    level: Level
    until: float | None = None


class Quiet(msgspec.Struct, frozen=True):
    """When nothing is told: until a time in seconds since 1970, and, with ``daily``, each day between two times on the
    clock of the user's device."""

    until: Seconds = 0.0
    daily: bool = False
    start: Time = msgspec.field(default="22:00", name="from")
    end: Time = msgspec.field(default="07:00", name="to")


class Wishes(msgspec.Struct, frozen=True):
    """All that a user wants: the level of rooms that have none of their own, those by room, words, and quiet times."""

    level: Level = "mentions"
    levels: dict[str, RoomLevel] = {}
    keywords: Annotated[
        tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=KEYWORD_CHARS)], ...],
        msgspec.Meta(max_length=MOST_KEYWORDS),
    ] = ()
    quiet: Quiet = Quiet()

    def level_in(self, room: str, now: float) -> Level | None:
        """The level that the user has chosen for a room; None for none."""
        found = self.levels.get(room)
        return None if found is None or (found.until is not None and found.until <= now) else found.level

    def at(self, room: str, level: RoomLevel | None, now: float) -> Wishes:
        """With another level for a room, None for none. Those that are over are left out. Raises `Reject`."""
        levels = {
            name: each for name, each in self.levels.items() if name != room and (each.until or now + 1) > now
        }
        if level is not None:
            levels[room] = level
        if len(levels) > MOST_ROOMS:
            raise Reject(f"A level can be set for {MOST_ROOMS} rooms at most.", "invalid", field="room")
        return msgspec.structs.replace(self, levels=levels)


def read(value: str | None) -> Wishes:
    """What is kept of a user."""
    return Wishes() if value is None else msgspec.json.decode(value, type=Wishes)


def write(tx: Transaction, user_id: str, wishes: Wishes) -> None:
    """Keep it."""
    tx.execute(_PUT, user_id=user_id, value=msgspec.json.encode(wishes).decode())


def shown(wishes: Wishes) -> dict[str, Any]:
    """As clients get it."""
    found: dict[str, Any] = msgspec.to_builtins(wishes)
    return found
