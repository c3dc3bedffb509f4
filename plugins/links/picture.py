"""``GET /plugins/links/p/ID``: the picture of a preview, so that readers ask nothing of the server it comes from."""

from __future__ import annotations

import asyncio

from chatserver import Handler, Reject, endpoint


class PictureHandler(Handler):
    """For all who are signed in. The id is made from the picture's bytes, and so told by none but its previews."""

    @endpoint(media=("image/webp",))
    async def get(self, picture: str) -> None:
        """The picture of a preview."""
        await self.require_user()
        try:
            data = await asyncio.to_thread(self.plugin.finder.path(picture).read_bytes)
        except FileNotFoundError:
            raise Reject("There is no such picture.", "not_found") from None
        self.set_header("Content-Type", "image/webp")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "private, max-age=31536000, immutable")
        self.set_header("Etag", f'"{picture}"')
        if self.check_etag_header():
            self.set_status(304)
        else:
            self.write(data)
