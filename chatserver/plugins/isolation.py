"""What follows from a plugin's failure: a line in the log, a count, a refusal, and at last its suspension."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import deque
from collections.abc import Callable
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


class Isolation:
    """Reports and counts failures, whatever was raised, so that only `Reject` comes out of a plugin.

    ``suspend(plugin, what, error)`` is called for a plugin whose hooks keep failing, unless its failures refuse.
    ``owner(plugin)`` is the plugin's instance. ``stats`` counts what is not a hook, by (plugin, what). With ``strict``
    every failure is kept in ``failures``.
    """

    def __init__(
        self, suspend: Callable[[str, str, BaseException], None], owner: Callable[[str], object], strict: bool
    ) -> None:
        self.failures: list[Failure] = []
        self.stats: dict[tuple[str, str], Stats] = {}
        self._suspend = suspend
        self._owner = owner
        self._strict = strict
        self._failed_at: dict[str, deque[float]] = {}

    async def guard(self, plugin: str, what: str, seconds: float, call: Callable[[], Any]) -> Any:
        """What ``call`` returns, awaited, within ``seconds``. Raises `Reject`, ``plugin_failed`` for anything else."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(seconds) as limit:
                answer = call()
                return await answer if inspect.isawaitable(answer) else answer
        except Reject as refusal:
            refusal.plugin = refusal.plugin or plugin
            raise
        except BaseException as error:
            raise self.failed(plugin, what, own_failure(error, limit.expired())) from error
        finally:
            self.count(plugin, what, time.perf_counter() - started)

    def failed(self, plugin: str, what: str, error: BaseException) -> Reject:
        """Report and count a failure of what is not a hook. Returns the refusal that it means."""
        self._counted(plugin, what).failures += 1
        self._report(plugin, what, error)
        return refused(plugin)

    def count(self, plugin: str, what: str, seconds: float) -> Stats:
        """Count a call of what is not a hook."""
        stats = self._counted(plugin, what)
        stats.calls += 1
        stats.seconds += seconds
        return stats

    def count_job(self, plugin: str, seconds: float, error: BaseException | None) -> None:
        """Count a run of a job, whose failure is logged already."""
        stats = self.count(plugin, JOB, seconds)
        if error is not None:
            stats.failures += 1
            self._keep(Failure(plugin, JOB, error))

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
        self._keep(Failure(plugin, what, error))

    def _keep(self, failure: Failure) -> None:
        if self._strict:
            self.failures.append(failure)

    def _counted(self, plugin: str, what: str) -> Stats:
        return self.stats.setdefault((plugin, what), Stats())


def report_slow(impl: HookImpl, seconds: float) -> None:
    """Warn of a plugin that blocks the server, now and then."""
    now = time.monotonic()
    if now - impl.slow_at >= SLOW_PAUSE_SECONDS:
        impl.slow_at = now
        log.warning("plugin %s blocked the server for %.0f ms in %s", impl.plugin, seconds * 1000, impl.hook)
