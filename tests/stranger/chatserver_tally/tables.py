"""The plugin's tables. A poll has the id of the message that asks it."""

from __future__ import annotations

from dataclasses import dataclass

from chatserver import Message


def add_closed(tx) -> None:
    """Added later: a poll can be closed early."""
    tx.execute("ALTER TABLE tally_poll ADD COLUMN closed INTEGER NOT NULL DEFAULT 0")


MIGRATIONS = (
    """CREATE TABLE tally_poll (
        id TEXT PRIMARY KEY,
        room TEXT NOT NULL,
        user_id TEXT NOT NULL,
        choices INTEGER NOT NULL,
        closes DOUBLE PRECISION NOT NULL
    )""",
    """CREATE TABLE tally_vote (
        poll TEXT NOT NULL,
        user_id TEXT NOT NULL,
        choice INTEGER NOT NULL,
        PRIMARY KEY (poll, user_id)
    )""",
    add_closed,
)

VOTE = (
    "INSERT INTO tally_vote (poll, user_id, choice) VALUES (:poll, :user_id, :choice)"
    " ON CONFLICT (poll, user_id) DO UPDATE SET choice = excluded.choice"
)
CLOSE = "UPDATE tally_poll SET closed = 1 WHERE id = :poll"


@dataclass(frozen=True)
class Poll:
    id: str
    room: str
    user_id: str
    choices: int
    closes: float
    closed: int


class Polls:
    def __init__(self, db) -> None:
        self._db = db

    async def get(self, poll_id: str) -> Poll | None:
        rows = await self._db.query("SELECT * FROM tally_poll WHERE id = :id", id=poll_id)
        return Poll(**rows[0]) if rows else None

    async def newest_open(self, room: str) -> Poll | None:
        rows = await self._db.query(
            "SELECT * FROM tally_poll WHERE room = :room AND closed = 0 ORDER BY closes DESC LIMIT 1",
            room=room,
        )
        return Poll(**rows[0]) if rows else None

    async def due(self, now: float) -> list[Poll]:
        rows = await self._db.query("SELECT * FROM tally_poll WHERE closed = 0 AND closes <= :now", now=now)
        return [Poll(**row) for row in rows]

    async def counts(self, poll: Poll) -> list[int]:
        """How many voted for each choice."""
        rows = await self._db.query(
            "SELECT choice, COUNT(*) AS votes FROM tally_vote WHERE poll = :poll GROUP BY choice",
            poll=poll.id,
        )
        counts = [0] * poll.choices
        for row in rows:
            counts[row["choice"]] = row["votes"]
        return counts

    def open(self, tx, message: Message, choices: int, closes: float) -> None:
        tx.execute(
            "INSERT INTO tally_poll (id, room, user_id, choices, closes)"
            " VALUES (:id, :room, :user_id, :choices, :closes)",
            id=message.id,
            room=message.room,
            user_id=message.user.id,
            choices=choices,
            closes=closes,
        )

    def end(self, tx, poll_id: str) -> None:
        """The poll's message is deleted."""
        tx.execute("DELETE FROM tally_vote WHERE poll = :poll", poll=poll_id)
        tx.execute("DELETE FROM tally_poll WHERE id = :poll", poll=poll_id)
