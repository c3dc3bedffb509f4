"""Replaces plugins, or their settings, while people chat: for SIGHUP, ``chatserver reload`` and ``/plugins``."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from ..config import Settings, switched_off
from ..model.errors import ConfigError, PluginError, Reject
from ..plugins import discovery
from ..plugins.host import PluginHost
from ..store import Store

log = logging.getLogger(__name__)

Read = Callable[[], Settings]
Report = Callable[[str, str], None]


class Changed(Protocol):
    """Is told that there are other plugins, or other settings of them."""

    async def __call__(self) -> None: ...


Switched = Callable[[tuple[str, ...]], Awaitable[None]]


async def nobody_is_told() -> None:
    """The default, until there are clients."""


class PluginReload:
    """Replaces the plugins that ``settings`` enabled; one change after the other. ``read`` reads the settings anew.

    ``changed`` is awaited after each change, and ``switched(names)`` when an admin has switched a plugin, with those
    that are off now.
    """

    changed: Changed = staticmethod(nobody_is_told)
    switched: Switched | None = None

    def __init__(self, settings: Settings, host: PluginHost, store: Store, read: Read | None) -> None:
        self._settings = settings
        self._host = host
        self._store = store
        self._read = read or (lambda: _with_switches(settings))
        self._stale: set[Path] = set()
        """Files of plugins that have changed, and could not be loaded yet."""
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[str]] = set()

    async def to(self, settings: Settings) -> str:
        """Put the plugins and permissions of ``settings`` in place. Returns what has changed, for people.

        Raises ConfigError or PluginError, with the plugins of before going on.
        """
        return await self._task(self._locked(lambda: settings))

    async def again(self) -> str:
        """The same with the settings as they are in the file now."""
        return await self._task(self._locked(self._read))

    async def changed_on_disk(self, files: Iterable[Path]) -> str:
        """The same with the code of the plugins to which these files belong read anew."""
        self._stale.update(files)
        return await self.again()

    async def switch(self, name: str, on: bool) -> str:
        """The same with one of the enabled plugins switched on or off, which is kept for the next start, too.

        Raises `Reject` for one that the settings don't enable.
        """
        return await self._task(self._switch(name, on))

    def later(self, work: Awaitable[str], report: Report) -> None:
        """Do one of these in the background: what calls this may be a plugin that it replaces.

        ``report(text, level)`` gets the outcome.
        """
        self._begin(self._reported(work, report))

    async def stop(self) -> None:
        """Cancel a change that is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Awaitable[str]) -> asyncio.Task[str]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _task(self, work: Awaitable[str]) -> str:
        # A task, so that `stop` can end it.
        return await self._begin(work)

    async def _reported(self, work: Awaitable[str], report: Report) -> str:
        try:
            text = await work
        except (ConfigError, PluginError, Reject) as error:
            text = error.message if isinstance(error, Reject) else str(error)
            report(f"Nothing has changed: {text}", "error")
        else:
            report(text, "info")
        return text

    async def _locked(self, read: Read) -> str:
        async with self._one_at_a_time:
            with _logged():
                return await self._change(read())

    async def _switch(self, name: str, on: bool) -> str:
        async with self._one_at_a_time:
            settings = self._read()
            if name not in settings.plugins.enabled:
                known = ", ".join(settings.plugins.enabled) or "none"
                raise Reject(
                    f"The settings enable no plugin {name!r}; these are enabled: {known}.",
                    "not_found",
                    field="name",
                )
            after = (*(each for each in settings.off if each != name), *(() if on else (name,)))
            with _logged():
                told = await self._change(msgspec.structs.replace(settings, off=after))
            try:
                switched_off.write(settings.data_dir, after)
                if self.switched is not None:
                    await self.switched(after)
            except OSError as error:
                told += f" This could not be kept for the next start: {error.strerror}."
            except Reject as refusal:
                told += f" Other servers could not be told: {refusal.message}"
            return told

    async def follow_switches(self, off: tuple[str, ...]) -> None:
        """Switch the plugins that another server's admin has switched. What keeps it from that is logged."""
        current = self._host.current
        enabled = {*(plugin.name for plugin in current.plugins), *current.off}
        if enabled.intersection(off) == set(current.off):
            return
        await self._task(self._follow_switches(off))

    async def _follow_switches(self, off: tuple[str, ...]) -> str:
        async with self._one_at_a_time:
            settings = msgspec.structs.replace(self._read(), off=off)
            with _logged():
                told = await self._change(settings)
            switched_off.write(settings.data_dir, off)
            return told

    async def _change(self, settings: Settings) -> str:
        old = self._host.current
        stale, self._stale = self._stale, set()
        modules = discovery.forget(stale)
        try:
            new = await self._host.build_beside(settings)
            await self._host.swap(new, self._transaction, self.changed)
        except BaseException:
            discovery.remember(modules)
            self._stale |= stale
            raise
        # What building left behind: with that of several reloads, a collection would hold up the chat for long.
        gc.collect(0)
        waiting = later(self._settings, settings)
        names = ", ".join(plugin.name for plugin in new.plugins) or "none"
        log.info("the settings were read again; plugins: %s", names)
        if waiting:
            log.warning("changes of these settings take effect at the next start: %s", ", ".join(waiting))
        there = {plugin.name for plugin in old.plugins}
        here = {plugin.name for plugin in new.plugins}
        anew = [plugin.name for plugin in new.plugins if plugin.name in there and plugin not in old]
        parts = [
            ("Switched on", sorted(here - there)),
            ("Switched off", sorted(there - here)),
            ("Started anew", sorted(anew)),
            ("At the next start only", waiting),
        ]
        told = [f"{what}: {', '.join(which)}." for what, which in parts if which]
        return " ".join(["The settings were read again.", *(told or ["No plugin came, went or began anew."])])

    async def _transaction(self) -> None:
        # What the writer has begun still calls the plugins of before.
        await self._store.write(lambda conn: None)


@contextmanager
def _logged() -> Iterator[None]:
    try:
        yield
    except (ConfigError, PluginError) as error:
        log.error("nothing was reloaded: %s", error)
        raise


def _with_switches(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, off=switched_off.read(settings.data_dir))


def later(old: Settings, new: Settings) -> list[str]:
    """The sections that differ and are only read at a start."""
    with_its_permissions = msgspec.structs.replace(
        new.auth, permissions=old.auth.permissions, roles=old.auth.roles
    )
    changed = [
        name
        for name in Settings.__struct_fields__
        if name not in ("source", "plugins", "off", "auth") and getattr(old, name) != getattr(new, name)
    ]
    return changed if with_its_permissions == old.auth else [*changed, "auth"]
