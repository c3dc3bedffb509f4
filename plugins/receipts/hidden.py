"""How far users had read when they were last seen, where they have read on while they were invisible."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

MIGRATION = """
CREATE TABLE receipts_hidden (
    room VARCHAR(256) NOT NULL, user_id VARCHAR(64) NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (room, user_id)
)
"""
_ADD = """
INSERT INTO receipts_hidden (room, user_id, seq) VALUES (:room, :user_id, :seq) ON CONFLICT (room, user_id) DO NOTHING
"""
_REMOVE = "DELETE FROM receipts_hidden WHERE room = :room AND user_id = :user_id"
SEEN = 20_000
"""Of so many users in rooms it is known how far they were last seen to read; others are not shown at all meanwhile."""


class Hidden:
    """What others get to see of those who have read something unseen; ``db`` is the plugin's."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self._seen: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._hidden: dict[tuple[str, str], int] = {}

    async def load(self) -> None:
        """Read what is kept."""
        for row in await self._db.query("SELECT room, user_id, seq FROM receipts_hidden"):
            self._hidden[row["room"], row["user_id"]] = row["seq"]

    def shown(self, room: str, user_id: str, seq: int) -> int:
        """How far an absent user who has read up to ``seq`` was seen to read; 0 where that is not known."""
        return min(seq, self._hidden.get((room, user_id), seq))

    async def seen(self, room: str, user_id: str, seq: int) -> None:
        """A user has read where all may see it."""
        key = room, user_id
        self._seen[key] = seq
        self._seen.move_to_end(key)
        if len(self._seen) > SEEN:
            self._seen.popitem(last=False)
        if self._hidden.pop(key, None) is not None:
            await self._db.execute(_REMOVE, room=room, user_id=user_id)

    async def unseen(self, room: str, user_id: str) -> None:
        """A user has read while invisible."""
        key = room, user_id
        if key not in self._hidden:
            self._hidden[key] = self._seen.get(key, 0)
            await self._db.execute(_ADD, room=room, user_id=user_id, seq=self._hidden[key])
