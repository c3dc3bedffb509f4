"""Whom users have blocked: kept in memory, so that asking costs nothing."""

from __future__ import annotations

from collections.abc import Collection

from ..model.errors import Reject
from ..model.values import User
from ..store import Connection, Store
from ..store import blocks as rows
from ..store.accounts import add_signal

MOST = 1000
_NONE: frozenset[str] = frozenset()


class Blocks:
    """Who wants to hear nothing of whom."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of: dict[str, frozenset[str]] = {}

    async def load(self) -> None:
        """Read all of them."""
        self._of = await self._store.read(rows.all_blocks)

    def has(self, user_id: str, other_id: str) -> bool:
        """Whether a user has blocked another one."""
        return other_id in self._of.get(user_id, _NONE)

    def of(self, user_id: str) -> Collection[str]:
        """The ids of those whom a user has blocked."""
        return self._of.get(user_id, _NONE)

    def reached(self, user_ids: Collection[str], by: str) -> tuple[str, ...]:
        """Those of the users who have not blocked one of them, in their order."""
        return tuple(each for each in user_ids if not self.has(each, by))

    def refuse(self, user: User, other_id: str, field: str | None) -> None:
        """Raises `Reject` ``forbidden`` where one of two users has blocked the other, in words that don't tell whether
        it was the other one."""
        if self.has(user.id, other_id):
            raise Reject("You have blocked this person.", "forbidden", field=field)
        if self.has(other_id, user.id):
            raise unreachable(field)

    async def users(self, user: User) -> list[User]:
        """Those whom a user has blocked, by name."""
        return await self._store.read(lambda conn: rows.blocked_by(conn, user.id))

    async def set(self, user: User, other: User, on: bool, now: float) -> bool:
        """Block another user, or no longer; whether that changed anything. Raises `Reject` ``invalid``."""
        if user.id == other.id:
            raise Reject("You can't block yourself.", "invalid", field="user")
        blocked = self.of(user.id)
        if (other.id in blocked) == on:
            return False
        if on and len(blocked) >= MOST:
            raise Reject(f"You have blocked {MOST} people already.", "invalid", field="user")

        def write(conn: Connection) -> None:
            rows.set_block(conn, user.id, other.id, on, now)
            # For other servers on this database.
            add_signal(conn, user.id)

        await self._store.write(write)
        self._of[user.id] = (
            frozenset(self.of(user.id)) | {other.id} if on else frozenset(self.of(user.id)) - {other.id}
        )
        return True


def unreachable(field: str | None) -> Reject:
    """A person can't be reached by this user, for whatever reason."""
    return Reject("This person can't be reached by you.", "forbidden", field=field)
