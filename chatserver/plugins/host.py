"""The plugin host: the set of plugins in use, its start and stop, and the change to another set while people chat."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from ..config import Settings
from ..model.errors import PluginError, Reject
from ..model.tuning import Timeouts
from ..model.values import Room, User
from .base import Migration, Plugin, Ran
from .building import Builder
from .deadline import TookTooLong, Waiting, wait_at_most
from .discovery import Found, find
from .failures import Failure, described, own_failure
from .hooks import Tell, tell_no_one
from .implementation import HookImpl, Stats
from .isolation import Record
from .plugin_set import Loaded, PluginSet

Bind = Callable[[Plugin], Awaitable[None]]
Migrate = Callable[[str, Sequence[Migration]], Awaitable[None]]
Written = Callable[[], Awaitable[Any]]


class PluginHost:
    """The plugins that ``settings`` enable. With ``strict`` all failures are kept, for tests.

    `load` checks and constructs; `start` and `stop` are the plugins' life; `build` and `swap` replace them. All that
    is asked of plugins goes through ``current``, read anew for each call. ``tell`` tells admins what they
    should know.
    """

    current: PluginSet

    def __init__(
        self,
        settings: Settings,
        *,
        strict: bool = False,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        tell: Tell = tell_no_one,
    ) -> None:
        self._settings = settings
        self._timeouts = timeouts
        self.tell = tell
        self._record = Record(strict)
        self._waiting = Waiting(timeouts.cancelled)
        self._bind: Bind | None = None
        self.changed: Callable[[], None] = lambda: None
        """Is called when another set is in use."""
        self._started: set[Plugin] = set()
        self._changing: tuple[Sequence[Loaded], PluginSet] | None = None
        """While the set is changed: the plugins that come or go, and their set."""
        self._sets: tuple[PluginSet, ...] = ()
        """The current set; while it is changed, the new one and the old one."""

    @property
    def failures(self) -> list[Failure]:
        """What failed, when strict."""
        return self._record.failures

    @property
    def stats(self) -> dict[tuple[str, str], Stats]:
        """The counters of each (plugin, hook), and of each command, request, route and job that was called."""
        return self._record.stats

    def found(self) -> list[Found]:
        """Every plugin that could be enabled, without importing it."""
        return find(self._settings.plugins.dirs)

    async def check_text(self, user: User | None, kind: str, text: str, room: Room | None = None) -> None:
        """Ask the plugins about a text that others are to see (hook ``before_text``). Raises `Reject`."""
        hooks = self.current.hooks
        if text and hooks.has("before_text"):
            allowed = hooks.filter("before_text", user, kind, text, room)
            if inspect.isawaitable(allowed):
                await allowed

    def load(self, off: Sequence[str] | None = None) -> None:
        """Make what the settings enable the current set, with those switched off that the settings say, or ``off``.

        Raises PluginError and ConfigError; nothing runs yet.
        """
        if off is not None:
            self._settings = msgspec.structs.replace(self._settings, off=tuple(off))
        self._replace(self.build(self._settings))

    def build(self, settings: Settings) -> PluginSet:
        """Import, check and construct what ``settings`` enable, without starting it.

        Plugins whose class and settings are those of now are taken over. Raises PluginError and ConfigError.
        """
        return self._builder(settings).build()

    async def build_beside(self, settings: Settings) -> PluginSet:
        """The same while people chat: the loop has its turns meanwhile."""
        return await self._builder(settings).build_beside()

    def _builder(self, settings: Settings) -> Builder:
        old = self.current if self._started else None
        return Builder(settings, self._record, self._ran, self._timeouts, self.tell, old)

    def overview(self) -> list[dict[str, Any]]:
        """Each enabled plugin, in order: its name, whether it is on, its suspended parts, and what is counted of it."""
        return [
            *(self._line(plugin.name, True) for plugin in self.current.plugins),
            *(self._line(name, False) for name in self.current.off),
        ]

    def _line(self, name: str, on: bool) -> dict[str, Any]:
        counted = [stats for (plugin, _), stats in self.stats.items() if plugin == name]
        return {
            "name": name,
            "on": on,
            "suspended": self.current.hooks.suspended(name),
            "calls": sum(each.calls for each in counted),
            "failures": sum(each.failures for each in counted),
            "seconds": sum(each.seconds for each in counted),
        }

    def why(self, message_id: str | None = None, room: str | None = None) -> str:
        """What each plugin did with a message, see `Tracer.why`. Raises `Reject` ``invalid`` where nothing is kept."""
        tracer = self.current.hooks.tracer
        if tracer is None:
            text = "Nothing is kept: say in the settings of how many messages, as plugins.trace, and reload."
            raise Reject(text, "invalid")
        return tracer.why(message_id, room)

    def registered(self, event_type: str) -> bool:
        """Whether a plugin registered this type of durable events; one that starts or stops counts, too."""
        return any(event_type in each.event_types for each in self._sets)

    def rooms_of(self, plugin: str) -> frozenset[str] | None:
        """The only rooms that the settings let a plugin work in; None: all."""
        found = (each for each in self._sets if each.peer(plugin) is not None)
        its = next(found, None)
        return None if its is None else its.rooms_of(plugin)

    # Life

    async def start(self, bind: Bind, migrate: Migrate) -> None:
        """Give each plugin what it works with (``bind``), bring its tables up to date, then start them in order.

        When one fails, those before it are stopped again. Raises PluginError.
        """
        self._bind, self._migrate = bind, migrate
        try:
            await self._begin(self.current, self.current.plugins)
        except BaseException:
            await self.stop()
            raise

    async def swap(self, new: PluginSet, written: Written, replaced: Written) -> None:
        """Make ``new`` the current set, and stop those plugins of the old one that aren't in it.

        New instances start before the change, and old ones stop after it, once calls under way are finished and
        ``written()`` has seen a transaction end; ``replaced()`` is awaited in between. When a start fails, the old
        set goes on. Raises PluginError.
        """
        old = self.current
        coming = [plugin for plugin in new.plugins if plugin not in old]
        going = [plugin for plugin in old.plugins if plugin not in new]
        self._changing, self._sets = (coming, new), (new, old)
        try:
            await self._begin(new, coming)
        except BaseException:
            await self._end(coming, new)
            self._changing, self._sets = None, (old,)
            raise
        self._replace(new)
        self._sets = new, old
        self._changing = going, old
        await replaced()
        await wait_at_most(
            "calls of plugins that were replaced", _finished(old, written), self._timeouts.reload
        )
        await self._end(going, old)
        self._changing, self._sets = None, (new,)

    async def stop(self) -> None:
        """Stop the plugins, the last one first: jobs, then ``shutdown``, then nothing of it is called any more."""
        await self._end(self.current.plugins, self.current)
        if self._changing is not None:
            # A change was interrupted.
            await self._end(*self._changing)
            self._changing = None

    def _replace(self, new: PluginSet) -> None:
        for plugin in new.plugins:
            plugin.instance._peers = new.peer
        self.current = new
        self._sets = (new,)
        self.changed()

    async def _begin(self, plugins: PluginSet, wanted: Sequence[Loaded]) -> None:
        assert self._bind is not None, "start comes first"
        plugins.hooks.start()
        for plugin in wanted:
            await self._try(plugin, "its start", self._timeouts.startup, self._bind, plugin.instance)
        for plugin in wanted:
            if migrations := plugin.instance.migrations:
                seconds = self._timeouts.migrations
                await self._try(plugin, "its migrations", seconds, self._migrate, plugin.name, migrations)
        for plugin in wanted:
            for impl in _own("startup", plugin, plugins):
                await self._try(plugin, "startup", self._timeouts.startup, impl.function)
            self._started.add(plugin.instance)

    async def _try(
        self, plugin: Loaded, what: str, seconds: float, function: Callable[..., Any], *args: Any
    ) -> None:
        """Raises PluginError with the cause, or when it takes longer."""
        try:
            result = function(*args)
            if inspect.isawaitable(result):
                await self._waiting.patiently(seconds, f"plugin {plugin.name} ({what})", result)
            elif result is not None:
                raise TypeError(f"returned {type(result).__name__}, not None")
        except PluginError:
            raise
        except TookTooLong as error:
            raise PluginError(f"{what} took longer than {seconds:g} seconds", plugin.name) from error
        except BaseException as error:
            text = described(own_failure(error), type(plugin.instance))
            raise PluginError(f"{what} failed: {text}", plugin.name) from error

    async def _end(self, wanted: Iterable[Loaded], plugins: PluginSet) -> None:
        """Stop the plugins ``wanted``, whose hooks are in the set ``plugins``."""
        until = asyncio.get_running_loop().time() + self._timeouts.stop_plugins
        for plugin in reversed(list(wanted)):
            steps = [("ending its jobs", plugin.instance.cancel_tasks)]
            if plugin.instance in self._started:
                steps += [("shutdown", impl.function) for impl in _own("shutdown", plugin, plugins)]
                steps += [("storing what it keeps", plugin.instance._close)]
            for what, function in steps:
                # Half of what is left: a plugin that won't end must not keep the others from it.
                seconds = (until - asyncio.get_running_loop().time()) / 2
                ending = _end_step(plugin, plugins, what, function)
                await wait_at_most(
                    f"plugin {plugin.name} ({what})", ending, max(seconds, self._timeouts.stop_plugin_step)
                )
            plugins.hooks.drop(plugin.name)
            self._started.discard(plugin.instance)

    def _ran(self, plugin: str) -> Ran:
        def ran(seconds: float, error: BaseException | None, again: str | None) -> bool:
            self._record.job(plugin, seconds, error)
            if again is None:
                return False
            if error is None:
                self.current.hooks.worked(plugin, again)
                return False
            return self.current.hooks.job_failed(plugin, again, error)

        return ran


def _own(hook: str, plugin: Loaded, plugins: PluginSet) -> list[HookImpl]:
    return [impl for impl in plugins.hooks.impls(hook) if impl.plugin == plugin.name]


async def _finished(old: PluginSet, written: Written) -> None:
    await old.hooks.finished()
    await written()


async def _end_step(plugin: Loaded, plugins: PluginSet, what: str, function: Callable[..., Any]) -> None:
    # The guard has logged it.
    with suppress(Reject):
        await plugins.hooks.guard(plugin.name, what, function)
