"""What systemd is told of a server that it starts (sd_notify(3))."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import pytest

from chatserver.server.service_manager import ServiceManager
from chatserver.testing.settings import write_settings


@pytest.fixture
def manager(tmp_path):
    """Where a server tells its state, and the address for it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


async def told(manager):
    return (await asyncio.wait_for(asyncio.get_running_loop().sock_recv(manager, 100), 20)).decode()


async def test_a_server_says_when_it_is_ready_alive_and_stopping(manager, tmp_path):
    config = write_settings(tmp_path, store="memory:")
    environment = {
        "PATH": os.environ["PATH"],
        "NOTIFY_SOCKET": manager.getsockname(),
        "WATCHDOG_USEC": "9000000",
    }
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatserver", "serve", "--config", str(config)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert await told(manager) == "READY=1"
        # It listens by then.
        assert b"listens on" in await server.stdout.readline()
        assert await told(manager) == "WATCHDOG=1"
        assert await told(manager) == "WATCHDOG=1"
        server.send_signal(signal.SIGTERM)
        while (state := await told(manager)) == "WATCHDOG=1":
            pass
        assert state == "STOPPING=1"
        assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


async def test_a_process_that_is_not_watched_says_nothing_of_its_life(manager):
    address = manager.getsockname()
    for watched in ({}, {"WATCHDOG_USEC": "9000000", "WATCHDOG_PID": "1"}):
        one = ServiceManager({"NOTIFY_SOCKET": address, **watched})
        await one.alive()
        one.stopping()
        assert await told(manager) == "STOPPING=1"
    ServiceManager({}).ready()
    with pytest.raises(BlockingIOError):
        manager.recv(100)


async def test_a_manager_that_is_gone_or_does_not_read_holds_nothing_up(manager, caplog):
    one = ServiceManager({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "9000000"})
    for _ in range(2000):
        await one.alive()
    assert "can't be told WATCHDOG=1" in caplog.text
    ServiceManager({"NOTIFY_SOCKET": "@no-such-manager-of-chatserver"}).ready()
    assert "can't be told READY=1" in caplog.text
