"""When users first came: newcomers are known by it, and kept out in a lockdown."""

from __future__ import annotations

from chatserver import Plugin, Reject, User

ARRIVALS = "CREATE TABLE moderation_arrival (user_id VARCHAR(64) NOT NULL PRIMARY KEY, since DOUBLE PRECISION NOT NULL)"
LOCKED = "lockdown"
MARGIN_SECONDS = 600.0
"""Who came so shortly before a lockdown belongs to those whom it keeps out."""


class Arrivals:
    """Since when each user is known here."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._since: dict[str, float] = {}

    async def load(self) -> None:
        """Read what is known."""
        rows = await self._plugin.db.query("SELECT user_id, since FROM moderation_arrival")
        self._since = {row["user_id"]: row["since"] for row in rows}

    async def came(self, user: User) -> None:
        """A user is here; the first time is noted."""
        if user.id not in self._since:
            await self._plugin.db.transaction(lambda tx: self._note(tx, user.id))

    def _note(self, tx, user_id: str) -> None:
        rows = tx.execute("SELECT since FROM moderation_arrival WHERE user_id = :user", user=user_id)
        if not rows:
            tx.execute(
                "INSERT INTO moderation_arrival (user_id, since) VALUES (:user, :since)",
                user=user_id,
                since=self._plugin.now(),
            )
            rows = [{"since": self._plugin.now()}]
        self._since[user_id] = rows[0]["since"]

    def forget(self, user_id: str) -> None:
        """The user is gone."""
        self._since.pop(user_id, None)

    def since(self, user: User) -> float:
        """When the user first came; one who never connected, as over HTTP, comes now."""
        return self._since.get(user.id, self._plugin.now())

    @property
    def locked(self) -> float | None:
        """Since when there is a lockdown; None: there is none."""
        return self._plugin.keep.get(LOCKED)

    def refuse_newcomer(self, user: User | None) -> None:
        """Raises `Reject` in a lockdown for a user who is new; None is one who is about to come."""
        locked = self.locked
        if locked is None:
            return
        if user is None or self.since(user) > locked - MARGIN_SECONDS:
            raise Reject("This server takes no newcomers just now. Come back later.", "forbidden")
