"""Two windows on two nodes with nginx in front, through the death of each part; only by ``make chaos``."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from chaos_cluster import ROUNDS, free_port
from test_deploy import certificate, nginx_conf, program, running

SAID = 5


@pytest.mark.browser
@pytest.mark.skipif(not ROUNDS, reason="make chaos runs it")
@pytest.mark.timeout(seconds=300 + 120 * ROUNDS)
async def test_two_windows_talk_through_the_death_of_each_part(cluster, browser, tmp_path):
    expect = pytest.importorskip("playwright.async_api").expect
    expect.set_options(timeout=60_000)
    plain, redirecting, tls = (free_port() for _ in range(3))
    proxied = {"trusted_proxies": ["127.0.0.1"]}
    async with cluster(plugins=None, settings={"server": proxied}) as here:
        folder = tmp_path / "nginx"
        folder.mkdir()
        certificate(folder)
        one, two = here.ports()
        both = f"server 127.0.0.1:{one} fail_timeout=1s;\n    server 127.0.0.1:{two} fail_timeout=1s;"
        conf = nginx_conf(folder, one, plain, redirecting, tls).replace(f"server 127.0.0.1:{one};", both)
        # It listens on a port of its own here, which belongs to the page's origin.
        conf = conf.replace("Host $host;", "Host $http_host;")
        assert both in conf
        (folder / "nginx.conf").write_text(conf)
        nginx = program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")
        async with (
            running(plain, folder, *nginx),
            browser(SimpleNamespace(url=f"http://127.0.0.1:{plain}")) as windows,
        ):
            windows.forgive("WebSocket connection|Failed to load resource")
            alice, bob = await windows.guests("alice", "bob")
            said = []
            faults = (
                lambda: here.kill(0), lambda: here.kill(1), lambda: here.kill_postgresql(3.0),
                lambda: here.kill_redis(3.0), lambda: here.kill(0, 1),
            )  # fmt: skip
            for fault in faults * ROUNDS:
                failing = asyncio.ensure_future(fault())
                for _ in range(SAID):
                    for window, name in ((alice, "alice"), (bob, "bob")):
                        said.append(f"{name} {len(said)}")
                        await window.say(said[-1])
                await failing
                for window in (alice, bob):
                    for text in said[-2 * SAID :]:
                        await window.sees(text)
            first, second = [[text for text in await w.texts() if text in said] for w in (alice, bob)]
            assert first == second
            assert sorted(first) == sorted(said)
        assert not here.faults(), here.told()
