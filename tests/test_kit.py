"""The test kit's own rules."""

from __future__ import annotations

import functools

import pytest

from chatserver.config import load
from chatserver.testing import ServerProcess, process
from chatserver.testing.settings import FROM_ENVIRONMENT, write_settings

TRANSPORT = FROM_ENVIRONMENT["transport"]


@pytest.mark.parametrize(
    ("environment", "said", "read"),
    [
        ("", None, "lean"),
        ("stream", None, "stream"),
        ("stream", "lean", "lean"),
        ("lean", "stream", "stream"),
    ],
)
def test_the_environment_names_the_transport_where_a_test_does_not(
    monkeypatch, tmp_path, environment, said, read
):
    monkeypatch.setenv(TRANSPORT, environment)
    settings = {"server": {"transport": said}} if said else None
    assert load(write_settings(tmp_path, settings=settings), {}).server.transport == read


async def test_servers_in_the_loop_and_in_processes_take_it(monkeypatch, chat, process):
    monkeypatch.setenv(TRANSPORT, "stream")
    async with chat() as server:
        assert server.server.settings.server.transport == "stream"
    assert "transport: stream" in process().config.read_text()


def test_without_plugins_named_a_server_has_those_it_has_by_itself(tmp_path):
    assert "history" in load(write_settings(tmp_path), {}).plugins.enabled
    assert not load(write_settings(tmp_path, plugins=[]), {}).plugins.enabled


def test_what_runs_a_server_is_run_both_ways_unless_it_chooses(request):
    marked = {item.name for item in request.session.items if item.get_closest_marker("sockets")}
    here = {item.name for item in request.session.items if item.path == request.path}
    assert marked & here == {"test_servers_in_the_loop_and_in_processes_take_it"} & here


async def test_a_process_that_does_not_start_in_time_is_not_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "START_SECONDS", 0)
    server = ServerProcess(tmp_path)
    # Its end may take longer than no time at all.
    monkeypatch.setattr(server, "ended", functools.partial(server.ended, 20))
    with pytest.raises(TimeoutError):
        await server.start()
    left = server._process.returncode is None
    if left:
        await server.kill()
    assert not left
