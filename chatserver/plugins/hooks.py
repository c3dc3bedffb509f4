"""The hook caller: calls the plugins' hooks in order, plain and async ones, each as its kind wants.

pluggy registers, checks and orders; it can't await. So the calls themselves are made here.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from time import perf_counter
from types import MappingProxyType
from typing import Any

import msgspec
import pluggy

from ..model.errors import Reject
from ..model.values import User
from .chains import Chain, count
from .failures import encoded
from .hookspecs import KINDS
from .implementation import HookImpl, Policy
from .in_commit import InCommit
from .isolation import Isolation, Record

log = logging.getLogger(__name__)

CHAIN_SECONDS = 5.0
GUARD_SECONDS = 10.0

_HOOKS = tuple(name for kind in KINDS for name in vars(kind) if not name.startswith("_"))
_LIFE = frozenset({"startup", "shutdown"})

OnSuspend = Callable[[str, str, BaseException], None]
"""Is told of a plugin that is left out: its name, the hook, and the error."""


def ignore_suspension(plugin: str, hook: str, error: BaseException) -> None:
    """The default: no one is told besides the log."""


class HookCaller:
    """The hooks of the plugins in ``manager``, compiled as they are now; ``policies`` has one for each plugin.

    Arguments are given by position, in the order of the hook's specification. Async calls have ``deadline`` seconds.
    Calls and failures are counted in ``record``. ``on_suspend(plugin, hook, error)`` is called,
    on the loop, when a plugin that keeps failing is left out.
    Raises PluginError for implementations that can't be called as their hook is.
    """

    def __init__(
        self,
        manager: pluggy.PluginManager,
        policies: Mapping[str, Policy] = MappingProxyType({}),
        *,
        record: Record | None = None,
        deadline: float = CHAIN_SECONDS,
        on_suspend: OnSuspend = ignore_suspension,
    ) -> None:
        self.record = Record() if record is None else record
        impls = {name: _implementations(manager, name, policies, self.record) for name in _HOOKS}
        isolation = self._isolation = Isolation(self._suspend, manager.get_plugin, self.record)
        self._chains = {name: Chain(name, each, isolation, deadline) for name, each in impls.items()}
        self._in_commit = tuple(InCommit(impl, self._failed_in_commit) for impl in impls["in_commit"])
        self._wanted: dict[str, bool] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_suspend = on_suspend

    def start(self) -> None:
        """Remember the running loop: failures on the writer's thread are counted there."""
        self._loop = asyncio.get_running_loop()

    def has(self, name: str) -> bool:
        """Whether any plugin implements the hook. Raises KeyError when there is no such hook."""
        return bool(self._chains[name].calls)

    def wants(self, event_type: str) -> bool:
        """Whether any ``after_event`` wants events of this type."""
        wanted = self._wanted.get(event_type)
        if wanted is None:
            impls = self.impls("after_event")
            wanted = any(impl.events is None or event_type in impl.events for impl in impls)
            self._wanted[event_type] = wanted
        return wanted

    def impls(self, name: str) -> list[HookImpl]:
        """The implementations of the hook, in the order of calls."""
        return [impl for _, _, impl in self._chains[name].calls]

    # Chains

    def filter(self, name: str, *args: Any) -> Any:
        """The last argument as the plugins leave it, or an awaitable of it once one of them is async.

        For ``render`` that is the draft, and what they return goes into its ``html``; None where a hook can only
        refuse. Raises `Reject`, here or when awaited, with the name of the plugin that refuses.
        """
        return self._chains[name].run(args)

    def notify(self, name: str, *args: Any) -> Awaitable[None] | None:
        """Tell every plugin, one after the other. What is returned has to be awaited. Raises nothing."""
        waiting: Awaitable[None] | None = self._chains[name].run(args)
        return waiting

    async def first(self, name: str, *args: Any) -> Any:
        """The first answer that is not None, or None. Raises `Reject` where a plugin refuses."""
        answer = self._chains[name].run(args)
        return await answer if inspect.iscoroutine(answer) else answer

    async def veto(self, name: str, *args: Any) -> bool:
        """False once a plugin says False, refuses, or fails with ``on_error: reject``."""
        try:
            return await self.first(name, *args) is not False
        except Reject:
            return False

    # Single calls

    def client_settings(self, user: User) -> dict[str, msgspec.Raw]:
        """What each plugin tells the browser of ``user``, as JSON. What can't be encoded is its plugin's failure."""
        answers = {}
        for call, _, impl in self._chains["client_settings"].calls:
            started = perf_counter()
            try:
                answer = call(user)
                if inspect.iscoroutine(answer):
                    answer.close()
                    raise TypeError("may not be async")
                if answer is not None:
                    if not isinstance(answer, Mapping):
                        raise impl.wrong(answer)
                    answers[impl.plugin] = encoded(answer)
            except BaseException as error:
                self._isolation.hook_failed(impl, error)
            count(impl, started)
        return answers

    async def health(self) -> dict[str, str]:
        """The failed health checks: the plugins' texts by plugin; a check that raises counts as failed."""
        wrong = {}
        for impl in self.impls("health"):
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

    def failed(self, plugin: str, what: str, error: BaseException) -> Reject:
        """Log and count a failure that was caught elsewhere. Returns the refusal that it means."""
        return self._isolation.failed(plugin, what, error)

    def calling(self, plugin: str, what: str) -> AbstractContextManager[None]:
        """Count a call that is made elsewhere, for as long as it takes."""
        return self._isolation.calling(plugin, what)

    async def finished(self) -> None:
        """Wait until no call is under way."""
        await self._isolation.finished()

    # The transaction

    @property
    def in_commit(self) -> tuple[InCommit, ...]:
        """What is written along with events. To be read for each transaction: a suspended plugin is not in it."""
        return self._in_commit

    def _failed_in_commit(self, impl: HookImpl, error: BaseException) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._isolation.report_hook, impl, error)

    # The end of a plugin

    def drop(self, plugin: str) -> None:
        """Call a plugin no more, for anything."""
        self._drop(plugin, frozenset())

    def _suspend(self, plugin: str, hook: str, error: BaseException) -> None:
        self._drop(plugin, _LIFE)
        log.error("plugin %s keeps failing, the last time in %s: its hooks are called no more", plugin, hook)
        self._on_suspend(plugin, hook, error)

    def _drop(self, plugin: str, kept: frozenset[str]) -> None:
        for name, chain in self._chains.items():
            if name not in kept:
                chain.drop(plugin)
        self._in_commit = tuple(each for each in self._in_commit if each.plugin != plugin)
        self._wanted.clear()


def _implementations(
    manager: pluggy.PluginManager, name: str, policies: Mapping[str, Policy], record: Record
) -> tuple[HookImpl, ...]:
    caller = getattr(manager.hook, name)
    arguments = caller.spec.argnames
    # pluggy calls the last registered first.
    found = reversed(caller.get_hookimpls())
    return tuple(
        HookImpl(
            impl, name, policies.get(impl.plugin_name, Policy()), arguments, record.of(impl.plugin_name, name)
        )
        for impl in found
    )
