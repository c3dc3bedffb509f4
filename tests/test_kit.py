"""The test kit's own rules."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from chatserver.config import load
from chatserver.testing import Refused, ServerProcess
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
    runs, runs_not = (
        "test_servers_in_the_loop_and_in_processes_take_it",
        "test_without_plugins_named_a_server_has_those_it_has_by_itself",
    )
    assert marked & here & {runs, runs_not} == {runs} & here


async def test_a_process_that_does_not_start_in_time_is_not_left_behind(tmp_path):
    server = ServerProcess(tmp_path, start_seconds=0)
    with pytest.raises(TimeoutError):
        await server.start()
    left = server._process.returncode is None
    if left:
        await server.kill()
    assert not left


PARTY = """
from chatserver import Plugin, command


class Party(Plugin):
    @command()
    async def party(self, ctx, *, text: str):
        await self.chat.post(ctx.room, text, user=ctx.user, kind="party:shout")
"""
CLIENT = """
export function activate(chat) {
  chat.addRenderer("party:shout", (message) => {
    const shout = document.createElement("strong");
    shout.textContent = message.content.toUpperCase();
    return shout;
  });
}
"""


@pytest.fixture
def party(tmp_path):
    """A folder with a plugin that has a part in the browser."""
    folder = tmp_path / "own" / "party"
    (folder / "static").mkdir(parents=True)
    (folder / "__init__.py").write_text(PARTY)
    (folder / "static" / "client.js").write_text(CLIENT)
    return tmp_path / "own"


@pytest.mark.browser
async def test_a_plugins_part_in_the_browser_is_tested_with_the_kit(chat, browser, party):
    async with chat(plugins=["party", "history"], dirs=[party]) as server, browser(server) as windows:
        alice, bob = await windows.guests("alice", "bob")
        await alice.say("/party hello")
        await bob.log.locator("strong", has_text="HELLO").wait_for()


@pytest.mark.browser
async def test_what_a_plugins_part_in_the_browser_does_wrong_fails_the_test(chat, browser, party):
    (party / "party" / "static" / "client.js").write_text(
        "export function activate() { throw new Error('no party'); }"
    )

    async def look(server):
        async with browser(server) as windows:
            (alice,) = await windows.guests("alice")
            async with alice.page.expect_console_message(lambda message: "no party" in message.text):
                await alice.page.reload()

    async with chat(plugins=["party", "history"], dirs=[party]) as server:
        with pytest.raises(AssertionError, match="no party"):
            await look(server)


def test_without_playwright_the_browser_part_is_skipped_with_a_clear_word(monkeypatch, request):
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    with pytest.raises(pytest.skip.Exception, match="pip install playwright"):
        request.getfixturevalue("browser")


async def test_accounts_are_there_from_the_start_and_plugins_at_hand(chat):
    async with chat(plugins=["basics"], accounts={"mona": "moderator"}) as server:
        mona, bob = await server.join("general", "mona", "bob")
        assert (mona.welcome.user["role"], bob.welcome.user["role"]) == ("moderator", "guest")
        assert server.plugin("basics").name == "basics"
        with pytest.raises(AssertionError, match="no plugin 'emoji'"):
            server.plugin("emoji")


FAILING = """
from chatserver import Handler, Plugin, RequestSpec, Route, command, hookimpl


class Page(Handler):
    async def get(self):
        raise KeyError("route")


class Failing(Plugin):
    @hookimpl
    def register_requests(self):
        return [RequestSpec("ask", dict, lambda ctx, fields: {"answer": object()})]

    @hookimpl
    def register_events(self):
        return ["done"]

    @hookimpl
    def register_routes(self):
        return [Route("page", Page)]

    @hookimpl
    def after_post(self, message):
        if message.content == "hook":
            raise KeyError("hook")

    @command()
    async def fail(self, ctx, how: str):
        if how == "job":
            self.spawn(self.job())
        if how == "also":
            await self.chat.append(ctx.room, "done", {}, user=ctx.user, also=lambda tx: tx.execute("nonsense"))

    async def job(self):
        raise KeyError("job")
"""


@pytest.mark.parametrize("where", ["hook", "/fail job", "/fail also", "request", "route"])
async def test_a_failure_anywhere_in_a_plugin_fails_the_test(chat, tmp_path, where, eventually):
    (tmp_path / "failing.py").write_text(FAILING)

    async def run():
        async with chat(plugins=["failing"], dirs=[tmp_path]) as server:
            (alice,) = await server.join("general", "alice")
            with contextlib.suppress(Refused):
                if where == "request":
                    await alice.ask("failing:ask")
                elif where == "route":
                    await server.http("GET", "/plugins/failing/page")
                else:
                    await alice.says(where)
            await eventually(lambda: server.server.host.failures)

    with pytest.raises(AssertionError, match="plugins failed"):
        await run()


async def test_what_tests_have_started_ends_with_their_process_killed_or_not(tmp_path, eventually):
    there = tmp_path / "there"
    code = "import sys, time; from chatserver.testing.guard import Guard; Guard('touch \"$1\"', sys.argv[1]);"
    test = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", f"{code} print('up', flush=True); time.sleep(60)", str(there)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert await test.stdout.readline() == b"up\n"
    assert not there.exists()
    test.kill()
    await test.communicate()
    await eventually(there.exists)
