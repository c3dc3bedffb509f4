"""The socket by which commands ask the running server: it always answers, and only its own user gets to it."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatserver.model.errors import ConfigError, PluginError
from chatserver.server.control import Control, address, ask


async def _raises(error: BaseException) -> str:
    raise error


async def _fine(argument: str) -> str:
    return f"done {argument}"


async def test_whatever_is_raised_is_answered(tmp_path: Path) -> None:
    work = {
        "fine": _fine,
        "broken": lambda _: _raises(RuntimeError("no luck")),
        "exit": lambda _: _raises(SystemExit(3)),
        "text": lambda _: _raises(PluginError("bad \ud800")),
    }
    control = Control(tmp_path, work)
    await control.start()
    try:
        told = {
            each: await asyncio.wait_for(asyncio.to_thread(ask, tmp_path, each), 10)
            for each in ("fine x", "broken", "exit", "text", "other", "x" * 2**17)
        }
    finally:
        await control.stop()
    assert (told["fine x"].ok, told["fine x"].text) == (True, "done x")
    assert told["broken"].text == "broken failed: RuntimeError: no luck (the server's log has more)"
    assert told["exit"].text.startswith("exit failed: SystemExit: 3")
    assert told["text"].text == "bad \\ud800"
    assert "doesn't know 'other'" in told["other"].text
    assert "too long" in told["x" * 2**17].text
    assert [answer.ok for answer in told.values()] == [True, *[False] * 5]


@pytest.fixture(name="runtime")
def _runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short path, for a data folder with a long one."""
    folder = Path(tempfile.mkdtemp(prefix="rt"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


async def test_a_long_path_has_its_socket_in_a_folder_of_the_user(tmp_path: Path, runtime: Path) -> None:
    data = tmp_path / ("x" * 100)
    assert address(data).parent == runtime / "chatserver"
    control = Control(data, {"fine": _fine})
    await control.start()
    try:
        assert (runtime / "chatserver").stat().st_mode & 0o777 == 0o700
        assert (await asyncio.to_thread(ask, data, "fine x")).text == "done x"
    finally:
        await control.stop()


@pytest.mark.parametrize("wrong", ["mode", "link", "file"])
async def test_a_folder_that_others_can_change_is_not_used(
    tmp_path: Path, runtime: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / ("x" * 100)
    folder = runtime / "chatserver"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    if wrong == "mode":
        folder.mkdir()
        folder.chmod(0o770)
    elif wrong == "link":
        folder.symlink_to(elsewhere)
    else:
        folder.write_text("")
    control = Control(data, {"fine": _fine})
    await control.start()
    assert "can't be reloaded by command" in caplog.text
    assert not list(elsewhere.iterdir())
    await control.stop()
    if wrong != "file":
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(address(data)))
            with pytest.raises(ConfigError, match="only this user can get into"):
                await asyncio.to_thread(ask, data, "fine x")
