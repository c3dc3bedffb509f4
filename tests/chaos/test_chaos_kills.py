"""Parts of a cluster are killed or stopped under load: nothing acknowledged is lost or doubled, for no one."""

from __future__ import annotations

import asyncio
import random

import pytest
from chaos_client import said
from chaos_cluster import ROUNDS

MORE = 50
TALKERS = 6
FAULTS = ("node", "postgresql", "redis", "both", "freeze")
PAUSE = 0.5


async def fault(cluster, name, chance):
    """Let one thing go wrong, and be right again."""
    match name:
        case "node":
            await cluster.kill(chance.randrange(2))
        case "both":
            await cluster.kill(0, 1)
        case "postgresql":
            await cluster.kill_postgresql(3.0)
        case "redis":
            await cluster.kill_redis(chance.random() * 5)
        case "freeze":
            await cluster.freeze(chance.randrange(2), 20.0)


# Ten starts of servers take too long on a machine that is busy with other tests.
@pytest.mark.skipif(not ROUNDS, reason="make chaos runs it")
@pytest.mark.timeout(seconds=300 + 60 * ROUNDS * len(FAULTS))
async def test_nothing_is_lost_or_doubled_when_parts_die(cluster, talking):
    chance = random.Random(f"kills {ROUNDS}")
    async with cluster() as here, talking(here, TALKERS) as talkers:
        for _ in range(ROUNDS):
            for name in FAULTS:
                await said(talkers, MORE)
                await asyncio.sleep(chance.random() * PAUSE)
                print("fault:", name, flush=True)
                await fault(here, name, chance)
        await said(talkers, MORE)
