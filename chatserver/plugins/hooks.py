"""The awaiting driver: calls the plugins' hooks in order, each as its kind wants.

pluggy registers, checks and orders; it can't await. So the calls themselves are made here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pluggy

from ..model.errors import Reject
from ..model.values import Event
from .api import Transaction
from .hookspecs import KINDS
from .isolation import SLOW_SECONDS, Failure, HookImpl, Isolation, Pending, Policy, Stats, report_slow

log = logging.getLogger(__name__)

CHAIN_SECONDS = 5.0
GUARD_SECONDS = 10.0

FILTERED: Mapping[str, str | None] = MappingProxyType(
    {
        "before_post": "draft",
        "render": "draft",
        "before_edit": "draft",
        "before_upload": "upload",
        "before_delete": None,
        "before_join": None,
    }
)
"""The argument that each filter may replace; None: it can only refuse."""

_HOOKS = tuple(name for kind in KINDS for name in vars(kind) if not name.startswith("_"))
_LIFE = frozenset({"startup", "shutdown"})


class HookCaller:
    """The hooks of the plugins in ``manager``, frozen as they are now; ``policies`` has one for each plugin.

    Async calls have ``deadline`` seconds. With ``strict`` every `Failure` is kept in ``failures``, for tests.
    ``on_suspend(plugin, hook, error)`` is called, on the loop, when a plugin that keeps failing is left out.
    Raises PluginError for implementations that can't be called as their hook is.
    """

    def __init__(
        self,
        manager: pluggy.PluginManager,
        policies: Mapping[str, Policy] = MappingProxyType({}),
        *,
        strict: bool = False,
        deadline: float = CHAIN_SECONDS,
    ) -> None:
        self._impls = {name: _implementations(manager, name, policies) for name in _HOOKS}
        self._all = [impl for impls in self._impls.values() for impl in impls]
        self._isolation = Isolation(self._suspend, strict)
        self._deadline = deadline
        self._loop: asyncio.AbstractEventLoop | None = None
        self.on_suspend: Callable[[str, str, Exception], None] = lambda plugin, hook, error: None

    @property
    def failures(self) -> list[Failure]:
        """What failed, when strict."""
        return self._isolation.failures

    def start(self) -> None:
        """Remember the running loop: failures on the writer's thread are counted there."""
        self._loop = asyncio.get_running_loop()

    def has(self, name: str) -> bool:
        """Whether any plugin implements the hook. Raises KeyError when there is no such hook."""
        return bool(self._impls[name])

    def impls(self, name: str) -> tuple[HookImpl, ...]:
        """Who implements the hook, in the order of calls."""
        return self._impls[name]

    def stats(self) -> dict[tuple[str, str], Stats]:
        """The counters of each (plugin, hook)."""
        return {(impl.plugin, impl.hook): impl.stats for impl in self._all}

    def filter(self, name: str, value: Any, **args: Any) -> Any:
        """``value`` as the plugins leave it, or an awaitable of it once one of them is async.

        For ``render`` the value is the draft, and what they return goes into its ``html``. Raises `Reject`, here or
        when awaited, with the name of the plugin that refuses.
        """
        key = FILTERED[name]
        if key is not None:
            args[key] = value
        return self._filter(self._impls[name], value, args)

    def _filter(self, impls: Sequence[HookImpl], value: Any, args: dict[str, Any]) -> Any:
        for index, impl in enumerate(impls):
            if impl.works_in(args):
                answer = self._isolation.call(impl, args)
                if isinstance(answer, Pending):
                    return self._filter_later(impls[index:], answer, value, args)
                value = _replaced(impl, value, answer, args)
        return value

    async def _filter_later(
        self, impls: Sequence[HookImpl], pending: Pending, value: Any, args: dict[str, Any]
    ) -> Any:
        """The rest of a chain, from the implementation on whose answer is pending."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._deadline
        answer: Any = pending
        for index, impl in enumerate(impls):
            if index:
                if not impl.works_in(args):
                    continue
                answer = self._isolation.call(impl, args)
            if isinstance(answer, Pending):
                answer = await self._isolation.wait(impl, answer, deadline)
                if now() >= deadline:
                    # Who overran it is to blame; the next must neither be blamed for it nor left out.
                    deadline = now() + self._deadline
            value = _replaced(impl, value, answer, args)
        return value

    async def notify(self, name: str, **args: Any) -> None:
        """Tell every plugin, one after the other. Raises nothing."""
        for impl in self._impls[name]:
            if impl.works_in(args):
                await self._ask(impl, args)

    async def first(self, name: str, **args: Any) -> Any:
        """The first answer that is not None, or None. Raises `Reject` where a plugin refuses."""
        for impl in self._impls[name]:
            if impl.works_in(args):
                answer = await self._ask(impl, args)
                if answer is not None:
                    return answer
        return None

    async def veto(self, name: str, **args: Any) -> bool:
        """False once a plugin says False, refuses, or fails with ``on_error: reject``."""
        for impl in self._impls[name]:
            try:
                if impl.works_in(args) and await self._ask(impl, args) is False:
                    return False
            except Reject:
                return False
        return True

    def collect(self, name: str, **args: Any) -> list[tuple[str, Any]]:
        """The answers that are not None, each with its plugin's name. For hooks that are never async."""
        answers = [
            (impl.plugin, self._isolation.call(impl, args))
            for impl in self._impls[name]
            if impl.works_in(args)
        ]
        return [(plugin, answer) for plugin, answer in answers if answer is not None]

    async def health(self) -> dict[str, str]:
        """What is wrong, by plugin; a check that fails is wrong, too."""
        wrong = {}
        for impl in self._impls["health"]:
            try:
                answer = await self.guard(impl.plugin, impl.hook, impl.function)
            except Reject as refusal:
                answer = refusal.message
            if answer is not None:
                wrong[impl.plugin] = str(answer)
        return wrong

    async def guard(self, plugin: str, what: str, function: Callable[..., Any], *args: Any) -> Any:
        """What a plugin's command or handler returns for ``args``, plain or async, within 10 seconds.

        Raises `Reject`: the plugin's own, or ``plugin_failed`` for whatever else goes wrong, with one line logged.
        """
        return await self._isolation.guard(plugin, what, GUARD_SECONDS, lambda: function(*args))

    @property
    def in_commit(self) -> tuple[InCommit, ...]:
        """Who writes along with events. To be read for each transaction: a suspended plugin is not in it."""
        return tuple(InCommit(impl, self._failed_in_commit) for impl in self._impls["in_commit"])

    def drop(self, plugin: str) -> None:
        """Call a plugin no more, for anything."""
        self._drop(plugin, frozenset())

    async def _ask(self, impl: HookImpl, args: dict[str, Any]) -> Any:
        answer = self._isolation.call(impl, args)
        if isinstance(answer, Pending):
            deadline = asyncio.get_running_loop().time() + self._deadline
            answer = await self._isolation.wait(impl, answer, deadline)
        return answer

    def _failed_in_commit(self, impl: HookImpl, error: Exception) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._isolation.count_failure, impl, error)

    def _suspend(self, plugin: str, hook: str, error: Exception) -> None:
        self._drop(plugin, _LIFE)
        log.error("plugin %s keeps failing, the last time in %s: its hooks are called no more", plugin, hook)
        self.on_suspend(plugin, hook, error)

    def _drop(self, plugin: str, kept: frozenset[str]) -> None:
        for name, impls in self._impls.items():
            if name not in kept:
                # A new tuple, so that chains that are running finish as they began.
                self._impls[name] = tuple(impl for impl in impls if impl.plugin != plugin)


class InCommit:
    """One plugin's part in a transaction, for the writer's thread. The writer undoes its rows when it fails."""

    def __init__(self, impl: HookImpl, failed: Callable[[HookImpl, Exception], None]) -> None:
        self.plugin = impl.plugin
        self.on_error = impl.on_error
        self._impl = impl
        self._failed = failed

    def call(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Let the plugin write along with those ``events`` that are in its rooms. Raises what the plugin raises."""
        impl = self._impl
        if impl.rooms is not None:
            events = [event for event in events if event.room in impl.rooms]
        if not events:
            return
        args = {"tx": tx, "events": events}
        started = time.perf_counter()
        try:
            impl.function(**{name: args[name] for name in impl.names})
        except Exception as error:
            impl.stats.failures += 1
            self._failed(impl, error)
            raise
        finally:
            seconds = time.perf_counter() - started
            impl.stats.calls += 1
            impl.stats.seconds += seconds
            if seconds > SLOW_SECONDS:
                report_slow(impl, seconds)


def _implementations(
    manager: pluggy.PluginManager, name: str, policies: Mapping[str, Policy]
) -> tuple[HookImpl, ...]:
    caller = getattr(manager.hook, name)
    arguments = caller.spec.argnames
    # pluggy calls the last registered first.
    found = reversed(caller.get_hookimpls())
    return tuple(HookImpl(impl, name, policies.get(impl.plugin_name, Policy()), arguments) for impl in found)


def _replaced(impl: HookImpl, value: Any, answer: Any, args: dict[str, Any]) -> Any:
    """The filtered value after an answer, which the next implementation gets."""
    key = FILTERED[impl.hook]
    if answer is None or key is None:
        return value
    args[key] = value.replace(html=answer) if impl.hook == "render" else answer
    return args[key]
