"""The pictures of users: a file each, named by its hash, and whose they are."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from chatserver import ApartError, Plugin, Reject, User, scaled, write_whole

MIGRATIONS = (
    "CREATE TABLE avatars_picture (user_id VARCHAR(64) NOT NULL PRIMARY KEY, picture VARCHAR(32) NOT NULL)",
)
_SET = (
    "INSERT INTO avatars_picture (user_id, picture) VALUES (:user_id, :picture)"
    " ON CONFLICT (user_id) DO UPDATE SET picture = :picture"
)
_WHOSE = "SELECT user_id, picture FROM avatars_picture"
_DROP = "DELETE FROM avatars_picture WHERE user_id = :user_id AND picture = :picture"
_FORGET = "DELETE FROM avatars_picture WHERE user_id = :user_id"
SIDE = 192
MOST_PIXELS = 40_000_000
SECONDS = 20


class Pictures:
    """Those that are shown, in ``folder``."""

    def __init__(self, plugin: Plugin, folder: Path) -> None:
        self._plugin = plugin
        self._folder = folder
        self._changing = asyncio.Lock()
        self._busy: set[str] = set()

    def address(self, picture: str) -> str:
        """Where a picture is on this server."""
        return f"/plugins/{self._plugin.name}/p/{picture}"

    async def set(self, user: User, data: bytes) -> User:
        """Make a picture small and square, and show it. Raises `Reject`."""
        if user.id in self._busy:
            raise Reject("One picture at a time.", "rate_limited", retry_after=1.0)
        self._busy.add(user.id)
        try:
            return await self._set(user, data)
        finally:
            self._busy.discard(user.id)
            await self.clean_up()

    async def _set(self, user: User, data: bytes) -> User:
        try:
            made = await self._plugin.apart(
                scaled, data, SIDE, SIDE, False, MOST_PIXELS, True, seconds=SECONDS
            )
        except ApartError as error:
            self._plugin.log.debug("a picture of %s is refused: %s", user.name, error)
            told = "That is no picture that can be shown, or it is too large."
            raise Reject(told, "invalid", field="picture") from None
        picture = hashlib.sha256(made["data"]).hexdigest()[:32]
        async with self._changing:
            await asyncio.to_thread(write_whole, self._folder / picture, made["data"])
            await self._plugin.db.execute(_SET, user_id=user.id, picture=picture)
            return await self._plugin.chat.set_avatar(user, self.address(picture))

    async def remove(self, user: User) -> User:
        """Show the user's initials again."""
        changed = await self._plugin.chat.set_avatar(user, None)
        await self.clean_up()
        return changed

    async def forget(self, user: User) -> None:
        """Delete a user's picture."""
        await self._plugin.db.execute(_FORGET, user_id=user.id)
        await self.clean_up()

    async def clean_up(self) -> None:
        """Delete the pictures that are no one's any more: of users who have another one, or whose was taken away."""
        async with self._changing:
            shown = set()
            for row in await self._plugin.db.query(_WHOSE):
                if await self._shows(row["user_id"], row["picture"]):
                    shown.add(row["picture"])
                else:
                    await self._plugin.db.execute(_DROP, user_id=row["user_id"], picture=row["picture"])
            await asyncio.to_thread(self._delete_others, shown)

    async def _shows(self, user_id: str, picture: str) -> bool:
        try:
            return (await self._plugin.chat.user(user_id)).avatar == self.address(picture)
        except Reject:
            return False

    def _delete_others(self, shown: set[str]) -> None:
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name not in shown:
                path.unlink(missing_ok=True)

    async def read(self, picture: str) -> bytes:
        """The bytes of a picture. Raises `Reject`."""
        try:
            return await asyncio.to_thread((self._folder / picture).read_bytes)
        except FileNotFoundError:
            raise Reject("There is no such picture.", "not_found") from None
