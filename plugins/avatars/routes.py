"""``/plugins/avatars/mine`` sets and removes one's own picture; ``/plugins/avatars/p/HASH`` is one."""

from __future__ import annotations

from chatserver import Handler, Reject, endpoint

FOR_EVER = "private, max-age=31536000, immutable"
"""Another picture has another address."""


class MineHandler(Handler):
    @endpoint(body=bytes)
    async def put(self) -> None:
        """Set the picture of oneself."""
        user = await self.require_writer()
        if not await self.chat.may(user, "avatars.set"):
            raise Reject("You may not show a picture.", "forbidden")
        most = self.plugin.settings.max_bytes
        if not self.request.body:
            raise Reject("A picture as the body, please.", "invalid", field="picture")
        if len(self.request.body) > most:
            raise Reject(f"A picture has {most} bytes at most.", "too_large", field="picture")
        self.reply({"user": (await self.plugin.pictures.set(user, self.request.body)).public()})

    @endpoint()
    async def delete(self) -> None:
        """Remove the picture of oneself."""
        user = await self.require_writer()
        self.reply({"user": (await self.plugin.pictures.remove(user)).public()})


class PictureHandler(Handler):
    @endpoint(media=("image/webp",))
    async def get(self, picture: str) -> None:
        """The picture of a user."""
        await self.require_user()
        data = await self.plugin.pictures.read(picture)
        self.set_header("Content-Type", "image/webp")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", FOR_EVER)
        self.set_header("Etag", f'"{picture}"')
        if self.check_etag_header():
            self.set_status(304)
        else:
            self.write(data)
