"""What follows from a plugin's failure: a line in the log, a count, a refusal, and at last its suspension."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..model.errors import Reject
from .answers import check_refusal
from .deadline import Waiting
from .failures import Failure, described, own_failure, refused, suspended
from .implementation import HookImpl, Stats

log = logging.getLogger(__name__)

SLOW_SECONDS = 0.1
SLOW_PAUSE_SECONDS = 60.0
FAILURES = 20
FAILURES_WITHIN_SECONDS = 60.0
HOOKS = "every hook"
"""The part of a plugin that its hooks are together; each command, request, route and job is a part of its own."""
JOB = "job"
"""What the runs of a plugin's jobs are counted as."""


class Record:
    """What is counted by (plugin, what), where ``what`` is a hook, command, request, route or `JOB`.

    With ``strict`` every failure is kept, for tests.
    """

    def __init__(self, strict: bool = False) -> None:
        self.failures: list[Failure] = []
        self.stats: dict[tuple[str, str], Stats] = {}
        self._strict = strict

    def of(self, plugin: str, what: str) -> Stats:
        """The counters of one kind of call."""
        return self.stats.setdefault((plugin, what), Stats())

    def called(self, plugin: str, what: str, seconds: float) -> None:
        """Count a call."""
        stats = self.of(plugin, what)
        stats.calls += 1
        stats.seconds += seconds

    def failed(self, plugin: str, what: str, error: BaseException) -> None:
        """Keep a failure, when strict."""
        if self._strict:
            self.failures.append(Failure(plugin, what, error))

    def job(self, plugin: str, seconds: float, error: BaseException | None) -> None:
        """Count a run of a job, whose failure the plugin has logged."""
        self.called(plugin, JOB, seconds)
        if error is not None:
            self.of(plugin, JOB).failures += 1
            self.failed(plugin, JOB, error)


class Isolation:
    """Reports and counts failures, whatever was raised, so that only `Reject` comes out of a plugin.

    A part of a plugin that keeps failing is suspended, unless its failures refuse: ``suspend(plugin, part, why)`` is
    called. ``owner(plugin)`` is the plugin's instance; ``cancelled`` is how long, in seconds, a call may
    take to end that is cancelled.
    """

    def __init__(
        self,
        suspend: Callable[[str, str, str], None],
        owner: Callable[[str], object],
        record: Record,
        cancelled: float,
    ) -> None:
        self._suspend = suspend
        self._owner = owner
        self._record = record
        self._failed_at: dict[tuple[str, str], deque[float]] = {}
        self._suspended: dict[tuple[str, str], str] = {}
        self._waiting = Waiting(cancelled)
        self._under_way = 0
        self._finished: asyncio.Future[None] | None = None

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """A call that may take several turns of the loop."""
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way and self._finished is not None:
                self._finished.set_result(None)
                self._finished = None

    async def finished(self) -> None:
        """Wait until no call is under way."""
        while self._under_way:
            if self._finished is None:
                self._finished = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._finished)

    @contextmanager
    def calling(self, plugin: str, what: str) -> Iterator[None]:
        """Count a call of what is not a hook."""
        started = time.perf_counter()
        with self.under_way():
            try:
                yield
            finally:
                self._record.called(plugin, what, time.perf_counter() - started)

    async def wait(self, plugin: str, what: str, waiting: Awaitable[Any], seconds: float) -> Any:
        """What ``waiting`` gives. Raises whatever it raises, and TookTooLong."""
        return await self._waiting.within(seconds, f"plugin {plugin} ({what})", waiting)

    async def guard(
        self,
        plugin: str,
        what: str,
        seconds: float,
        call: Callable[[], Any],
        place: Callable[..., Any] | None = None,
    ) -> Any:
        """What ``call`` returns, awaited, within ``seconds``. Raises `Reject`, ``plugin_failed`` for anything else."""
        self.require(plugin, what)
        with self.calling(plugin, what):
            try:
                answer = call()
                if inspect.isawaitable(answer):
                    answer = await self.wait(plugin, what, answer, seconds)
            except BaseException as error:
                failure = own_failure(error)
                if isinstance(failure, Reject):
                    raise self.refusal(plugin, what, failure) from error
                raise self.failed(plugin, what, failure, place) from error
        self.worked(plugin, what)
        return answer

    def failed(
        self, plugin: str, what: str, error: BaseException, place: Callable[..., Any] | None = None
    ) -> Reject:
        """Report and count a failure of what is not a hook, but perhaps of the function ``place``. Returns the refusal
        that it means."""
        self._record.of(plugin, what).failures += 1
        self._report(plugin, what, error, place)
        self._keeps_failing(plugin, what, error)
        return refused(plugin)

    def refusal(self, plugin: str, what: str, refusal: Reject) -> Reject:
        """The refusal of what is not a hook, as its caller gets it; one that can't be sent is a failure."""
        try:
            check_refusal(refusal)
        except Exception as error:
            return self.failed(plugin, what, error)
        refusal.plugin = refusal.plugin or plugin
        return refusal

    def job_failed(self, plugin: str, what: str, error: BaseException) -> bool:
        """A job of a plugin, which has reported it, failed once more. Whether it is suspended."""
        return self._keeps_failing(plugin, what, error)

    def worked(self, plugin: str, what: str) -> None:
        """What is not a hook did not fail: the failures before it don't count any more."""
        if self._failed_at:
            self._failed_at.pop((plugin, what), None)

    def require(self, plugin: str, what: str) -> None:
        """Raises `Reject` ``plugin_failed`` for a part that is suspended."""
        if (plugin, what) in self._suspended:
            raise suspended(plugin, what)

    def suspended(self, plugin: str) -> dict[str, str]:
        """The parts of a plugin that are suspended, each with its last failure."""
        return {part: why for (name, part), why in self._suspended.items() if name == plugin}

    def hook_failed(self, impl: HookImpl, error: BaseException) -> None:
        """Report and count a hook's failure. Raises `Reject` where the hook refuses, or its failure means that."""
        if isinstance(error, Reject) and impl.refuses:
            try:
                check_refusal(error)
            except Exception as unsound:
                error = unsound
            else:
                error.plugin = error.plugin or impl.plugin
                raise error
        impl.stats.failures += 1
        self.report_hook(impl, error)
        if impl.on_error == "reject" and impl.refuses:
            raise refused(impl.plugin) from error

    def report_hook(self, impl: HookImpl, error: BaseException) -> None:
        """Report a hook's failure, and suspend a plugin that keeps failing. One that has to approve never is."""
        self._report(impl.plugin, impl.hook, error, impl.function)
        if impl.on_error != "reject":
            self._keeps_failing(impl.plugin, HOOKS, error)

    def _keeps_failing(self, plugin: str, part: str, error: BaseException) -> bool:
        """Suspend a part that has failed too often lately. Whether it has."""
        now, key = time.monotonic(), (plugin, part)
        failed_at = self._failed_at.setdefault(key, deque(maxlen=FAILURES))
        failed_at.append(now)
        if len(failed_at) < FAILURES or now - failed_at[0] > FAILURES_WITHIN_SECONDS:
            return False
        del self._failed_at[key]
        why = self._suspended[key] = self._described(plugin, error)
        log.error("plugin %s keeps failing: %s is suspended", plugin, part)
        self._suspend(plugin, part, why)
        return True

    def _report(
        self, plugin: str, what: str, error: BaseException, function: Callable[..., Any] | None = None
    ) -> None:
        """A line for the admin, and all of it at debug level."""
        log.error("plugin %s failed in %s: %s", plugin, what, self._described(plugin, error, function))
        log.debug("plugin %s failed in %s", plugin, what, exc_info=error)
        self._record.failed(plugin, what, error)

    def _described(
        self, plugin: str, error: BaseException, function: Callable[..., Any] | None = None
    ) -> str:
        owner = self._owner(plugin)
        return described(error, type(owner) if owner is not None else None, function)


def report_slow(impl: HookImpl, seconds: float) -> None:
    """Warn of a plugin that blocks the server, now and then."""
    now = time.monotonic()
    if now - impl.slow_at >= SLOW_PAUSE_SECONDS:
        impl.slow_at = now
        log.warning("plugin %s blocked the server for %.0f ms in %s", impl.plugin, seconds * 1000, impl.hook)
