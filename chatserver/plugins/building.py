"""From settings to a set of plugins: import, check, construct, register. Nothing of it runs yet."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, get_args

import msgspec
import pluggy

from ..config import PluginConfig, Settings
from ..model.errors import ConfigError, PluginError
from ..model.tuning import Timeouts
from . import registrations
from .base import Plugin, Ran
from .commands import Commands
from .discovery import Found, find, folder_of, plugin_class
from .failures import described
from .hears import add_hearing
from .hooks import HookCaller, Tell
from .hookspecs import KINDS, PROJECT
from .implementation import OnError
from .isolation import Record
from .plugin_set import Loaded, PluginSet
from .texts import Texts

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_UNMISTAKABLE = re.compile(r"(before|after|register)_|(startup|shutdown|in_commit)$")
"""Names that a method has only when it is meant as a hook."""


class Builder:
    """Builds one `PluginSet`. What is unchanged since the set ``old`` is taken over from it, running as it is.

    ``record`` takes failures and counts; ``ran(plugin)`` is what counts a plugin's jobs.
    """

    def __init__(
        self,
        settings: Settings,
        record: Record,
        ran: Callable[[str], Ran],
        timeouts: Timeouts,
        tell: Tell,
        old: PluginSet | None,
    ) -> None:
        self._settings = settings
        self._record = record
        self._ran = ran
        self._timeouts = timeouts
        self._tell = tell
        self._suspended = old.hooks.suspended if old is not None else (lambda plugin: {})
        self._old = {plugin.name: plugin for plugin in old.plugins} if old is not None else {}
        self._manager = pluggy.PluginManager(PROJECT)
        for kind in KINDS:
            self._manager.add_hookspecs(kind)
        self._loaded: dict[str, Loaded] = {}

    def build(self) -> PluginSet:
        """The set that the settings describe. Raises PluginError and ConfigError."""
        found = find(self._settings.plugins.dirs)
        for name, config in self._settings.plugins.enabled.items():
            if name in self._settings.off:
                continue
            self._loaded[name] = self._load(self._choose(name, found), config)
        plugins = tuple(self._loaded.values())
        # pluggy calls the last registered first, and the settings' order is to be the order of calls.
        for plugin in reversed(plugins):
            self._register(plugin)
        policies = {plugin.name: plugin.policy for plugin in plugins}
        hooks = HookCaller(
            self._manager, policies, record=self._record, timeouts=self._timeouts, tell=self._tell
        )
        commands = Commands(hooks.guard)
        for plugin in plugins:
            commands.add(plugin.name, plugin.instance, plugin.policy.rooms)
        permissions = registrations.permissions(hooks, self._settings)
        event_types = registrations.event_types(hooks)
        registrations.check_events(hooks, event_types, {each.name for each in found} - set(self._loaded))
        registrations.check_commands(commands, permissions)
        return PluginSet(
            plugins=plugins,
            hooks=hooks,
            commands=commands,
            permissions=permissions,
            requests=registrations.requests(hooks, lambda name: self._loaded[name].bundled),
            event_types=event_types,
            off=tuple(name for name in self._settings.plugins.enabled if name in self._settings.off),
            routes=tuple((self._loaded[name], route) for name, route in registrations.routes(hooks)),
        )

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

    def _load(self, found: Found, config: PluginConfig) -> Loaded:
        name = found.name
        if not _NAME.fullmatch(name):
            raise PluginError("a plugin's name has small letters, digits and _", name)
        cls = plugin_class(found)
        self._check_class(name, cls)
        path = ("plugins", "enabled", name)
        try:
            own = self._settings.source.convert(dict(config.settings), cls.Settings, path)
            old = self._old.get(name)
            if old is not None and self._unchanged(old, cls, own):
                return replace(old, config=config)
            data_dir = self._settings.data_dir / "plugins" / name
            instance = cls(name, own, data_dir, self._peer, self._ran(name))
        except ConfigError:
            raise
        except BaseException as error:
            raise PluginError(f"can't be made: {described(error, cls)}", name) from error
        folder = folder_of(cls)
        texts = Texts.load(name, folder / "i18n" if folder is not None else None)
        return Loaded(name, instance, config, found.bundled, folder, texts)

    def _unchanged(self, old: Loaded, cls: type[Plugin], settings: object) -> bool:
        """Whether it goes on as it is, as those do that it requires."""
        same = type(old.instance) is cls and old.instance.settings == settings
        # One that is suspended in part begins anew.
        same = same and not self._suspended(old.name)
        return same and all(self._loaded[name].instance is self._old[name].instance for name in cls.requires)

    def _peer(self, name: str) -> Plugin | None:
        loaded = self._loaded.get(name)
        return loaded.instance if loaded is not None else None

    def _check_class(self, name: str, cls: type[Plugin]) -> None:
        settings: Any = cls.Settings
        if not (is_dataclass(settings) or isinstance(settings, msgspec.StructMeta)):
            raise PluginError("its class Settings needs the decorator @settings", name)
        if cls.on_error not in get_args(OnError):
            raise PluginError(f"on_error is 'skip' or 'reject', not {cls.on_error!r}", name)
        for needed in cls.requires:
            if needed not in self._loaded:
                path = ("plugins", "enabled", name)
                off = " (which /plugins has switched off)" if needed in self._settings.off else ""
                message = f"the plugin needs another one, {needed!r}, enabled before it{off}"
                raise self._settings.source.error(path, message)

    def _register(self, plugin: Loaded) -> None:
        add_hearing(plugin.instance)
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
