"""Other users of the machine read nothing of what the server keeps, however the folder was made."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest
from tornado.httpclient import AsyncHTTPClient

from chatserver.server import cli

pytestmark = pytest.mark.sqlite


def wide(folder):
    """All in the folder, and it itself, that group or others may do something with."""
    return [
        str(path.relative_to(folder))
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and path.stat().st_mode & 0o077
    ]


async def talk_and_upload(server):
    alice = await server.client(name="alice")
    await alice.join("general")
    await alice.says("x")
    headers = {"Authorization": f"Bearer {alice.token}", "X-File-Name": "a.txt", "Content-Type": "text/plain"}
    answer = await AsyncHTTPClient().fetch(
        f"{server.url}/plugins/files/upload?room=general", method="POST", body="a secret", headers=headers
    )
    assert b'"id"' in answer.body
    await alice.leave()


@pytest.fixture
def careless(request):
    """The usual umask, with which what is made can be read by all."""
    before = os.umask(0o022)
    yield
    os.umask(before)


async def test_a_wide_folder_as_systemd_makes_it_is_tightened(process, tmp_path, careless):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    async with process() as server:
        await talk_and_upload(server)
        assert wide(data) == []
        assert {"chat.db", "chat.db-wal", "chat.db-shm", "plugins"} <= {path.name for path in data.iterdir()}
    assert f"{data} was open to other users of this machine" in server.errors()


async def test_what_was_made_wide_before_is_tightened(process, tmp_path, careless):
    data = tmp_path / "data"
    server = process()
    async with server:
        await talk_and_upload(server)
    for path in (data, *data.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o664)
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("not ours")
    (data / "plugins" / "link").symlink_to(elsewhere)
    async with server:
        assert wide(data) == []
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644


async def test_a_database_in_a_folder_of_others_is_tightened_alone(process, tmp_path, careless):
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    server = process(settings={"store": {"url": f"sqlite:{folder / 'chat.db'}"}})
    async with server:
        assert wide(folder) == ["."]
    for path in folder.iterdir():
        path.chmod(0o644)
    async with server:
        assert wide(folder) == ["."]


def refusal(tmp_path, **options):
    """Why the server does not start: the only line that it writes."""
    (tmp_path / "config.yaml").write_text("server: {port: 0}\ndata_dir: data\n")
    ran = subprocess.run(
        [sys.executable, "-m", "chatserver", "serve"], cwd=tmp_path, capture_output=True, text=True, timeout=30,
        check=False, **options,
    )  # fmt: skip
    assert ran.returncode == cli.MISTAKE, ran.stdout + ran.stderr
    (line,) = ran.stderr.splitlines()
    return line


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_wide_folder_that_others_use_is_refused_and_left_as_it_is(tmp_path, mode):
    data = tmp_path / "data"
    data.mkdir()
    (data / "index.html").write_text("<h1>Hello</h1>")
    data.chmod(mode)
    line = refusal(tmp_path)
    assert f"(mode {mode:o})" in line
    assert "index.html" in line
    assert stat.S_IMODE(data.stat().st_mode) == mode
    assert [path.name for path in data.iterdir()] == ["index.html"]


def test_a_folder_for_all_such_as_tmp_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o1777)
    assert "mode 1777" in refusal(tmp_path)
    assert stat.S_IMODE(data.stat().st_mode) == 0o1777


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_wide_folder_of_another_user_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 12345, -1)
    data.chmod(0o775)
    assert "belongs to another user" in refusal(tmp_path)
    assert list(data.iterdir()) == []
