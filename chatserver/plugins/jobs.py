"""What a plugin does by the clock: again and again, daily, or once at a time that survives a restart."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from time import perf_counter
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from .failures import own_failure
from .timer import Timer

F = TypeVar("F", bound=Callable[..., Any])

_JOB = "chatserver_job"
LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def job(function: F) -> F:
    """Make a method, plain or async, a job that `Plugin.at` can name. It takes the data that was given."""
    setattr(function, _JOB, True)
    return function


def jobs_of(plugin: object) -> Mapping[str, Callable[[Any], Any]]:
    """The methods that are jobs, by name."""
    cls = type(plugin)
    return {name: getattr(plugin, name) for name in dir(cls) if getattr(getattr(cls, name), _JOB, False)}


def job_name(function: Callable[..., Any]) -> str:
    """What the runs of a function are called."""
    while isinstance(function, partial):
        function = function.func
    return f"the job {getattr(function, '__name__', '?')}"


class Count(Protocol):
    """Counts and logs a run: when it began (perf_counter), what it failed with, what it is called, and, where it
    comes again and again, what it is called alone. Whether it has failed too often for that."""

    def __call__(
        self, started: float, error: BaseException | None, what: str, again: str | None = None, /
    ) -> bool: ...


class Jobs:
    """Runs one plugin's functions by ``timer``. ``leads()`` says whether this process runs the jobs of all."""

    def __init__(self, timer: Timer, count: Count, leads: Callable[[], bool]) -> None:
        self._timer = timer
        self._count = count
        self._leads = leads

    async def run(self, function: Callable[..., Any], *args: Any) -> bool:
        """Call a function, plain or async; whether that worked. What it raises is counted and logged."""
        started, failure = await self._call(function, *args)
        self._count(started, failure, job_name(function))
        return failure is None

    async def _again(self, function: Callable[[], Any], name: str) -> bool:
        """Call what comes again and again, where this process runs the jobs of all. Whether it may go on."""
        if not self._leads():
            return True
        started, failure = await self._call(function)
        return not self._count(started, failure, job_name(function), name)

    async def _call(self, function: Callable[..., Any], *args: Any) -> tuple[float, BaseException | None]:
        started, failure = perf_counter(), None
        with self._timer.running():
            try:
                result = function(*args)
                if inspect.isawaitable(result):
                    await result
            except BaseException as error:
                failure = own_failure(error)
        return started, failure

    async def every(self, seconds: float, function: Callable[[], Any], first: float, name: str) -> None:
        """Call a function after ``first`` seconds, then again and again with ``seconds`` between. ``name`` is that of
        no other job of the plugin."""
        await self._timer.sleep(first)
        while await self._again(function, name):
            await self._timer.sleep(seconds)

    async def daily(self, at: time, zone: ZoneInfo, function: Callable[[], Any], name: str) -> None:
        """Call a function once a day. ``name`` is that of no other job of the plugin."""
        due = self._timer()
        while True:
            due = next_at(at, zone, max(due, self._timer()))
            await self._timer.until(due)
            if not await self._again(function, name):
                return


def next_at(at: time, zone: ZoneInfo, after: float) -> float:
    """The first moment after ``after`` at which clocks in ``zone`` show ``at``, once for each day.

    An hour that a change of the clocks leaves out is taken from where it would have been; of one that comes twice the
    first counts.
    """
    day: date = datetime.fromtimestamp(after, zone).date() - timedelta(days=1)
    while (due := datetime.combine(day, at, zone).timestamp()) <= after:
        day += timedelta(days=1)
    return due


def time_of_day(text: Any) -> time:
    """``18:00``. Raises ValueError."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"a time of day is written like 18:00, not {text!r}")
    return time(int(found[1]), int(found[2]))


def moment(when: float | datetime | timedelta, now: float) -> float:
    """Seconds since the epoch; a timedelta is from ``now`` on. Raises TypeError, and ValueError for a time without a
    zone, and before 1970 or after 9999."""
    try:
        due = _seconds(when, now)
    except OverflowError:
        due = math.inf
    if not 0 <= due <= LATEST:
        raise ValueError(f"a job's time is from 1970 to 9999, not {when!r:.50}")
    return due


def _seconds(when: float | datetime | timedelta, now: float) -> float:
    if isinstance(when, timedelta):
        return now + when.total_seconds()
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise ValueError("a datetime needs a time zone: datetime.now(UTC), or one with tzinfo")
        return when.astimezone(UTC).timestamp()
    if isinstance(when, bool) or not isinstance(when, int | float):
        raise TypeError(
            f"when is in seconds since 1970, a datetime or a timedelta, not {type(when).__name__}"
        )
    return float(when)
