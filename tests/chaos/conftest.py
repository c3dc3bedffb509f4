"""Chaos: parts of a cluster die, stop and are cut off under load. ``make chaos ROUNDS=20`` does it over and over."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from chaos_client import Talker, settle
from chaos_cluster import Cluster

from chatserver.testing.postgresql import NoPostgresql, PostgresqlServer
from chatserver.testing.redis import NoRedis, RedisServer

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == HERE:
            item.add_marker("chaos")
            item.add_marker("slow")


@pytest.fixture(scope="session")
def database():
    """A PostgreSQL as an admin runs it: what it has acknowledged is on the disk."""
    try:
        server = PostgresqlServer(
            fsync="on",
            synchronous_commit="on",
            full_page_writes="on",
            max_connections="100",
            wal_level="replica",
        )
    except NoPostgresql as error:
        pytest.skip(f"chaos is not tested: {error}")
    yield server
    server.remove()


@pytest.fixture(scope="session")
def redis():
    try:
        server = RedisServer()
    except NoRedis as error:
        pytest.skip(f"chaos is not tested: {error}")
    yield server
    server.remove()


@pytest.fixture
def cluster(tmp_path, database, redis):
    """``async with cluster() as here``: see `Cluster`."""

    def make(**options):
        return Cluster(tmp_path, database, redis, **options)

    return make


@pytest.fixture
def talking():
    """``async with talking(cluster, 6) as talkers``: they talk meanwhile, on all nodes; in the end all is checked."""

    @asynccontextmanager
    async def talk(cluster, count, **options):
        talkers = [Talker(f"talker{number}", cluster.urls, seed=number, **options) for number in range(count)]
        try:
            for talker in talkers:
                talker.start()
            yield talkers
            await settle(talkers)
            assert not cluster.faults(), cluster.told()[-5000:]
        except BaseException:
            print(cluster.told()[-20000:])
            raise
        finally:
            for talker in talkers:
                await talker.leave()

    return talk
