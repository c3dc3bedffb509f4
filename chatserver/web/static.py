"""The browser client and the plugins' browser parts, as they lie on the disk."""

from __future__ import annotations

from typing import Any

from tornado.web import HTTPError, StaticFileHandler

from .handler import Handler
from .site import Site


class Static(Handler, StaticFileHandler):
    """A folder of files. Browsers keep them, and ask each time whether they are still good (ETag)."""

    def initialize(self, site: Site, path: str, default_filename: str | None = None) -> None:  # type: ignore[override]
        Handler.initialize(self, site)
        StaticFileHandler.initialize(self, path, default_filename)

    def parse_url_path(self, url_path: str) -> str:
        if "\0" in url_path:
            raise HTTPError(404)
        return super().parse_url_path(url_path)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        if absolute_path.endswith((".py", ".pyc")):
            # What makes the folder a package is not part of the page.
            raise HTTPError(404)
        return super().validate_absolute_path(root, absolute_path)

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")


class Index(Static):
    """The page itself. Reading it sets the XSRF cookie."""

    async def get(self, path: str = "", include_body: bool = True) -> Any:
        assert self.xsrf_token
        await self.remember_again()
        await super().get("index.html", include_body)
