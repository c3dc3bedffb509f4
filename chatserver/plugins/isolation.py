"""One call of one plugin: timed, checked, and kept from hurting anybody else when it fails."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import pluggy

from ..model.errors import PluginError, Reject
from ..model.values import Draft, Room, Upload, User
from .hookspecs import SYNC_ONLY, Filters

log = logging.getLogger(__name__)

OnError = Literal["skip", "reject"]

SLOW_SECONDS = 0.1
SLOW_PAUSE_SECONDS = 60.0
FAILURES = 20
FAILURES_WITHIN_SECONDS = 60.0

RETURNS: Mapping[str, type] = MappingProxyType(
    {
        "before_post": Draft,
        "before_edit": Draft,
        "before_upload": Upload,
        "render": str,
        "authenticate": User,
        "may": bool,
        "backlog": int,
        "client_settings": Mapping,
    }
)
"""What a hook may return besides None; the others return nothing."""

_REFUSING = frozenset(name for name in vars(Filters) if not name.startswith("_")) | {"authenticate", "may"}
_NAMES_ROOM = ("draft", "upload", "room", "message", "event")


class Policy(NamedTuple):
    """What the settings say of a plugin: what its crash means, and the only rooms it works in (None: all)."""

    on_error: OnError = "skip"
    rooms: frozenset[str] | None = None


class Stats:
    """How often something was called, how often it failed, and for how many seconds it ran or waited."""

    __slots__ = ("calls", "failures", "seconds")

    def __init__(self) -> None:
        self.calls = 0
        self.failures = 0
        self.seconds = 0.0


class Failure(NamedTuple):
    """A plugin raised, took too long, or answered with the wrong type. ``what`` is the hook, command or request."""

    plugin: str
    what: str
    error: Exception


class Pending(NamedTuple):
    """The answer of an async implementation that is still to be awaited, since ``started`` (perf_counter)."""

    answer: Awaitable[Any]
    started: float


class HookImpl:
    """One plugin's implementation of one hook. Raises PluginError when it can't be called as the hook is."""

    __slots__ = ("function", "hook", "names", "on_error", "plugin", "refuses", "returns", "room_argument", "rooms",
                 "slow_at", "stats")  # fmt: skip

    def __init__(self, impl: pluggy.HookImpl, hook: str, policy: Policy, arguments: tuple[str, ...]) -> None:
        self.plugin = impl.plugin_name
        self.hook = hook
        if impl.wrapper or impl.hookwrapper or impl.tryfirst or impl.trylast:
            raise PluginError(f"hook {hook}: there are no wrappers and no priorities", self.plugin)
        if hook in SYNC_ONLY and inspect.iscoroutinefunction(impl.function):
            raise PluginError(f"hook {hook}: may not be async", self.plugin)
        parameters = inspect.signature(impl.function).parameters.values()
        if any(each.kind is not each.POSITIONAL_OR_KEYWORD for each in parameters):
            raise PluginError(f"hook {hook}: takes its arguments by plain names: no *, ** or /", self.plugin)
        self.function: Callable[..., Any] = impl.function
        self.names = tuple(name for name in (*impl.argnames, *impl.kwargnames) if name in arguments)
        self.on_error = policy.on_error
        self.rooms = policy.rooms
        self.room_argument = next((name for name in _NAMES_ROOM if name in arguments), None)
        self.refuses = hook in _REFUSING
        self.returns: type | tuple[()] = RETURNS.get(hook, ())
        self.stats = Stats()
        self.slow_at = -SLOW_PAUSE_SECONDS

    def works_in(self, args: Mapping[str, Any]) -> bool:
        """Whether the call is about a room in which the plugin works; one that can't be about a room is for all."""
        if self.rooms is None or self.room_argument is None:
            return True
        about = args[self.room_argument]
        room = about if isinstance(about, Room) or about is None else about.room
        return (room.name if isinstance(room, Room) else room) in self.rooms


class Isolation:
    """Calls implementations so that only `Reject` comes out, and only where the hook may refuse.

    What fails counts as None, which is "unchanged" and "no answer"; with ``on_error: reject`` as a refusal.
    ``suspend(plugin, what, error)`` is called for a plugin that keeps failing, unless its failures refuse.
    """

    def __init__(self, suspend: Callable[[str, str, Exception], None], strict: bool) -> None:
        self.failures: list[Failure] = []
        self._suspend = suspend
        self._strict = strict
        self._failed_at: dict[str, deque[float]] = {}

    def call(self, impl: HookImpl, args: Mapping[str, Any]) -> Any:
        """The implementation's answer, or `Pending` if it is async. Raises `Reject`."""
        started = time.perf_counter()
        try:
            answer = impl.function(**{name: args[name] for name in impl.names})
        except Exception as error:
            return self._failed(impl, error, started)
        seconds = time.perf_counter() - started
        if seconds > SLOW_SECONDS:
            report_slow(impl, seconds)
        if answer is not None and not isinstance(answer, impl.returns) and inspect.isawaitable(answer):
            if impl.hook not in SYNC_ONLY:
                return Pending(answer, started)
            if inspect.iscoroutine(answer):
                answer.close()
            return self._failed(impl, TypeError("may not be async"), started)
        return self._answered(impl, answer, started)

    async def wait(self, impl: HookImpl, pending: Pending, deadline: float) -> Any:
        """What an async implementation answers until ``deadline`` (the loop's time). Raises `Reject`."""
        try:
            async with asyncio.timeout_at(deadline) as limit:
                answer = await pending.answer
        except (Exception, asyncio.CancelledError) as error:
            return self._failed(impl, _own_failure(error, limit), pending.started)
        return self._answered(impl, answer, pending.started)

    async def guard(self, plugin: str, what: str, seconds: float, call: Callable[[], Any]) -> Any:
        """What ``call`` returns, awaited, within ``seconds``. Raises `Reject`, ``plugin_failed`` for anything else."""
        try:
            async with asyncio.timeout(seconds) as limit:
                answer = call()
                return await answer if inspect.isawaitable(answer) else answer
        except Reject as refusal:
            refusal.plugin = refusal.plugin or plugin
            raise
        except (Exception, asyncio.CancelledError) as error:
            self.report(plugin, what, _own_failure(error, limit))
            raise refused(plugin) from error

    def report(self, plugin: str, what: str, error: Exception) -> None:
        """Log a failure: a line for the admin, and all of it at debug level."""
        log.error("plugin %s failed in %s: %s: %s", plugin, what, type(error).__name__, error)
        log.debug("plugin %s failed in %s", plugin, what, exc_info=error)
        if self._strict:
            self.failures.append(Failure(plugin, what, error))

    def count_failure(self, impl: HookImpl, error: Exception) -> None:
        """Report it, and suspend a plugin that keeps failing. One that has to approve is never left out."""
        self.report(impl.plugin, impl.hook, error)
        if impl.on_error == "reject":
            return
        now = time.monotonic()
        failed_at = self._failed_at.setdefault(impl.plugin, deque(maxlen=FAILURES))
        failed_at.append(now)
        if len(failed_at) == FAILURES and now - failed_at[0] <= FAILURES_WITHIN_SECONDS:
            failed_at.clear()
            self._suspend(impl.plugin, impl.hook, error)

    def _answered(self, impl: HookImpl, answer: Any, started: float) -> Any:
        if answer is not None and not isinstance(answer, impl.returns):
            wanted = impl.returns.__name__ + " or None" if isinstance(impl.returns, type) else "None"
            return self._failed(impl, TypeError(f"returned {type(answer).__name__}, not {wanted}"), started)
        impl.stats.calls += 1
        impl.stats.seconds += time.perf_counter() - started
        return answer

    def _failed(self, impl: HookImpl, error: Exception, started: float) -> None:
        impl.stats.calls += 1
        impl.stats.seconds += time.perf_counter() - started
        if isinstance(error, Reject) and impl.refuses:
            error.plugin = error.plugin or impl.plugin
            raise error
        impl.stats.failures += 1
        self.count_failure(impl, error)
        if impl.on_error == "reject" and impl.refuses:
            raise refused(impl.plugin) from error


def refused(plugin: str) -> Reject:
    """The refusal that a plugin's crash means."""
    return Reject(f"The plugin {plugin!r} failed.", "plugin_failed", plugin=plugin)


def _own_failure(error: Exception | asyncio.CancelledError, limit: asyncio.Timeout) -> Exception:
    """The plugin's failure. Raises CancelledError where we are cancelled, and not just something it waited for."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise error
        return RuntimeError("waited for something that was cancelled")
    return TimeoutError("took too long") if limit.expired() else error


def report_slow(impl: HookImpl, seconds: float) -> None:
    """Warn of a plugin that holds everybody up, now and then."""
    now = time.monotonic()
    if now - impl.slow_at >= SLOW_PAUSE_SECONDS:
        impl.slow_at = now
        log.warning("plugin %s blocked the server for %.0f ms in %s", impl.plugin, seconds * 1000, impl.hook)
