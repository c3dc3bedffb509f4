""":tada: becomes 🎉, and pictures that people have added are emoji, too."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chatserver import Draft, Message, Plugin, RequestSpec, Route, User, hookimpl, settings

from .custom import MIGRATIONS, Custom
from .names import MOST, find
from .pictures import with_pictures
from .routes import PictureHandler
from .shortcodes import replace

OWN = "SELECT name, made FROM emoji_custom WHERE user_id = :user_id ORDER BY name"


class Find(msgspec.Struct):
    """The wire request ``emoji:find``: emoji whose names begin with, or contain, what is ``typed``."""

    typed: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class All(msgspec.Struct):
    """The wire request ``emoji:custom``: all emoji of this server's own."""


class Emoji(Plugin):
    """Turns ``:shortcodes:`` into characters and pictures, outside of code and links, and finds them by their names."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        most: Annotated[int, msgspec.Meta(ge=0, le=5000)] = 500
        """How many emoji people may add in all."""
        max_bytes: Annotated[int, msgspec.Meta(ge=1, le=1024 * 1024)] = 512 * 1024
        """The largest picture that is taken for one; it is kept at 128 by 128 points."""

    @hookimpl
    async def startup(self):
        self.custom = Custom(self, self.data_dir, self.settings.most)
        await self.custom.load()

    @hookimpl
    async def own_data(self, user: User):
        rows = await self.db.query(OWN, user_id=user.id)
        return [{"type": "added", **row} for row in rows]

    @hookimpl
    def register_permissions(self):
        return {"emoji.add": "member", "emoji.remove": "moderator"}

    @hookimpl
    async def erase_user(self, user: User):
        for each in await self.custom.all():
            if each["by"] == user.id:
                await self.custom.remove(each["name"])

    @hookimpl
    def register_requests(self):
        return [RequestSpec("find", Find, self.find), RequestSpec("custom", All, self.all)]

    @hookimpl
    def register_routes(self):
        return [Route("c/([a-z0-9_+-]{1,64})", PictureHandler)]

    @hookimpl
    def client_settings(self, user: User):
        return {"max_bytes": self.settings.max_bytes}

    def find(self, ctx, fields: Find):
        typed = fields.typed.casefold()
        own = [name for name in self.custom.names if typed in name]
        own.sort(key=lambda name: (not name.startswith(typed), len(name), name))
        found = [{"name": name, "char": f":{name}:"} for name in own[: MOST // 2]]
        return {"emoji": [*found, *({"name": name, "char": char} for name, char in find(typed))][:MOST]}

    async def all(self, ctx, fields: All):
        return {
            "emoji": await self.custom.all(),
            "add": await self.chat.may(ctx.user, "emoji.add"),
            "remove": await self.chat.may(ctx.user, "emoji.remove"),
        }

    def has(self, name: str) -> bool:
        """Whether an emoji of this server's own has this name: for other plugins."""
        return name in self.custom.names

    def spelt(self, text: str) -> str:
        """A text with emoji in place of their names: for other plugins."""
        return replace(text) if ":" in text else text

    @hookimpl
    def before_post(self, draft: Draft):
        return changed(draft)

    @hookimpl
    def before_edit(self, message: Message, draft: Draft):
        return changed(draft)

    @hookimpl
    def render(self, draft: Draft):
        if not self.custom.names or ":" not in draft.content:
            return None
        return with_pictures(draft.html or "", self.custom.names)


def changed(draft: Draft) -> Draft | None:
    """The draft with emoji, or None when there is nothing to change."""
    if ":" not in draft.content:
        return None
    content = replace(draft.content)
    return draft.replace(content=content) if content != draft.content else None
