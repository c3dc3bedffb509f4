"""Emoji of this server's own: their names, who added them, and their pictures."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from chatserver import ApartError, Plugin, Reject, User, scaled, write_whole

from .pictures import NAME
from .shortcodes import replace

MIGRATIONS = (
    """
    CREATE TABLE emoji_custom (
        name VARCHAR(32) NOT NULL PRIMARY KEY, picture VARCHAR(32) NOT NULL, user_id VARCHAR(64) NOT NULL,
        made BIGINT NOT NULL
    )
    """,
)
_ADD = "INSERT INTO emoji_custom (name, picture, user_id, made) VALUES (:name, :picture, :user_id, :made)"
SIDE = 128
MOST_PIXELS = 4_000_000
SECONDS = 20


class Custom:
    """The emoji that people have added, at most ``most``; their pictures are in ``folder``."""

    def __init__(self, plugin: Plugin, folder: Path, most: int) -> None:
        self._plugin = plugin
        self._folder = folder
        self._most = most
        self._adding = asyncio.Lock()
        self.names: dict[str, str] = {}
        """The picture of each, by its name."""

    async def load(self) -> None:
        """Read their names once, so that no message waits for it."""
        self.names = {
            row["name"]: row["picture"]
            for row in await self._plugin.db.query("SELECT name, picture FROM emoji_custom ORDER BY name")
        }

    async def all(self) -> list[dict[str, Any]]:
        """Each with its ``name``, and the id of the user who added it as ``by``."""
        rows = await self._plugin.db.query("SELECT name, user_id FROM emoji_custom ORDER BY name")
        return [{"name": row["name"], "by": row["user_id"]} for row in rows]

    def check(self, name: str) -> None:
        """Raises `Reject` for what can't be the name of a new one."""
        if not NAME.fullmatch(name):
            raise Reject(
                "A name has 2 to 32 of a-z, 0-9, _, + and -, a letter among them.", "invalid", field="name"
            )
        if replace(f":{name}:") != f":{name}:" or name.startswith("skin-tone-"):
            raise Reject(f"There is an emoji :{name}: already.", "name_taken", field="name")
        if name in self.names:
            raise Reject(f"There is an emoji :{name}: already.", "name_taken", field="name")
        if len(self.names) >= self._most:
            raise Reject(
                f"There are {self._most} emoji of this server's own at most.", "invalid", field="name"
            )

    async def add(self, name: str, data: bytes, user: User) -> None:
        """Make a picture small and keep it. Raises `Reject`."""
        self.check(name)
        try:
            made = await self._plugin.apart(scaled, data, SIDE, SIDE, True, MOST_PIXELS, seconds=SECONDS)
        except ApartError as error:
            self._plugin.log.debug("an emoji of %s is refused: %s", user.name, error)
            told = "That is no picture that can be shown, or it is too large."
            raise Reject(told, "invalid", field="picture") from None
        async with self._adding:
            # Once more: others may have been added meanwhile.
            self.check(name)
            picture = hashlib.sha256(made["data"]).hexdigest()[:32]
            await asyncio.to_thread(write_whole, self._folder / picture, made["data"])
            row = {"name": name, "picture": picture, "user_id": user.id, "made": int(self._plugin.now())}
            await self._plugin.db.execute(_ADD, **row)
            await self.load()

    async def remove(self, name: str) -> None:
        """Messages that have it show its name from then on."""
        async with self._adding:
            await self._remove(name)

    async def _remove(self, name: str) -> None:
        picture = self.names.get(name)
        await self._plugin.db.execute("DELETE FROM emoji_custom WHERE name = :name", name=name)
        await self.load()
        if picture is not None and picture not in self.names.values():
            await asyncio.to_thread((self._folder / picture).unlink, missing_ok=True)

    async def owner(self, name: str) -> str:
        """The id of the user who added one. Raises `Reject`."""
        rows = await self._plugin.db.query("SELECT user_id FROM emoji_custom WHERE name = :name", name=name)
        if not rows:
            raise Reject(f"There is no emoji :{name}: of this server's own.", "not_found", field="name")
        return str(rows[0]["user_id"])

    async def picture(self, name: str) -> tuple[str, bytes]:
        """What identifies its bytes, and these. Raises `Reject`."""
        picture = self.names.get(name)
        try:
            if picture is not None:
                return picture, await asyncio.to_thread((self._folder / picture).read_bytes)
        except FileNotFoundError:
            pass
        raise Reject(f"There is no emoji :{name}: of this server's own.", "not_found", field="name")
