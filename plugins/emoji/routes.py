"""``/plugins/emoji/c/NAME``: the picture of an emoji of this server's own; added by PUT, removed by DELETE."""

from __future__ import annotations

from chatserver import Handler, Reject, endpoint

FRESH_SECONDS = 3600
"""So long a browser shows a picture without asking whether it is still the same."""


class PictureHandler(Handler):
    @endpoint(media=("image/webp",))
    async def get(self, name: str) -> None:
        """The picture of an emoji."""
        await self.require_user()
        picture, data = await self.plugin.custom.picture(name)
        self.set_header("Content-Type", "image/webp")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", f"private, max-age={FRESH_SECONDS}")
        self.set_header("Etag", f'"{picture}"')
        if self.check_etag_header():
            self.set_status(304)
        else:
            self.write(data)

    @endpoint(body=bytes, status=201)
    async def put(self, name: str) -> None:
        """Add an emoji."""
        user = await self.require_writer()
        if not await self.chat.may(user, "emoji.add"):
            raise Reject("You may not add emoji.", "forbidden")
        most = self.plugin.settings.max_bytes
        if not self.request.body:
            raise Reject("A picture as the body, please.", "invalid", field="picture")
        if len(self.request.body) > most:
            raise Reject(f"The picture of an emoji has {most} bytes at most.", "too_large", field="picture")
        await self.plugin.custom.add(name, self.request.body, user)
        self.reply({"name": name}, 201)

    @endpoint()
    async def delete(self, name: str) -> None:
        """Remove an emoji."""
        user = await self.require_writer()
        own = await self.plugin.custom.owner(name) == user.id
        if not await self.chat.may(user, "emoji.add" if own else "emoji.remove"):
            raise Reject("You may not remove this one.", "forbidden")
        await self.plugin.custom.remove(name)
        self.reply({})
