"""``chatserver serve --reload``: loads plugins anew whenever their files, or the settings, change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..config import Settings
from ..model.errors import ConfigError, PluginError
from .options import read_settings
from .server import ChatServer

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5

Stamp = tuple[int, int]


class Watch:
    """Sees which files below ``roots`` have come, changed or gone since it last looked."""

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots = tuple(roots)
        self._seen = self._look()

    def changed(self) -> set[Path]:
        """The files. Blocks for as long as the disk takes."""
        seen = self._look()
        before, self._seen = self._seen, seen
        return {path for path, _ in before.items() ^ seen.items()}

    def _look(self) -> dict[Path, Stamp]:
        found = {}
        for root in self._roots:
            for path in _files(root):
                try:
                    stat = path.stat()
                except OSError:
                    continue
                found[path] = stat.st_mtime_ns, stat.st_size
        return found


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    for path in root.rglob("*"):
        hidden = any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and path.is_file():
            yield path


async def reload_on_change(server: ChatServer, settings: Settings, config: Path | None) -> None:
    """Look again and again. What can't be loaded is in the log, and the plugins of before go on."""
    roots = _roots(settings, config)
    watch = await asyncio.to_thread(Watch, roots)
    log.info("watching %s", ", ".join(map(str, roots)))
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            changed = await asyncio.to_thread(watch.changed)
            if not changed:
                continue
            log.info("changed: %s", ", ".join(sorted(path.name for path in changed)))
            await server.reload_changed(changed)
            now = _roots(read_settings(config), config)
            if now != roots:
                watch, roots = await asyncio.to_thread(Watch, now), now
        except (ConfigError, PluginError):
            # It is in the log.
            continue
        except Exception:
            log.exception("what has changed could not be loaded; the next change is tried again")


def _roots(settings: Settings, config: Path | None) -> list[Path]:
    own = [] if config is None else [config.absolute()]
    return own + [folder.resolve() for folder in settings.plugins.dirs]
