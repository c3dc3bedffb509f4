"""Plugins' jobs: by the clock, which the tests move, and across restarts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver.plugins.jobs import next_at
from chatserver.store.plugin_values import StoredJob, put_job
from chatserver.testing import Clock

pytestmark = pytest.mark.storage

PLUGIN = """
from chatserver import Plugin, hookimpl, job


class Jobs(Plugin):
    @hookimpl
    def startup(self):
        self.ran, self.fails = [], 0
        self.every(60, self.often)
        self.every(3600, self.at_once, first=0)
        self.daily("18:00", self.evening, zone="Europe/Berlin")

    def often(self):
        self.ran.append("often")

    async def at_once(self):
        self.ran.append("at once")

    def evening(self):
        self.ran.append("evening")

    @job
    async def remind(self, data):
        if self.fails:
            self.fails -= 1
            raise RuntimeError("not now")
        # A real wait, for the database.
        await self.db.query("SELECT 1")
        self.ran.append(data)
"""
MIXED = """
from collections import Counter
from functools import partial

from chatserver import Plugin, hookimpl, job


class Mixed(Plugin):
    @hookimpl
    def startup(self):
        self.ran, self.worked = Counter(), 0
        self.every(1, self.good)
        self.every(1, partial(self.fails, "bad"))
        self.every(1, partial(self.fails, "second"))
        self.every(1, self.sometimes)

    def good(self):
        self.ran["good"] += 1

    def fails(self, name):
        self.ran[name] += 1
        raise RuntimeError(name)

    async def sometimes(self):
        self.ran["sometimes"] += 1
        if self.ran["sometimes"] % 2:
            raise RuntimeError("sometimes")
        self.worked += 1

    @job
    def planned(self, data):
        self.fails("planned")
"""
NO_TIMES = (
    *(float("nan"), float("inf"), float("-inf"), 1e300, 10**400, -1.0),
    *(timedelta(days=-9_999_999), timedelta.max, datetime.min.replace(tzinfo=UTC)),
    datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))),
)
NOON = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


@pytest.fixture
def clock():
    return Clock(NOON)


@pytest.fixture
def make(chat, on_file, tmp_path, clock):
    (tmp_path / "jobs.py").write_text(PLUGIN)

    def make(plugins=("jobs",), **options):
        return chat(plugins=plugins, settings=on_file, dirs=[tmp_path], clock=clock, **options)

    return make


def plugin(server):
    return server.server.host.current.peer("jobs")


def took(server) -> list:
    """What has run since the last call."""
    ran, plugin(server).ran = plugin(server).ran, []
    return ran


async def test_jobs_run_again_and_again_and_daily(make, clock):
    async with make() as server:
        await clock.move(59)
        assert took(server) == ["at once"]
        await clock.move(1)
        assert took(server) == ["often"]
        await clock.move(180)
        assert took(server) == ["often"] * 3
        await clock.move(6 * 3600 - 241)
        assert took(server).count("evening") == 0
        await clock.move(1)
        assert took(server).count("evening") == 1
        await clock.move(days=3)
        ran = took(server)
        assert (ran.count("evening"), ran.count("at once"), ran.count("often")) == (3, 72, 3 * 1440)


async def test_a_planned_job_runs_once_whatever_restarts_lie_between(make, clock):
    async with make() as server:
        jobs = plugin(server)
        await jobs.at(NOON + 7200, "remind", {"of": "tea"})
        await jobs.at(timedelta(hours=1), "remind", "sooner")
        late = await jobs.at(datetime.fromtimestamp(NOON + 10_800, UTC), "remind", "late")
        await clock.move(3600)
        assert "sooner" in took(server)
        await server.restart()
        assert "sooner" not in took(server)
        await clock.move(3600)
        assert {"of": "tea"} in plugin(server).ran
        await server.stop()
        # The server is off when the next one is due.
        await clock.move(7200)
        await server.start()
        await clock.move(1)
        assert took(server).count("late") == 1
        assert not await plugin(server).cancel_job(late)
        await server.restart()
        await clock.move(3600)
        assert [each for each in took(server) if each not in ("often", "at once", "evening")] == []


async def test_a_planned_job_can_be_replaced_and_cancelled(make, clock):
    async with make() as server:
        jobs = plugin(server)
        assert await jobs.at(timedelta(minutes=1), "remind", "first", id="poll 1") == "poll 1"
        await jobs.at(timedelta(minutes=5), "remind", "second", id="poll 1")
        other = await jobs.at(timedelta(minutes=2), "remind", "other")
        assert await jobs.cancel_job(other)
        assert not await jobs.cancel_job(other)
        assert not await jobs.cancel_job("nosuch")
        await clock.move(600)
        assert [each for each in took(server) if each not in ("often", "at once")] == ["second"]


async def test_many_jobs_that_are_due_at_once_all_run(make, clock, eventually):
    async with make() as server:
        for n in range(60):
            await plugin(server).at(NOON + 30 + n % 3, "remind", n)
        await clock.move(40)

        def ran():
            return sorted(each for each in plugin(server).ran if isinstance(each, int))

        # Each writes down that it begins, so they take a while.
        await eventually(lambda: len(ran()) == 60)
        assert ran() == list(range(60))


async def test_a_failing_job_comes_again_and_is_given_up_at_last(make, clock, caplog):
    async with make() as server:
        jobs = plugin(server)
        await jobs.at(timedelta(seconds=1), "remind", "twice")
        jobs.fails = 2
        await clock.move(1)
        (failed,) = server.failures()
        assert (failed.plugin, str(failed.error)) == ("jobs", "not now")
        assert "plugin jobs: the job remind failed: RuntimeError: not now (" in caplog.text
        assert "jobs.py, line 26)" in caplog.text
        await clock.move(60)
        assert "twice" not in jobs.ran
        await clock.move(120)
        assert "twice" in took(server)
        await jobs.at(timedelta(seconds=1), "remind", "never")
        jobs.fails = 5
        await clock.move(days=1)
        assert jobs.fails == 0
        assert "never" not in took(server)
        assert "is given up, as it failed 5 times" in caplog.text
        assert len(server.failures()) == 6
        assert not await server.services.store.read(
            lambda conn: conn.exec_driver_sql("SELECT id FROM plugin_job").all()
        )


async def test_only_the_job_that_keeps_failing_is_ended(chat, tmp_path, on_file, clock):
    (tmp_path / "mixed.py").write_text(MIXED)
    async with chat(plugins=["mixed"], settings=on_file, dirs=[tmp_path], clock=clock) as server:
        mixed = server.server.host.current.peer("mixed")
        for _ in range(25):
            await mixed.at(timedelta(seconds=1), "planned")
        await clock.move(100)
        assert mixed.ran == {"good": 100, "second": 20, "bad": 20, "sometimes": 100, "planned": 50}
        assert mixed.worked == 50
        assert len(server.failures()) == 20 + 20 + 50 + 50
        (line,) = server.server.host.overview()
        assert line["suspended"].keys() == {"the job fails", "the job fails (2)"}


async def test_many_planned_jobs_that_fail_come_again_each_by_itself(make, clock, caplog):
    async with make() as server:
        jobs = plugin(server)
        jobs.fails = 25 * 5
        for number in range(25):
            await jobs.at(timedelta(seconds=1), "remind", f"n{number}")
        await clock.move(days=1)
        assert jobs.fails == 0
        assert len([text for text in caplog.messages if "is given up" in text]) == 25
        # What comes again later and later needs no suspension.
        assert not server.server.host.current.hooks.suspended("jobs")
        assert len(server.failures()) == 125


async def test_jobs_wait_for_a_plugin_that_is_switched_off(make, clock):
    async with make() as server:
        await plugin(server).at(timedelta(minutes=1), "remind", "waited")
        await server.reload([])
        await clock.move(3600)
        await server.reload(["jobs"])
        await clock.move(1)
        assert "waited" in took(server)


async def test_what_cant_be_planned_is_an_error_at_once(make, clock):
    async with make() as server:
        jobs = plugin(server)
        for attempt, error, told in (
            (jobs.at(1.0, "nosuch"), ValueError, "'nosuch' is no method of Jobs with the decorator @job"),
            (jobs.at(1.0, "often"), ValueError, "no method of Jobs with the decorator"),
            (jobs.at("18:00", "remind"), TypeError, "when is in seconds since 1970"),
            (jobs.at(datetime(2026, 1, 1), "remind"), ValueError, "needs a time zone"),
            *((jobs.at(when, "remind"), ValueError, "from 1970 to 9999") for when in NO_TIMES),
            (jobs.at(1.0, "remind", object()), TypeError, "object"),
            (jobs.at(1.0, "remind", msgspec.Raw(b"[" * 101 + b"]" * 101)), ValueError, "100 levels"),
            (jobs.at(1.0, "remind", "x" * 65_536), ValueError, "too many"),
            (jobs.at(1.0, "remind", id="x" * 101), ValueError, "too many"),
        ):
            with pytest.raises(error, match=told):
                await attempt
        with pytest.raises(ValueError, match="like 18:00, not '25:00'"):
            jobs.daily("25:00", jobs.often)
        with pytest.raises(ValueError, match="no time zone 'Europe/Atlantis'"):
            jobs.daily("18:00", jobs.often, "Europe/Atlantis")
        for seconds in (-1, 0, 0.001, float("nan")):
            with pytest.raises(ValueError, match=r"0\.01 seconds is the least"):
                jobs.every(seconds, jobs.often)
        with pytest.raises(ValueError, match="first is 0 seconds or more"):
            jobs.every(1, jobs.often, first=-1)


async def test_a_job_that_does_not_end_is_ended_with_the_server(chat, tmp_path, on_file, clock):
    (tmp_path / "slow.py").write_text(
        "import asyncio\nfrom chatserver import Plugin, job\n\n\nclass Slow(Plugin):\n    begun = 0\n\n"
        "    @job\n    async def wait(self, data):\n        self.begun += 1\n        await asyncio.Event().wait()\n"
    )
    async with chat(plugins=["slow"], settings=on_file, dirs=[tmp_path]) as server:
        slow = server.server.host.current.peer("slow")
        await slow.at(timedelta(0), "wait")
        await server.restart()
        again = server.server.host.current.peer("slow")
        assert again is not slow
        # It has not ended, so it runs again.
        rows = await server.services.store.read(
            lambda conn: conn.exec_driver_sql("SELECT name FROM plugin_job").all()
        )
        assert [row.name for row in rows] == ["wait"]


SLOW = """
import asyncio
import os

from chatserver import Plugin, job


class Slow(Plugin):
    begun = False

    @job
    async def wait(self, data):
        self.begun = True
        await asyncio.Event().wait()
"""


# With 0 the stop comes while the try is being counted.
@pytest.mark.parametrize("long_job", [0.01, 0])
async def test_tries_are_counted_before_a_job_runs_and_not_where_a_stop_ends_it(
    chat, tmp_path, on_file, eventually, caplog, elsewhere, long_job
):
    (tmp_path / "slow.py").write_text(SLOW)
    options = {"settings": on_file, "dirs": [tmp_path], "timeouts": {"long_job": long_job}}
    async with chat(plugins=["slow"], **options) as server:
        await server.plugin("slow").at(timedelta(0), "wait", id="endless")
        for _ in range(7):
            await eventually(lambda: server.plugin("slow").begun)
            tries = await server.services.store.read(
                lambda conn: conn.exec_driver_sql("SELECT tries FROM plugin_job").scalar()
            )
            assert tries == 1
            await server.restart()
        await eventually(lambda: "plugin slow: the job wait (endless) runs for " in caplog.text)
        await server.stop()
        # As if it had ended the process so often.
        settings = server.server.settings
        assert elsewhere(settings, "SELECT tries FROM plugin_job") == [(0,)]
        elsewhere(settings, "UPDATE plugin_job SET tries = 5")
        await server.start()
        await eventually(lambda: "the job wait (endless) is given up, as it failed 5 times" in caplog.text)
        assert not server.plugin("slow").begun


async def test_a_stored_job_that_cant_be_read_fails_alone(make, clock, caplog):
    async with make() as server:
        rows = [("deep", "[" * 100_000 + "]" * 100_000), ("wrong", "no JSON")]
        jobs = [StoredJob("jobs", id, "remind", NOON, data) for id, data in rows]
        await server.services.store.write(lambda conn: [put_job(conn, job) for job in jobs])
        await plugin(server).at(timedelta(seconds=1), "remind", "right")
        await clock.move(1)
        assert "right" in took(server)
        await clock.move(days=1)
        assert len([text for text in caplog.messages if "is given up" in text]) == 2
        assert {type(failed.error).__name__ for failed in server.failures()} == {
            "RecursionError",
            "DecodeError",
        }


def test_clocks_that_change_leave_out_no_day_and_count_none_twice():
    berlin = ZoneInfo("Europe/Berlin")

    def days(at: time, first: datetime, count: int) -> list[str]:
        moments, now = [], first.timestamp()
        for _ in range(count):
            now = next_at(at, berlin, now)
            moments.append(datetime.fromtimestamp(now, berlin).isoformat())
        return moments

    march = datetime(2026, 3, 28, tzinfo=berlin)
    assert days(time(2, 30), march, 3) == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:30:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]
    october = datetime(2026, 10, 24, 12, tzinfo=berlin)
    assert days(time(2, 30), october, 2) == ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    assert days(time(18), march, 2) == ["2026-03-28T18:00:00+01:00", "2026-03-29T18:00:00+02:00"]


ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
]


@given(
    st.sampled_from(ZONES),
    st.times(timezones=st.none()),
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
)
def test_the_next_time_is_later_and_at_most_about_a_day_off(zone, at, after):
    at = at.replace(second=0, microsecond=0, fold=0)
    now = after.timestamp()
    due = next_at(at, ZoneInfo(zone), now)
    # Samoa left out a whole day.
    assert now < due <= now + (49 if zone == "Pacific/Apia" else 25.5) * 3600
    assert next_at(at, ZoneInfo(zone), due) > due
