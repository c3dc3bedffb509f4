"""The files that browsers load, in memory: under addresses that change with their content, and compressed once."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import logging
import mimetypes
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from ..plugins.plugin_set import Loaded
from .linker import LinkError, link_modules, link_styles, plain_script

try:
    import brotli  # type: ignore[import-untyped]
except ImportError:  # There is no wheel of it for this machine; gzip does.
    brotli = None

log = logging.getLogger(__name__)

PUBLIC = "/static/"
"""Below this address are the files of the page itself."""
KEPT = 2
"""Versions of one folder that are served: a page that was being loaded when a file changed gets its own to the end."""
SMALLEST = 256
"""Bytes below which compressing isn't worth it."""
_PLAIN = ("image/", "audio/", "video/", "font/", "application/zip")
"""Types that are compressed already, but for SVG."""
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".map": "application/json"}

Join = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]
"""Makes further files of a folder's files."""


class Asset:
    """A file's content, as it is and compressed. ``type`` is its media type, ``etag`` stands for its content."""

    def __init__(self, path: str, content: bytes) -> None:
        suffix = Path(path).suffix
        found = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
        text = found.startswith("text/") or found.endswith(("json", "xml"))
        self.type = f"{found}; charset=utf-8" if text else found
        self.content = content
        self.etag = hashlib.sha256(content).hexdigest()[:16]
        self._compresses = len(content) >= SMALLEST and (text or not found.startswith(_PLAIN))
        self._compressed: dict[str, asyncio.Future[bytes]] = {}

    async def encoded(self, accepted: Mapping[str, bool]) -> tuple[str, bytes]:
        """The best of what is ``accepted``, and its name in Content-Encoding; empty for the content as it is."""
        coding = next((name for name in CODINGS if accepted.get(name, accepted.get("*", False))), "")
        if not self._compresses or not coding:
            return "", self.content
        if coding not in self._compressed:
            work = asyncio.to_thread(CODINGS[coding], self.content)
            self._compressed[coding] = asyncio.ensure_future(work)
        # A caller that goes away doesn't take it from the others.
        return coding, await asyncio.shield(self._compressed[coding])


@lru_cache(maxsize=256)
def _brotli(content: bytes) -> bytes:
    # The best takes a quarter of a second for the largest file; servers of one process share it. A page loads 40 files.
    return bytes(brotli.compress(content, quality=11))


def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


CODINGS: dict[str, Callable[[bytes], bytes]] = {**({"br": _brotli} if brotli else {}), "gzip": _gzip}
"""How content is compressed, by name (RFC 9110, 8.4.1), best first."""


class Version:
    """A folder's files at one moment. ``hash`` is that of all their contents, ``base`` the address they are below."""

    def __init__(self, prefix: str, files: Mapping[str, bytes], page: str | None) -> None:
        digest = hashlib.sha256()
        for path, content in sorted(files.items()):
            digest.update(b"%d %d " % (len(path.encode()), len(content)) + path.encode() + content)
        self.hash = digest.hexdigest()[:16]
        self.base = f"{prefix}{self.hash}/"
        self.assets = {path: Asset(path, content) for path, content in files.items()}
        if page is not None:
            naming_newest = files[page].replace(f'"{prefix}'.encode(), f'"{self.base}'.encode())
            self.assets[page] = Asset(page, naming_newest)


class AssetFolder:
    """A folder, followed as its files change. Nothing is read before it is asked for.

    ``join`` makes further files of them; in the file ``page`` addresses below ``prefix`` are those of its version.
    """

    def __init__(self, folder: Path, prefix: str, join: Join | None = None, page: str | None = None) -> None:
        self.folder = folder
        self.prefix = prefix
        self._join = join
        self._page = page
        self._stamp: frozenset[tuple[str, int, int]] | None = None
        self._versions: dict[str, Version] = {}

    @property
    def current(self) -> Version:
        """The newest version that is known; what has changed on the disk is seen by `refresh`."""
        if not self._versions:
            self.refresh()
        return next(reversed(self._versions.values()))

    def version(self, hash: str) -> Version | None:
        """The version with this hash, if it is still served."""
        if hash not in self._versions:
            # The page that names it may come from another server, or from this one before it was started again.
            self.refresh()
        return self._versions.get(hash)

    def refresh(self) -> None:
        """Look whether a file has changed: some hundred microseconds. Raises OSError or LinkError the first time.

        Later, what can't be read or joined is logged, and the version before stays.
        """
        try:
            stamp = frozenset((path, found.st_mtime_ns, found.st_size) for path, found in self._files())
            if stamp == self._stamp:
                return
            files = {path: (self.folder / path).read_bytes() for path, _, _ in stamp}
            made = self._join(files) if self._join is not None else {}
            version = Version(self.prefix, {**files, **made}, self._page)
        except (OSError, LinkError):
            if not self._versions:
                raise
            log.exception("%s can't be served as it is now", self.folder)
            return
        self._stamp = stamp
        self._versions.pop(version.hash, None)
        self._versions[version.hash] = version
        while len(self._versions) > KEPT:
            del self._versions[next(iter(self._versions))]

    def _files(self) -> list[tuple[str, os.stat_result]]:
        """What is served: everything but hidden files and what makes the folder a package."""
        found = []
        for root, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
            for name in names:
                if not name.startswith(".") and not name.endswith((".py", ".pyc")):
                    path = Path(root, name)
                    found.append((path.relative_to(self.folder).as_posix(), path.stat()))
        return found


class Assets:
    """The page's own files, and those of the plugins' parts in the browser."""

    def __init__(self, public: Path, plugins: Callable[[], tuple[Loaded, ...]]) -> None:
        self.public = AssetFolder(public, PUBLIC, _join, page="index.html")
        self._plugins = plugins
        self._of_plugins: dict[str, AssetFolder] = {}

    @property
    def hash(self) -> str:
        """What the page's version is called: a page with another one is of another version."""
        return self.public.current.hash

    def of_plugin(self, name: str) -> AssetFolder | None:
        """The files of an enabled plugin's part in the browser, if it has any."""
        folder = next((each.static_dir for each in self._plugins() if each.name == name), None)
        if folder is None:
            return None
        known = self._of_plugins.get(name)
        if known is None or known.folder != folder:
            known = self._of_plugins[name] = AssetFolder(folder, f"/plugins/{name}/static/")
        return known

    def addresses(self, plugin: str) -> dict[str, str]:
        """Where a plugin's part in the browser is: ``client`` and ``css``, as far as there are any."""
        folder = self.of_plugin(plugin)
        if folder is None:
            return {}
        version = folder.current
        parts = {"client": "client.js", "css": "client.css"}
        return {key: version.base + file for key, file in parts.items() if file in version.assets}

    def refresh(self) -> None:
        """Follow what has changed on the disk; done whenever a page is loaded."""
        for folder in (self.public, *self._of_plugins.values()):
            folder.refresh()


def _join(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """All modules in one, those that wait until they are needed in another, all style sheets in one, and what comes
    before the modules without comments."""
    return _joined(frozenset((path, text) for path, text in files.items() if path.endswith((".js", ".css"))))


@lru_cache(maxsize=2)
def _joined(sources: frozenset[tuple[str, bytes]]) -> Mapping[str, bytes]:
    # It takes a tenth of a second; servers of one process share it.
    files = dict(sources)
    modules = {path: content.decode() for path, content in files.items() if path.endswith(".js")}
    styles = {path: content.decode() for path, content in files.items() if path.endswith(".css")}
    later = "js/later.js" if "js/later.js" in modules else None
    made = link_modules(modules, "js/main.js", "js/client.js", later)
    made["css/client.css"] = link_styles(styles, "css/index.css")
    if "js/early.js" in modules:
        made["js/early.js"] = plain_script(modules["js/early.js"])
    return {path: text.encode() for path, text in made.items()}
