"""Programs of others that tests run in front of a server: where they are, and how they are started."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UNPACKED = ROOT / ".venv/proxies/usr"
PATH = os.pathsep.join((os.environ["PATH"], "/usr/sbin", str(UNPACKED / "sbin"), str(UNPACKED / "bin")))


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def program(name):
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"deploy/ is not tested with {name}, which is not here: make proxies")
    return found


@asynccontextmanager
async def running(port, folder, *command, cwd=ROOT, **environment):
    """A program that listens on this port."""
    output = (folder / "output.txt").open("wb")
    with output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env={"PATH": PATH, "HOME": str(folder), **environment},
        )
    try:
        async with asyncio.timeout(20):
            while True:
                assert process.returncode is None, (folder / "output.txt").read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                break
        yield
    finally:
        if process.returncode is None:
            # Caddy would wait for what is open.
            process.kill()
        await process.wait()
