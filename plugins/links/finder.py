"""Asks other servers what stands at an address, within limits."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chatserver import ApartError, FetchError, HttpResponse, Plugin, scaled, write_whole

from .page import SITE_CHARS, plain, read_page
from .table import Table
from .wanted import asked

PAGE_BYTES = 1024 * 1024
PICTURE_BYTES = 8 * 1024 * 1024
SECONDS = 10
READ_SECONDS = 5
WIDTH, HEIGHT = 800, 600
FAILED_SECONDS = 1800
"""After that what gave no preview is asked again."""
HTML = ("text/html", "application/xhtml+xml")
AGENT = "Mozilla/5.0 (compatible; chatserver; link preview)"


class Finder:
    """Finds the preview of an address: asked once, and then known for ``keep_seconds``. Pictures are kept in
    ``folder``, of ``most_bytes`` in all; none with 0. Of addresses for which ``never`` is true nothing is shown."""

    def __init__(
        self,
        plugin: Plugin,
        table: Table,
        folder: Path,
        keep_seconds: float,
        most_bytes: int,
        never: Callable[[str], bool],
    ) -> None:
        self._plugin = plugin
        self._table = table
        self._folder = folder
        self._keep_seconds = keep_seconds
        self._most_bytes = most_bytes
        self._never = never
        self._under_way: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._storing = asyncio.Lock()

    def path(self, picture: str) -> Path:
        """Where a picture lies; its id is hexadecimal."""
        return self._folder / picture[:2] / picture

    async def find(self, url: str) -> dict[str, Any] | None:
        """``title``, ``text``, ``site`` and ``picture`` of an address; None if there is nothing to show."""
        question = asked(url)
        task = self._under_way.get(question)
        if task is None:
            task = self._under_way[question] = self._plugin.spawn(self._known(question))
            task.add_done_callback(lambda _: self._under_way.pop(question, None))
        return await asyncio.shield(task) or None

    async def _known(self, url: str) -> dict[str, Any]:
        found = await self._table.page(url, self._plugin.now())
        if found is None:
            try:
                found = await self._asked(url)
            except (FetchError, ApartError, ValueError) as error:
                self._plugin.log.debug("%s has no preview: %s", urlsplit(url).hostname, error)
                found = {}
            keep = self._keep_seconds if found else min(FAILED_SECONDS, self._keep_seconds)
            await self._table.remember(url, found, self._plugin.now() + keep)
        return found

    async def _asked(self, url: str) -> dict[str, Any]:
        answer = await self._get(url, PAGE_BYTES, (*HTML, "image/*"))
        kind = answer.headers.get("content-type", "")
        host = urlsplit(answer.url).hostname or ""
        if kind.lower().startswith("image/"):
            picture = await self._picture(url)
            return (
                {"title": "", "text": "", "site": plain(host, SITE_CHARS), "picture": picture}
                if picture
                else {}
            )
        said = await self._plugin.apart(read_page, answer.body, kind, answer.url, seconds=READ_SECONDS)
        picture = await self._picture(said["picture"]) if said["picture"] else None
        if not said["title"] and picture is None:
            return {}
        return {**said, "site": said["site"] or plain(host, SITE_CHARS), "picture": picture}

    async def _get(self, url: str, limit: int, types: tuple[str, ...]) -> HttpResponse:
        headers = {"User-Agent": AGENT, "Accept": ", ".join(types)}
        answer = await self._plugin.http.get(
            url, headers=headers, timeout=SECONDS, limit=limit, types=types, check=self._check
        )
        if not answer.ok:
            raise FetchError(f"it answers {answer.status}")
        return answer

    def _check(self, url: str) -> None:
        """Raises FetchError for a host that the settings leave out."""
        if self._never(url):
            raise FetchError("the settings leave this host out")

    async def _picture(self, url: str) -> dict[str, Any] | None:
        """The id, width and height of a picture, once it is kept; None if it can't be shown."""
        if not self._most_bytes:
            return None
        try:
            answer = await self._get(url, PICTURE_BYTES, ("image/*",))
            if answer.cut:
                return None
            made = await self._plugin.apart(scaled, answer.body, WIDTH, HEIGHT)
        except (FetchError, ApartError, ValueError) as error:
            self._plugin.log.debug("a picture of %s is not shown: %s", urlsplit(url).hostname, error)
            return None
        id = hashlib.sha256(made["data"]).hexdigest()[:32]
        async with self._storing:
            if await self._table.size() + len(made["data"]) > self._most_bytes:
                self._plugin.log.warning(
                    "pictures of previews have %d bytes: no more are kept", self._most_bytes
                )
                return None
            await self._table.keep(id, len(made["data"]), self._plugin.now())
            await asyncio.to_thread(write_whole, self.path(id), made["data"])
        return {"id": id, "width": made["width"], "height": made["height"]}

    async def sweep(self) -> None:
        """Delete what no message shows, once no answer that is kept names it any more."""
        now = self._plugin.now()
        async with self._storing:
            for picture in await self._table.sweep(now - self._keep_seconds - 3600, now):
                await asyncio.to_thread(self.path(picture).unlink, missing_ok=True)
