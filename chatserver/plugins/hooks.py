"""The hook caller: calls the plugins' hooks in order, plain and async ones, each as its kind wants.

pluggy registers, checks and orders; it can't await. So the calls themselves are made here.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import Any

import msgspec
import pluggy

from ..model.errors import Reject
from ..model.tuning import Timeouts
from ..model.values import User
from .answers import REPLY_BYTES, SETTINGS_BYTES, TEXT_CHARS, encoded, text
from .chains import Chain, count
from .hookspecs import KINDS, Notify
from .implementation import HookImpl, Policy
from .in_commit import InCommit
from .isolation import HOOKS, Isolation, Record
from .problems import Problems
from .tracing import TRACED, Tracer

log = logging.getLogger(__name__)

_HOOKS = tuple(name for kind in KINDS for name in vars(kind) if not name.startswith("_"))
_AFTER = tuple(name for name in vars(Notify) if not name.startswith("_"))
_LIFE = frozenset({"startup", "shutdown"})

Tell = Callable[[str], None]
"""Tells the admins something about a plugin."""


def tell_no_one(text: str) -> None:
    """The default: it is in the log already."""


class HookCaller:
    """The hooks of the plugins in ``manager``, compiled as they are now; ``policies`` has one for each plugin.

    Arguments are given by position, in the order of the hook's specification. Calls and failures are counted in
    ``record``; what is on a new message's way is noted by ``tracer``. ``tell`` is called, on the loop, when a part of a
    plugin is suspended because it keeps failing.
    Implementations that can't be called as their hook is go to ``problems``; without it they raise PluginError.
    ``content_chars`` is the longest text that a plugin may make of a message.
    """

    def __init__(
        self,
        manager: pluggy.PluginManager,
        policies: Mapping[str, Policy] = MappingProxyType({}),
        *,
        record: Record | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        tell: Tell = tell_no_one,
        problems: Problems | None = None,
        content_chars: int = 8000,
        tracer: Tracer | None = None,
    ) -> None:
        problems = Problems(collect=False) if problems is None else problems
        self.record = Record() if record is None else record
        self.tracer = tracer
        impls = {name: _implementations(manager, name, policies, self.record, problems) for name in _HOOKS}
        if tracer is not None:
            for impl in (impl for name in TRACED for impl in impls[name]):
                impl.call = tracer.traced(impl)
        isolation = self._isolation = Isolation(
            self._suspend, manager.get_plugin, self.record, timeouts.cancelled
        )
        seconds = timeouts.hooks
        self._chains = {
            # What scans a file takes as long as the file is large.
            name: Chain(
                name, each, isolation, timeouts.scans if name == "before_store" else seconds, content_chars
            )
            for name, each in impls.items()
        }
        self._listeners = {
            name: {
                plugin: Chain(name, own, isolation, seconds, content_chars)
                for plugin, own in _by_plugin(impls[name]).items()
            }
            for name in _AFTER
        }
        self._in_commit = tuple(InCommit(impl, self._failed_in_commit) for impl in impls["in_commit"])
        self._loop: asyncio.AbstractEventLoop | None = None
        self._erase_seconds = timeouts.erase
        self._call_seconds = timeouts.calls
        self._tell = tell

    def start(self) -> None:
        """Remember the running loop: failures on the writer's thread are counted there."""
        self._loop = asyncio.get_running_loop()

    def has(self, name: str) -> bool:
        """Whether any plugin implements the hook. Raises KeyError when there is no such hook."""
        return bool(self._chains[name].calls)

    def of(self, plugin: str) -> set[str]:
        """The hooks that a plugin implements."""
        return {
            name
            for name, chain in self._chains.items()
            if any(impl.plugin == plugin for *_, impl in chain.calls)
        }

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

    def listeners(self, name: str, args: tuple[Any, ...]) -> Sequence[str]:
        """The plugins that want to be told this by a hook ``after_*``."""
        listeners = self._listeners[name]
        if not listeners:
            return ()
        return [plugin for plugin, chain in listeners.items() if chain.wants(args)]

    def tell(self, plugin: str, name: str, args: tuple[Any, ...]) -> Awaitable[None] | None:
        """Tell one plugin, if it is still there. What is returned has to be awaited. Raises nothing."""
        chain = self._listeners[name].get(plugin)
        waiting: Awaitable[None] | None = None if chain is None else chain.run(args)
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
                    answers[impl.plugin] = encoded(answer, SETTINGS_BYTES)
            except BaseException as error:
                self._isolation.hook_failed(impl, error)
            count(impl, started)
        return answers

    async def health(self) -> dict[str, str]:
        """The failed health checks: the plugins' texts by plugin; a check that raises counts as failed."""
        wrong = {}
        for impl in self.impls("health"):
            try:
                answer = await self.guard(impl.plugin, impl.hook, _health, impl.function, place=impl.function)
            except Reject as refusal:
                answer = refusal.message
            if answer is not None:
                wrong[impl.plugin] = answer
        return wrong

    async def erase_user(self, user: User, alias: str) -> None:
        """Ask every plugin. Raises `Reject` ``plugin_failed`` for the first that can't."""
        for impl in self.impls("erase_user"):
            work = partial(_nothing, impl, user, alias)
            await self._isolation.guard(impl.plugin, impl.hook, self._erase_seconds, work, impl.function)

    async def own_data(self, user: User) -> AsyncIterator[msgspec.Raw]:
        """What each plugin keeps of a user, as objects of JSON whose ``type`` begins with its name. One that fails is
        left out."""
        for impl in self.impls("own_data"):
            with suppress(Reject):
                for line in await self.guard(
                    impl.plugin, impl.hook, _own_data, impl.plugin, impl.function, user, place=impl.function
                ):
                    yield line

    async def guard(
        self,
        plugin: str,
        what: str,
        function: Callable[..., Any],
        *args: Any,
        place: Callable[..., Any] | None = None,
    ) -> Any:
        """What a plugin's command or handler returns for ``args``, plain or async, within a deadline.

        ``place`` is the plugin's own function, where ``function`` is one that calls it. Raises `Reject`: the plugin's
        own, or ``plugin_failed`` for whatever else goes wrong, with one line logged.
        """
        return await self._isolation.guard(plugin, what, self._call_seconds, lambda: function(*args), place)

    async def within(self, plugin: str, what: str, waiting: Awaitable[Any]) -> Any:
        """What a call gives that is made elsewhere, within the deadline of `guard`. Raises what it raises, and
        TookTooLong."""
        return await self._isolation.wait(plugin, what, waiting, self._call_seconds)

    def failed(self, plugin: str, what: str, error: BaseException) -> Reject:
        """Log and count a failure that was caught elsewhere. Returns the refusal that it means."""
        return self._isolation.failed(plugin, what, error)

    def job_failed(self, plugin: str, what: str, error: BaseException) -> bool:
        """A job failed, which is reported and counted already. Whether it fails too often to go on."""
        return self._isolation.job_failed(plugin, what, error)

    def refusal(self, plugin: str, what: str, refusal: Reject) -> Reject:
        """A refusal that was caught elsewhere, as its caller gets it."""
        return self._isolation.refusal(plugin, what, refusal)

    def worked(self, plugin: str, what: str) -> None:
        """A call that was made elsewhere did not fail."""
        self._isolation.worked(plugin, what)

    def calling(self, plugin: str, what: str) -> AbstractContextManager[None]:
        """Count a call that is made elsewhere, for as long as it takes."""
        return self._isolation.calling(plugin, what)

    def require(self, plugin: str, what: str) -> None:
        """Raises `Reject` ``plugin_failed`` where that part of the plugin is suspended."""
        self._isolation.require(plugin, what)

    def suspended(self, plugin: str) -> dict[str, str]:
        """The parts of a plugin that are suspended, each with its last failure."""
        return self._isolation.suspended(plugin)

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

    def _suspend(self, plugin: str, part: str, why: str) -> None:
        if part == HOOKS:
            self._drop(plugin, _LIFE)
        self._tell(f"The plugin {plugin} keeps failing: {part} is suspended until a reload ({why}).")

    def _drop(self, plugin: str, kept: frozenset[str]) -> None:
        for name, chain in self._chains.items():
            if name not in kept:
                chain.drop(plugin)
        for name in _AFTER:
            self._listeners[name].pop(plugin, None)
        self._in_commit = tuple(each for each in self._in_commit if each.plugin != plugin)


def _by_plugin(impls: Iterable[HookImpl]) -> dict[str, list[HookImpl]]:
    """The implementations of each plugin, which may have several of a hook."""
    found: dict[str, list[HookImpl]] = {}
    for impl in impls:
        found.setdefault(impl.plugin, []).append(impl)
    return found


async def _own_data(plugin: str, ask: Callable[..., Any], user: User) -> list[msgspec.Raw]:
    answer = ask(user=user) if "user" in inspect.signature(ask).parameters else ask()
    if inspect.isawaitable(answer):
        answer = await answer
    return [encoded({**each, "type": f"{plugin}:{each['type']}"}, REPLY_BYTES) for each in answer or ()]


async def _health(check: Callable[[], Any]) -> str | None:
    answer = check()
    if inspect.isawaitable(answer):
        answer = await answer
    return None if answer is None else text(answer, TEXT_CHARS)


def _implementations(
    manager: pluggy.PluginManager,
    name: str,
    policies: Mapping[str, Policy],
    record: Record,
    problems: Problems,
) -> tuple[HookImpl, ...]:
    caller = getattr(manager.hook, name)
    arguments = caller.spec.argnames
    made = []
    # pluggy calls the last registered first.
    for impl in reversed(caller.get_hookimpls()):
        plugin = impl.plugin_name
        with problems.noted():
            made.append(
                HookImpl(impl, name, policies.get(plugin, Policy()), arguments, record.of(plugin, name))
            )
    return tuple(made)


async def _nothing(impl: HookImpl, *args: Any) -> None:
    """Call what gives no answer."""
    answer = impl.call(*args)
    if inspect.isawaitable(answer):
        answer = await answer
    if answer is not None:
        raise impl.wrong(answer)
