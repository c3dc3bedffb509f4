"""The plugin host: from the settings to running plugins, and back to nothing."""

from __future__ import annotations

import asyncio
import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, get_args

import msgspec
import pluggy

from ..config import PluginConfig, Settings
from ..model.errors import ConfigError, PluginError, Reject
from ..model.permissions import Permissions
from ..model.tuning import Timeouts
from . import registrations
from .api import ChatAPI, Database, RequestSpec, Route
from .base import Migration, Plugin, Ran
from .commands import Commands
from .deadline import wait_at_most
from .discovery import Found, find, folder_of, plugin_class
from .failures import described, own_failure
from .hooks import HookCaller, OnSuspend, ignore_suspension
from .hookspecs import KINDS, PROJECT
from .implementation import HookImpl, OnError, Policy

Bind = Callable[[str], tuple[ChatAPI, Database]]
Migrate = Callable[[str, Sequence[Migration]], Awaitable[None]]

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_UNMISTAKABLE = re.compile(r"(before|after|register)_|(startup|shutdown|in_commit)$")
"""Names that nobody gives to a method which is not meant as a hook."""


@dataclass(frozen=True)
class Loaded:
    """An enabled plugin. ``folder`` is its package's, None for a single file."""

    name: str
    instance: Plugin
    config: PluginConfig
    bundled: bool
    folder: Path | None

    @property
    def static_dir(self) -> Path | None:
        """The folder that is served as ``/plugins/<name>/static/``."""
        folder = self.folder / "static" if self.folder is not None else None
        return folder if folder is not None and folder.is_dir() else None

    def addresses(self) -> dict[str, str]:
        """Where the plugin's part in the browser is: ``client`` and ``css``, as far as there are any."""
        parts = {"client": "client.js", "css": "client.css"}
        folder = self.static_dir
        return {
            key: f"/plugins/{self.name}/static/{file}"
            for key, file in parts.items()
            if folder is not None and (folder / file).is_file()
        }

    @property
    def policy(self) -> Policy:
        rooms = self.config.rooms
        on_error = self.config.on_error or self.instance.on_error
        return Policy(on_error, frozenset(rooms) if rooms is not None else None)


class PluginHost:
    """The plugins that ``settings`` enable. With ``strict`` the hooks keep their failures, for tests.

    `load` checks and constructs; `start` and `stop` are the plugins' life. After `load`: ``plugins`` in the order
    of the settings, ``hooks``, ``commands``, ``permissions``, ``requests`` (by wire type, with the plugin's name),
    ``event_types`` and ``routes``.
    """

    plugins: tuple[Loaded, ...]
    hooks: HookCaller
    commands: Commands
    permissions: Permissions
    requests: dict[str, tuple[str, RequestSpec]]
    event_types: frozenset[str]
    routes: list[tuple[Loaded, Route]]

    def __init__(
        self,
        settings: Settings,
        *,
        strict: bool = False,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        on_suspend: OnSuspend = ignore_suspension,
    ) -> None:
        self._settings = settings
        self._strict = strict
        self._timeouts = timeouts
        self._on_suspend = on_suspend
        self._manager = pluggy.PluginManager(PROJECT)
        for kind in KINDS:
            self._manager.add_hookspecs(kind)
        self._instances: dict[str, Plugin] = {}
        self._started: set[str] = set()
        self.plugins = ()

    def found(self) -> list[Found]:
        """Every plugin that could be enabled, without importing it."""
        return find(self._settings.plugins.dirs)

    def load(self) -> None:
        """Import, check and construct the enabled plugins. Raises PluginError and ConfigError; nothing runs yet."""
        found = self.found()
        self.plugins = tuple(
            self._construct(self._choose(name, found), config)
            for name, config in self._settings.plugins.enabled.items()
        )
        # pluggy calls the last registered first, and the settings' order is to be the order of calls.
        for plugin in reversed(self.plugins):
            self._register(plugin)
        policies = {plugin.name: plugin.policy for plugin in self.plugins}
        self.hooks = HookCaller(self._manager, policies, strict=self._strict, on_suspend=self._on_suspend)
        self.commands = Commands(self.hooks.guard)
        for plugin in self.plugins:
            self.commands.add(plugin.name, plugin.instance, plugin.policy.rooms)
        bundled = {plugin.name for plugin in self.plugins if plugin.bundled}
        self.permissions = registrations.permissions(self.hooks, self._settings)
        self.requests = registrations.requests(self.hooks, bundled.__contains__)
        self.event_types = registrations.event_types(self.hooks)
        by_name = {plugin.name: plugin for plugin in self.plugins}
        self.routes = [(by_name[name], route) for name, route in registrations.routes(self.hooks)]
        absent = {each.name for each in found} - {plugin.name for plugin in self.plugins}
        registrations.check_events(self.hooks, self.event_types, absent)
        registrations.check_commands(self.commands, self.permissions)

    async def start(self, bind: Bind, migrate: Migrate) -> None:
        """Give each plugin its chat and database, bring its tables up to date, then start them in order.

        When one fails, those before it are stopped again. Raises PluginError.
        """
        self.hooks.start()
        for plugin in self.plugins:
            plugin.instance.chat, plugin.instance.db = bind(plugin.name)
        try:
            for plugin in self.plugins:
                if migrations := plugin.instance.migrations:
                    await _try(plugin, "its migrations", migrate, plugin.name, migrations)
            for plugin in self.plugins:
                for impl in self._own("startup", plugin):
                    await _try(plugin, "startup", impl.function)
                self._started.add(plugin.name)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the plugins, the last one first: jobs, then ``shutdown``, then nothing of it is called any more."""
        until = asyncio.get_running_loop().time() + self._timeouts.stop_plugins
        for plugin in reversed(self.plugins):
            await self._end(plugin.name, "ending its jobs", plugin.instance.cancel_tasks, until)
            for impl in self._own("shutdown", plugin) if plugin.name in self._started else ():
                await self._end(plugin.name, "shutdown", impl.function, until)
            self.hooks.drop(plugin.name)
            self._manager.unregister(name=plugin.name)
        self._started.clear()

    async def _end(self, plugin: str, what: str, function: Callable[..., Any], until: float) -> None:
        async def end() -> None:
            # The guard has logged it.
            with suppress(Reject):
                await self.hooks.guard(plugin, what, function)

        # Half of what is left: a plugin that won't end must not keep the others from it.
        seconds = (until - asyncio.get_running_loop().time()) / 2
        await wait_at_most(f"plugin {plugin} ({what})", end(), max(seconds, self._timeouts.stop_plugin_step))

    def _own(self, hook: str, plugin: Loaded) -> list[HookImpl]:
        return [impl for impl in self.hooks.impls(hook) if impl.plugin == plugin.name]

    def _choose(self, name: str, found: Sequence[Found]) -> Found:
        path = ("plugins", "enabled", name)
        chosen = [each for each in found if each.name == name]
        if not chosen:
            error = self._settings.source.error
            raise error(path, "there is no such plugin", among=sorted({each.name for each in found}))
        if len(chosen) > 1:
            places = " and ".join(each.where for each in chosen)
            raise self._settings.source.error(path, f"the plugin is there more than once: {places}")
        return chosen[0]

    def _construct(self, found: Found, config: PluginConfig) -> Loaded:
        name = found.name
        if not _NAME.fullmatch(name):
            raise PluginError("a plugin's name has small letters, digits and _", name)
        cls = plugin_class(found)
        self._check_class(name, cls)
        path = ("plugins", "enabled", name)
        try:
            own = self._settings.source.convert(dict(config.settings), cls.Settings, path)
            data_dir = self._settings.data_dir / "plugins" / name
            instance = cls(name, own, data_dir, self._instances.get, self._count_jobs(name))
        except ConfigError:
            raise
        except BaseException as error:
            raise PluginError(f"can't be made: {described(error, cls)}", name) from error
        self._instances[name] = instance
        return Loaded(name, instance, config, found.bundled, folder_of(cls))

    def _count_jobs(self, plugin: str) -> Ran:
        return lambda seconds, error: self.hooks.count_job(plugin, seconds, error)

    def _check_class(self, name: str, cls: type[Plugin]) -> None:
        settings: Any = cls.Settings
        if not (is_dataclass(settings) or isinstance(settings, msgspec.StructMeta)):
            raise PluginError("its class Settings needs the decorator @settings", name)
        if cls.on_error not in get_args(OnError):
            raise PluginError(f"on_error is 'skip' or 'reject', not {cls.on_error!r}", name)
        for needed in cls.requires:
            if needed not in self._instances:
                path = ("plugins", "enabled", name)
                message = f"the plugin needs another one, {needed!r}, enabled before it"
                raise self._settings.source.error(path, message)

    def _register(self, plugin: Loaded) -> None:
        hooks = [name for name in dir(self._manager.hook) if not name.startswith("_")]
        for attribute in dir(plugin.instance):
            options = self._manager.parse_hookimpl_opts(plugin.instance, attribute)
            if options is not None:
                hook = options["specname"] or attribute
                _check_hook(plugin.name, hook, hooks)
                _check_arguments(plugin, attribute, getattr(self._manager.hook, hook))
            elif attribute in hooks and _UNMISTAKABLE.match(attribute):
                raise PluginError(f"{attribute} is a hook, so it needs the decorator @hookimpl", plugin.name)
        try:
            self._manager.register(plugin.instance, plugin.name)
        except pluggy.PluginValidationError as error:
            raise PluginError(str(error).splitlines()[-1], plugin.name) from None


def _check_hook(plugin: str, hook: str, known: Sequence[str]) -> None:
    if hook not in known:
        near = difflib.get_close_matches(hook, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise PluginError(f"there is no hook {hook!r}{hint}", plugin)


def _check_arguments(plugin: Loaded, attribute: str, hook: pluggy.HookCaller) -> None:
    known = hook.spec.argnames if hook.spec is not None else ()
    for each in inspect.signature(getattr(plugin.instance, attribute)).parameters.values():
        asked = each.kind is each.POSITIONAL_OR_KEYWORD and each.default is each.empty
        if asked and each.name not in known:
            there = f"its arguments are: {', '.join(known)}" if known else "it has no arguments"
            raise PluginError(f"hook {hook.name}: there is no argument {each.name!r}; {there}", plugin.name)


async def _try(plugin: Loaded, what: str, function: Callable[..., Any], *args: Any) -> None:
    try:
        result = function(*args)
        if result is not None:
            await result
    except PluginError:
        raise
    except BaseException as error:
        text = described(own_failure(error), type(plugin.instance))
        raise PluginError(f"{what} failed: {text}", plugin.name) from error
