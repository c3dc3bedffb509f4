"""What follows from a plugin's failure: a line in the log, a count, a refusal, and at last its suspension."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..model.errors import Reject
from .failures import Failure, described, own_failure, refused
from .implementation import HookImpl, Stats

log = logging.getLogger(__name__)

SLOW_SECONDS = 0.1
SLOW_PAUSE_SECONDS = 60.0
FAILURES = 20
FAILURES_WITHIN_SECONDS = 60.0
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

    ``suspend(plugin, what, error)`` is called for a plugin whose hooks keep failing, unless its failures refuse.
    ``owner(plugin)`` is the plugin's instance.
    """

    def __init__(
        self,
        suspend: Callable[[str, str, BaseException], None],
        owner: Callable[[str], object],
        record: Record,
    ) -> None:
        self._suspend = suspend
        self._owner = owner
        self._record = record
        self._failed_at: dict[str, deque[float]] = {}
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

    async def guard(self, plugin: str, what: str, seconds: float, call: Callable[[], Any]) -> Any:
        """What ``call`` returns, awaited, within ``seconds``. Raises `Reject`, ``plugin_failed`` for anything else."""
        with self.calling(plugin, what):
            try:
                async with asyncio.timeout(seconds) as limit:
                    answer = call()
                    return await answer if inspect.isawaitable(answer) else answer
            except Reject as refusal:
                refusal.plugin = refusal.plugin or plugin
                raise
            except BaseException as error:
                raise self.failed(plugin, what, own_failure(error, limit.expired())) from error

    def failed(self, plugin: str, what: str, error: BaseException) -> Reject:
        """Report and count a failure of what is not a hook. Returns the refusal that it means."""
        self._record.of(plugin, what).failures += 1
        self._report(plugin, what, error)
        return refused(plugin)

    def hook_failed(self, impl: HookImpl, error: BaseException) -> None:
        """Report and count a hook's failure. Raises `Reject` where the hook refuses, or its failure means that."""
        if isinstance(error, Reject) and impl.refuses:
            error.plugin = error.plugin or impl.plugin
            raise error
        impl.stats.failures += 1
        self.report_hook(impl, error)
        if impl.on_error == "reject" and impl.refuses:
            raise refused(impl.plugin) from error

    def report_hook(self, impl: HookImpl, error: BaseException) -> None:
        """Report a hook's failure, and suspend a plugin that keeps failing. One that has to approve never is."""
        self._report(impl.plugin, impl.hook, error, impl.function)
        if impl.on_error == "reject":
            return
        now = time.monotonic()
        failed_at = self._failed_at.setdefault(impl.plugin, deque(maxlen=FAILURES))
        failed_at.append(now)
        if len(failed_at) == FAILURES and now - failed_at[0] <= FAILURES_WITHIN_SECONDS:
            failed_at.clear()
            self._suspend(impl.plugin, impl.hook, error)

    def _report(
        self, plugin: str, what: str, error: BaseException, function: Callable[..., Any] | None = None
    ) -> None:
        """A line for the admin, and all of it at debug level."""
        owner = self._owner(plugin)
        text = described(error, type(owner) if owner is not None else None, function)
        log.error("plugin %s failed in %s: %s", plugin, what, text)
        log.debug("plugin %s failed in %s", plugin, what, exc_info=error)
        self._record.failed(plugin, what, error)


def report_slow(impl: HookImpl, seconds: float) -> None:
    """Warn of a plugin that blocks the server, now and then."""
    now = time.monotonic()
    if now - impl.slow_at >= SLOW_PAUSE_SECONDS:
        impl.slow_at = now
        log.warning("plugin %s blocked the server for %.0f ms in %s", impl.plugin, seconds * 1000, impl.hook)
