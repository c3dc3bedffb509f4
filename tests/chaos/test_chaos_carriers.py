"""The ways between the parts lose, double, delay and are cut, and no client notices."""

from __future__ import annotations

import asyncio
import time

import pytest
from chaos_client import said
from chaos_cluster import ROUNDS
from commit_proxy import CommitProxy
from lossy import LossyProxy

TALKERS = 6
SECONDS = 20.0
CUT_SECONDS = 10.0
# What is lost is left to chance: in a second it may be nothing.
pytestmark = pytest.mark.skipif(not ROUNDS, reason="make chaos runs it")
LONG = 300 + 40 * ROUNDS


@pytest.mark.timeout(seconds=LONG)
async def test_redis_loses_doubles_delays_and_is_cut_off(cluster, talking, redis):
    async with (
        LossyProxy(redis.port, ROUNDS, delay=1.0) as proxy,
        cluster(bus=lambda _: proxy.url) as here,
        talking(here, TALKERS) as talkers,
    ):
        for _ in range(ROUNDS):
            await asyncio.sleep(SECONDS)
            proxy.cut()
            await asyncio.sleep(CUT_SECONDS)
            proxy.mend()
            await said(talkers, 100)
        assert proxy.lost
        assert proxy.doubled
        assert proxy.late


@pytest.mark.timeout(seconds=LONG)
async def test_answers_to_commits_are_lost(cluster, talking, database):
    with CommitProxy(database.port, 0.1, ROUNDS) as proxy:
        async with cluster(store=proxy.url) as here, talking(here, TALKERS) as talkers:
            until = time.monotonic() + SECONDS * ROUNDS
            while time.monotonic() < until:
                await said(talkers, 50)
            assert proxy.cuts
