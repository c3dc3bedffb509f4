"""Pictures of users: uploaded, made small and square, and shown wherever users are."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chatserver import Plugin, Route, User, hookimpl, settings

from .pictures import MIGRATIONS, Pictures
from .routes import MineHandler, PictureHandler

CLEAN_UP_SECONDS = 3600


class Avatars(Plugin):
    """Lets users show a picture of themselves."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        max_bytes: Annotated[int, msgspec.Meta(ge=1, le=1024 * 1024)] = 1024 * 1024
        """The largest picture that is taken; it is kept at 192 by 192 points."""

    @hookimpl
    def startup(self):
        self.pictures = Pictures(self, self.data_dir)
        self.every(CLEAN_UP_SECONDS, self.pictures.clean_up, first=0)

    @hookimpl
    def register_permissions(self):
        return {"avatars.set": "member"}

    @hookimpl
    def register_routes(self):
        return [Route("mine", MineHandler), Route("p/([0-9a-f]{32})", PictureHandler)]

    @hookimpl
    async def erase_user(self, user: User):
        await self.pictures.forget(user)

    @hookimpl
    def own_data(self, user: User):
        return [{"type": "picture", "url": user.avatar}] if user.avatar is not None else []

    @hookimpl
    def client_settings(self, user: User):
        return {"max_bytes": self.settings.max_bytes}
