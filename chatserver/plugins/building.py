"""From settings to a set of plugins: import, check, construct, register. Nothing of it runs yet."""

from __future__ import annotations

import asyncio
import difflib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, get_args

import msgspec
import pluggy

from ..config import PluginConfig, Settings
from ..model.errors import ConfigError, PluginError
from ..model.plugin_names import check_name
from ..model.tuning import Timeouts
from .base import Plugin, Ran
from .commands import Commands
from .database import DIALECTS
from .discovery import Found, find, folder_of, plugin_class
from .failures import described
from .hears import add_hearing
from .hooks import HookCaller, Tell
from .hookspecs import KINDS, PROJECT
from .implementation import OnError
from .isolation import Record
from .plugin_set import Loaded, PluginSet
from .problems import Problems, mistake
from .registrations import Registrations
from .texts import Texts
from .tracing import Tracer

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
        self._tracer = _tracer(settings.plugins.trace, old)
        self._old = {plugin.name: plugin for plugin in old.plugins} if old is not None else {}
        self._manager = pluggy.PluginManager(PROJECT)
        for kind in KINDS:
            self._manager.add_hookspecs(kind)
        self._loaded: dict[str, Loaded] = {}
        self._failed: set[str] = set()
        """The plugins that could not be made, or whose hooks could not be read."""
        self._there: set[str] = set()
        """All plugins that could be enabled."""
        self._problems = Problems()

    def build(self) -> PluginSet:
        """The set that the settings describe. Raises PluginError and ConfigError; PluginErrors for more than one
        mistake."""
        for _ in self._load_all():
            pass
        return self._assembled()

    async def build_beside(self) -> PluginSet:
        """The same, with turns of the loop for all else in between."""
        for _ in self._load_all():
            await asyncio.sleep(0)
        return self._assembled()

    def _load_all(self) -> Iterator[None]:
        """Load one plugin after the other, then register them."""
        problems = self._problems
        found = find(self._settings.plugins.dirs)
        self._there = {each.name for each in found}
        yield
        for name, config in self._settings.plugins.enabled.items():
            if name in self._settings.off:
                continue
            self._failed.add(name)
            with problems.noted():
                self._loaded[name] = self._load(self._choose(name, found), config)
                self._failed.discard(name)
            yield
        # pluggy calls the last registered first, and the settings' order is to be the order of calls.
        for plugin in reversed(self._loaded.values()):
            self._register(plugin)
            yield

    def _assembled(self) -> PluginSet:
        """All that the plugins register, as one set."""
        problems, plugins = self._problems, tuple(self._loaded.values())
        policies = {plugin.name: plugin.policy for plugin in plugins}
        hooks = HookCaller(
            self._manager,
            policies,
            record=self._record,
            timeouts=self._timeouts,
            tell=self._tell,
            problems=problems,
            content_chars=self._settings.limits.content_chars,
            tracer=self._tracer,
        )
        commands = Commands(hooks.guard)
        for plugin in plugins:
            commands.add(plugin.name, plugin.instance, plugin.policy.rooms, problems)
        read = Registrations(hooks, problems)
        permissions = read.permissions(self._settings, self._failed)
        event_types = read.event_types()
        read.check_events(event_types, self._failed | self._there - set(self._loaded))
        read.check_commands(commands, permissions)

        def bundled(name: str) -> bool:
            return self._loaded[name].bundled

        requests = read.requests(bundled)
        routes = tuple((self._loaded[name], route) for name, route in read.routes(bundled))
        problems.raise_any()
        off = tuple(name for name in self._settings.plugins.enabled if name in self._settings.off)
        return PluginSet(plugins, hooks, commands, permissions, requests, event_types, off, routes)

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
        check_name(name)
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
        return same and all(self._is_taken_over(name) for name in cls.requires)

    def _is_taken_over(self, name: str) -> bool:
        loaded, old = self._loaded.get(name), self._old.get(name)
        return loaded is not None and old is not None and loaded.instance is old.instance

    def _peer(self, name: str) -> Plugin | None:
        loaded = self._loaded.get(name)
        return loaded.instance if loaded is not None else None

    def _check_class(self, name: str, cls: type[Plugin]) -> None:
        settings: Any = cls.Settings
        if not (is_dataclass(settings) or isinstance(settings, msgspec.StructMeta)):
            raise PluginError("its class Settings needs the decorator @settings", name)
        if cls.on_error not in get_args(OnError):
            raise PluginError(f"on_error is 'skip' or 'reject', not {cls.on_error!r}", name)
        _check_migrations(name, cls.migrations)
        for needed in _names(name, "requires", cls.requires):
            if needed not in self._loaded and needed not in self._failed:
                path = ("plugins", "enabled", name)
                off = " (which /plugins has switched off)" if needed in self._settings.off else ""
                message = f"the plugin needs another one, {needed!r}, enabled before it{off}"
                raise self._settings.source.error(path, message)

    def _register(self, plugin: Loaded) -> None:
        """Give a plugin's hooks to pluggy, unless one of them is wrong."""
        before = len(self._problems.found)
        with self._problems.noted():
            add_hearing(plugin.instance)
        hooks = [name for name in dir(self._manager.hook) if not name.startswith("_")]
        for attribute in dir(plugin.instance):
            if attribute.startswith("__"):
                continue
            with self._problems.noted():
                self._check_method(plugin, attribute, hooks)
        if len(self._problems.found) > before:
            self._failed.add(plugin.name)
            return
        with self._problems.noted():
            try:
                self._manager.register(plugin.instance, plugin.name)
            except pluggy.PluginValidationError as error:
                raise PluginError(str(error).splitlines()[-1], plugin.name) from None

    def _check_method(self, plugin: Loaded, attribute: str, hooks: Sequence[str]) -> None:
        options = self._manager.parse_hookimpl_opts(plugin.instance, attribute)
        if options is not None:
            hook = options["specname"] or attribute
            method = getattr(plugin.instance, attribute)
            if hook not in hooks:
                near = difflib.get_close_matches(hook, hooks, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise mistake(plugin.name, f"there is no hook {hook!r}{hint}", method)
            _check_arguments(plugin, method, getattr(self._manager.hook, hook))
        elif attribute in hooks and _UNMISTAKABLE.match(attribute):
            text = f"{attribute} is a hook, so it needs the decorator @hookimpl"
            raise mistake(plugin.name, text, getattr(plugin.instance, attribute))


def _tracer(most: int, old: PluginSet | None) -> Tracer | None:
    """The tracer of before, if it keeps as many messages."""
    before = old.hooks.tracer if old is not None else None
    if before is not None and before.most == most:
        return before
    return Tracer(most) if most else None


def _check_arguments(plugin: Loaded, method: Callable[..., Any], hook: pluggy.HookCaller) -> None:
    known = hook.spec.argnames if hook.spec is not None else ()
    for each in inspect.signature(method).parameters.values():
        asked = each.kind is each.POSITIONAL_OR_KEYWORD and each.default is each.empty
        if asked and each.name not in known:
            there = f"its arguments are: {', '.join(known)}" if known else "it has no arguments"
            text = f"hook {hook.name}: there is no argument {each.name!r}; {there}"
            raise mistake(plugin.name, text, method)


def _names(plugin: str, what: str, value: object) -> tuple[str, ...]:
    if isinstance(value, tuple | list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise PluginError(f'{what} is a tuple of names, such as ("files",), not {value!r:.100}', plugin)


def _check_migrations(plugin: str, value: object) -> None:
    if not isinstance(value, tuple | list):
        text = f'migrations is a tuple, such as ("CREATE TABLE {plugin}_x (…)",), not {type(value).__name__}'
        raise PluginError(text, plugin)
    for number, each in enumerate(value, 1):
        if inspect.iscoroutinefunction(each):
            raise mistake(plugin, f"migration {number}: may not be async: write def", each)
        if isinstance(each, Mapping):
            texts = all(isinstance(sql, str) for sql in each.values())
            if each.keys() != DIALECTS or not texts:
                told = f"has SQL for each of {' and '.join(sorted(DIALECTS))}, not {each!r:.100}"
                raise PluginError(f"migration {number} {told}", plugin)
        elif not isinstance(each, str) and not callable(each):
            raise PluginError(f"migration {number} is SQL or a function, not {each!r:.100}", plugin)
