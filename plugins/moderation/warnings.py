"""Warnings with a count, and what follows by itself when there are enough of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chatserver import Plugin, Room, Transaction, User

WARNINGS = """
CREATE TABLE moderation_warning (
    number BIGINT NOT NULL PRIMARY KEY, ts DOUBLE PRECISION NOT NULL, user_id VARCHAR(64) NOT NULL,
    by_name VARCHAR(256) NOT NULL, room VARCHAR(256) NOT NULL, reason TEXT NOT NULL
)
"""
BY_USER = "CREATE INDEX moderation_warning_user ON moderation_warning (user_id, ts)"
DAY = 86_400
_ADD = """
INSERT INTO moderation_warning (number, ts, user_id, by_name, room, reason)
SELECT coalesce(max(number), 0) + 1, :ts, :user, :by, :room, :reason FROM moderation_warning
"""


@dataclass(frozen=True)
class Step:
    """What follows at so many warnings: a mute or ban of the room, for minutes; 0 is until lifted."""

    warnings: int
    act: Literal["mute", "ban"]
    minutes: float


def step(text: str) -> Step:
    """A step as the settings have it: ``3 mute 60``. Raises ValueError."""
    try:
        count, act, minutes = text.split()
        found = Step(int(count), act, float(minutes))  # type: ignore[arg-type]
    except ValueError:
        found = None
    if (
        found is None
        or found.act not in ("mute", "ban")
        or found.warnings < 1
        or not 0 <= found.minutes <= 5_256_000
    ):
        raise ValueError(
            f"a step is a number of warnings, mute or ban, and minutes, such as '3 mute 60', not {text!r}"
        )
    return found


class Warnings:
    """The warnings of one server: those of the last ``days`` count."""

    def __init__(self, plugin: Plugin, days: float, steps: list[Step]) -> None:
        self._plugin = plugin
        self._seconds = days * DAY
        self._steps = {each.warnings: each for each in steps}

    async def warn(self, user: User, by: User, room: Room, reason: str) -> tuple[int, Step | None]:
        """Add a warning, tell its user, and take the step that is due; how many there are, and the step."""
        now = self._plugin.now()

        def write(tx: Transaction) -> int:
            tx.execute(_ADD, ts=now, user=user.id, by=by.name, room=room.name, reason=reason)
            return self._count(tx, user, now)

        count = await self._plugin.db.transaction(write)
        due = self._steps.get(count)
        await self._plugin.chat.audit(
            "warned", by=by, user=user, room=room, reason=reason, detail=f"warning {count}"
        )
        self._plugin.chat.notice(
            user, f"{by.name} warns you: {reason} (warning {count})", room=room, level="warn"
        )
        if due is not None:
            act = self._plugin.chat.mute if due.act == "mute" else self._plugin.chat.ban
            await act(room, user, by=by, minutes=due.minutes, reason=f"{count} warnings: {reason}")
        return count, due

    def _count(self, tx: Transaction, user: User, now: float) -> int:
        rows = tx.execute(
            "SELECT count(*) AS n FROM moderation_warning WHERE user_id = :user AND ts > :since",
            user=user.id,
            since=now - self._seconds,
        )
        return int(rows[0]["n"])

    async def listed(self, user: User, room: Room | None) -> list[str]:
        """The warnings that count, of a room or with None of all, the newest first, as lines."""
        rows = await self._plugin.db.query(
            "SELECT by_name, room, reason FROM moderation_warning WHERE user_id = :user AND ts > :since"
            " AND (:every = 1 OR room = :room) ORDER BY number DESC LIMIT 50",
            user=user.id,
            since=self._plugin.now() - self._seconds,
            every=int(room is None),
            room="" if room is None else room.name,
        )
        return [f"by {row['by_name']} in #{row['room']}: {row['reason']}" for row in rows]
