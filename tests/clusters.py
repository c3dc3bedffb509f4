"""Two servers of one chat in the test's own loop, and nginx in front of them."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager

import pytest
from programs import free_ports, program, running

from chatserver.testing.harness import Harness
from chatserver.testing.postgresql import NoPostgresql, postgresql
from chatserver.testing.redis import NoRedis, redis_server

SOON = {"node_beat": 0.2, "node_silence": 1.5}


def redis_or_skip():
    """A Redis, once there is a PostgreSQL, too."""
    try:
        postgresql()
        return redis_server()
    except (NoPostgresql, NoRedis) as error:
        pytest.skip(f"several servers are not tested: {error}")


@asynccontextmanager
async def two_servers(folder, *, url=None, settings=None, **options):
    """``async with two_servers(tmp_path) as (one, two)``; ``url`` is the way to Redis."""
    url = url or redis_or_skip().url
    database = postgresql().make()
    options.setdefault("plugins", ["basics", "history"])
    options["timeouts"] = {**SOON, **options.get("timeouts", {})}
    bus = {"url": url, "prefix": secrets.token_hex(4)}
    settings = {**(settings or {}), "store": {"url": database}, "bus": bus}
    folders = [folder / name for name in ("one", "two")]
    for each in folders:
        each.mkdir()
    try:
        async with (
            Harness(folders[0], settings=settings, **options) as one,
            Harness(folders[1], settings=settings, **options) as two,
        ):
            await until(lambda: all(each.services.nodes.others() for each in (one, two)))
            await until(lambda: not any(each.services.bus.problem for each in (one, two)))
            yield one, two
    finally:
        postgresql().drop(database)


async def until(condition):
    """Wait for something that comes by itself."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - anything may be waited for
            await asyncio.sleep(0.01)


@asynccontextmanager
async def round_robin(folder, *servers):
    """The address of an nginx that gives each request to the next server."""
    path = program("nginx")
    (port,) = free_ports(1)
    upstream = "".join(f"server 127.0.0.1:{each.server.port};" for each in servers)
    temporary = "".join(
        f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder / 'pid'}; events {{ }}"
        f"http {{ access_log off; {temporary} upstream chat {{ {upstream} }}"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://chat; proxy_http_version 1.1;"
        " proxy_set_header Host $host; proxy_set_header Connection ''; proxy_buffering off; }}}}".replace(
            "}}}}", "} } }"
        )
    )
    async with running(
        port, folder, path, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")
    ):
        yield f"http://127.0.0.1:{port}"
