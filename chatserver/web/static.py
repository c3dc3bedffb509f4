"""The browser client and the plugins' browser parts: each version for ever, and the page that names the newest."""

from __future__ import annotations

import re

from tornado import httputil

from ..model.errors import Reject
from .assets import Asset, AssetFolder
from .handler import Handler

FOR_EVER = "public, max-age=31536000, immutable"
_HASHED = re.compile(r"([0-9a-f]{16})/(.+)")
_WEIGHTED = re.compile(r"([\w*-]+)(?:\s*;\s*q=([01](?:\.\d{0,3})?))?")


class _Files(Handler):
    """Answers with assets; GET and HEAD, parts of them too."""

    _etag: str | None = None

    async def send_path(self, folder: AssetFolder | None, path: str) -> None:
        """Answer with the file at ``HASH/path``, or with the newest at ``path``.

        Raises `Reject` ``not_found``, or ``outdated`` for a version that is not served any more.
        """
        if folder is None:
            raise Reject("There is nothing here.", "not_found")
        hashed = _HASHED.fullmatch(path)
        version = folder.version(hashed[1]) if hashed else folder.current
        if version is None:
            raise Reject("This version is not served any more: load the page anew.", "outdated")
        asset = version.assets.get(hashed[2] if hashed else path)
        if asset is None:
            raise Reject("There is nothing here.", "not_found")
        await self.send(asset, FOR_EVER if hashed else "no-cache")

    async def send(self, asset: Asset, caching: str) -> None:
        """Answer with ``asset``, compressed as the client likes it; a part is never compressed."""
        span = self._span(len(asset.content))
        coding, content = await asset.encoded({} if span else _codings(self.request))
        self.set_header("Content-Type", asset.type)
        self.set_header("Cache-Control", caching)
        self.set_header("Vary", "Accept-Encoding")
        self.set_header("Accept-Ranges", "bytes")
        self._etag = f'"{asset.etag}{"-" if coding else ""}{coding}"'
        if coding:
            self.set_header("Content-Encoding", coding)
        if span and self.request.headers.get("If-Range", self._etag) == self._etag:
            start, end = span
            if start >= end:
                self.set_status(416)
                self.set_header("Content-Range", f"bytes */{len(content)}")
                self.finish()
                return
            self.set_status(206)
            self.set_header("Etag", self._etag)
            self.set_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            content = content[start:end]
        self.finish(content)

    def compute_etag(self) -> str | None:
        return self._etag

    def _span(self, size: int) -> tuple[int, int] | None:
        """The part that is asked for, from and to; an empty one where there is no such part. None for all of it."""
        asked = httputil._parse_request_range(self.request.headers.get("Range", ""))
        if asked is None or asked == (None, None):
            return None
        start, end = asked
        if start is not None and start < 0:
            start, end = max(0, size + start), size
        start, end = start or 0, min(size if end is None else end, size)
        return start, max(start, end)


class Static(_Files):
    """``GET /static/…``"""

    async def get(self, path: str) -> None:
        await self.send_path(self.site.assets.public, path)

    head = get


class PluginStatic(_Files):
    """``GET /plugins/PLUGIN/static/…``"""

    async def get(self, plugin: str, path: str) -> None:
        await self.send_path(self.site.assets.of_plugin(plugin), path)

    head = get


class Index(_Files):
    """The page itself. Reading it renews the cookies, and takes over what has changed on the disk."""

    async def get(self) -> None:
        await self.remember_again()
        self.site.assets.refresh()
        await self.send(self.site.assets.public.current.assets["index.html"], "private, no-cache")

    head = get


class Worker(_Files):
    """``GET /sw.js``: the service worker, at an address above all that it serves."""

    async def get(self) -> None:
        await self.send(self.site.assets.public.current.assets["sw.js"], "no-cache")

    head = get


def _codings(request: httputil.HTTPServerRequest) -> dict[str, bool]:
    """Which codings a client takes (RFC 9110, 12.5.3), and which it says it doesn't."""
    found = _WEIGHTED.findall(request.headers.get("Accept-Encoding", "").lower())
    return {name: float(weight or 1) > 0 for name, weight in found}
