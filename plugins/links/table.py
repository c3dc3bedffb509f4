"""What was found already, which pictures are kept for which message, and rooms that want no previews."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from chatserver import Transaction

MIGRATIONS = (
    "CREATE TABLE links_page (url VARCHAR(64) NOT NULL PRIMARY KEY, found TEXT NOT NULL, until BIGINT NOT NULL)",
    """
    CREATE TABLE links_picture (
        id VARCHAR(32) NOT NULL PRIMARY KEY, size BIGINT NOT NULL, made BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE links_use (
        message_id VARCHAR(64) NOT NULL, picture VARCHAR(32) NOT NULL, PRIMARY KEY (message_id, picture)
    )
    """,
    "CREATE INDEX links_use_picture ON links_use (picture)",
    "CREATE TABLE links_quiet (room VARCHAR(256) NOT NULL PRIMARY KEY)",
)

_REMEMBER = """
INSERT INTO links_page (url, found, until) VALUES (:url, :found, :until)
ON CONFLICT (url) DO UPDATE SET found = excluded.found, until = excluded.until
"""
_KEEP = """
INSERT INTO links_picture (id, size, made) VALUES (:id, :size, :made)
ON CONFLICT (id) DO UPDATE SET made = excluded.made
"""
_USELESS = """
SELECT id FROM links_picture
WHERE made < :before AND NOT EXISTS (SELECT 1 FROM links_use WHERE picture = links_picture.id)
"""


class Table:
    """The plugin's tables."""

    def __init__(self, db: Any) -> None:
        self._db = db

    async def page(self, url: str, now: float) -> dict[str, Any] | None:
        """What is known of an address; {} where it has no preview, None where it has to be asked."""
        rows = await self._db.query(
            "SELECT found FROM links_page WHERE url = :url AND until > :now", url=_key(url), now=int(now)
        )
        found: dict[str, Any] | None = msgspec.json.decode(rows[0]["found"]) if rows else None
        return found

    async def remember(self, url: str, found: dict[str, Any], until: float) -> None:
        encoded = msgspec.json.encode(found).decode()
        await self._db.execute(_REMEMBER, url=_key(url), found=encoded, until=int(until))

    async def keep(self, picture: str, size: int, now: float) -> None:
        await self._db.execute(_KEEP, id=picture, size=size, made=int(now))

    async def size(self) -> int:
        """The bytes of all pictures."""
        rows = await self._db.query("SELECT coalesce(sum(size), 0) AS bytes FROM links_picture")
        return int(rows[0]["bytes"])

    async def has(self, picture: str) -> bool:
        return bool(await self._db.query("SELECT 1 AS one FROM links_picture WHERE id = :id", id=picture))

    async def sweep(self, before: float, now: float) -> list[str]:
        """Forget what is out of date. Returns the pictures that no message shows, and that were made ``before``."""

        def work(tx: Transaction) -> list[str]:
            tx.execute("DELETE FROM links_page WHERE until <= :now", now=int(now))
            useless = [row["id"] for row in tx.execute(_USELESS, before=int(before))]
            if useless:
                tx.executemany("DELETE FROM links_picture WHERE id = :id", [{"id": id} for id in useless])
            return useless

        found: list[str] = await self._db.transaction(work)
        return found

    async def is_quiet(self, room: str) -> bool:
        return bool(await self._db.query("SELECT 1 AS one FROM links_quiet WHERE room = :room", room=room))

    async def set_quiet(self, room: str, quiet: bool) -> None:
        add = "INSERT INTO links_quiet (room) VALUES (:room) ON CONFLICT (room) DO NOTHING"
        await self._db.execute(add if quiet else "DELETE FROM links_quiet WHERE room = :room", room=room)


def use(tx: Transaction, message_id: str, pictures: set[str]) -> None:
    """Say which pictures a message shows."""
    tx.execute("DELETE FROM links_use WHERE message_id = :message_id", message_id=message_id)
    if pictures:
        rows = [{"message_id": message_id, "picture": picture} for picture in sorted(pictures)]
        tx.executemany("INSERT INTO links_use (message_id, picture) VALUES (:message_id, :picture)", rows)


def _key(url: str) -> str:
    """Addresses are of any length."""
    return hashlib.sha256(url.encode(errors="surrogatepass")).hexdigest()
