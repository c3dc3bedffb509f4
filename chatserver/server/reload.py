"""Replaces plugins, or their settings, while the server runs."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from ..config import Settings
from ..plugins.host import PluginHost
from ..store import Store

log = logging.getLogger(__name__)


class Reload:
    """Replaces the plugins that ``settings`` enabled; one change after the other."""

    def __init__(self, settings: Settings, host: PluginHost, store: Store) -> None:
        self._settings = settings
        self._host = host
        self._store = store
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def to(self, settings: Settings) -> None:
        """Put the plugins and permissions of ``settings`` in place.

        Raises ConfigError or PluginError, with the plugins of before going on.
        """
        # A task, so that `stop` can end it.
        task = asyncio.get_running_loop().create_task(self._change(settings))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await task

    async def stop(self) -> None:
        """Cancel a change that is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _change(self, settings: Settings) -> None:
        async with self._one_at_a_time:
            await self._host.swap(self._host.build(settings), self._transaction)
            names = ", ".join(settings.plugins.enabled) or "none"
            log.info("the settings were read again; plugins: %s", names)
            waiting = later(self._settings, settings)
            if waiting:
                log.warning("changes of these settings take effect at the next start: %s", ", ".join(waiting))

    async def _transaction(self) -> None:
        # What the writer has begun still calls the plugins of before.
        await self._store.write(lambda conn: None)


def later(old: Settings, new: Settings) -> list[str]:
    """The sections that differ and are only read at a start."""
    with_its_permissions = msgspec.structs.replace(new.auth, permissions=old.auth.permissions)
    changed = [
        name
        for name in Settings.__struct_fields__
        if name not in ("source", "plugins", "auth") and getattr(old, name) != getattr(new, name)
    ]
    return changed if with_its_permissions == old.auth else [*changed, "auth"]
