"""examples/clamav.py: with the real daemon, where it is installed; and without one."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from test_files import TEXT, fetch, stored, upload, uploaded

# The file that all scanners know, in two parts, so that none finds it here.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURE = "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test\n"
CONFIG = """Foreground yes
LocalSocket {folder}/clamd.sock
DatabaseDirectory {folder}/db
TemporaryDirectory {folder}
StreamMaxLength 1M
"""
CLAMD = shutil.which("clamd")


@asynccontextmanager
async def daemon():
    """clamd with one signature; the address of its socket."""
    # A path below pytest's own is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="clamd"))
    try:
        (folder / "db").mkdir()
        (folder / "db" / "test.hdb").write_text(SIGNATURE)
        (folder / "clamd.conf").write_text(CONFIG.format(folder=folder))
        process = await asyncio.create_subprocess_exec(
            CLAMD,
            "-c",
            str(folder / "clamd.conf"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(60):
                while not (folder / "clamd.sock").exists():
                    assert process.returncode is None, "clamd does not run"
                    await asyncio.sleep(0.05)
            yield str(folder / "clamd.sock")
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(CLAMD is None, reason="clamd is not installed (Debian: clamav-daemon)")
@pytest.mark.skipif(os.name != "posix", reason="it listens on a socket in a folder")
async def test_the_real_scanner_finds_what_it_knows(chat, examples, tmp_path):
    async with (
        daemon() as address,
        chat(plugins={"clamav": {"address": address}, "files": {}}, dirs=[examples]) as server,
    ):
        (alice,) = await server.join("general", "alice")
        status, answer = await upload(server, alice, EICAR)
        assert (status, answer["error"]["code"], answer["error"]["plugin"]) == (403, "rejected", "clamav")
        assert "Eicar-Test" in answer["error"]["message"]
        # Larger than it takes: refused, as not looked at.
        assert (await upload(server, alice, bytes(2_000_000)))[1]["error"]["code"] == "plugin_failed"
        assert len(server.failures()) == 1
        assert stored(tmp_path) == []
        assert (await fetch(server, alice, await uploaded(server, alice))).body == TEXT
        assert (await server.http("GET", "/readyz")).code == 200


async def test_without_the_scanner_no_file_is_taken(chat, examples, tmp_path):
    plugins = {"clamav": {"address": str(tmp_path / "none.sock")}, "files": {}}
    async with chat(plugins=plugins, dirs=[examples]) as server:
        (alice,) = await server.join("general", "alice")
        assert (await upload(server, alice))[1]["error"]["code"] == "plugin_failed"
        assert len(server.failures()) == 1
        assert stored(tmp_path) == []
        ready = await server.http("GET", "/readyz")
        assert (ready.code, b"clamd" in ready.body) == (503, True)
