"""A plugin from a package that knows nothing of ours: installed, found by its entry point, used in all its ways."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from chatserver.testing import Refused

STRANGER = Path(__file__).parent.parent / "stranger"


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """The folder into which pip has installed the package; its sources stay as they are."""
    folder = tmp_path_factory.mktemp("stranger")
    source, target = shutil.copytree(STRANGER, folder / "source"), folder / "site-packages"
    install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    command = [*install, "--no-build-isolation", "--target", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return target


@pytest.fixture
def polls(installed, monkeypatch, chat):
    """Makes servers on which the package is installed."""
    monkeypatch.syspath_prepend(installed)

    def make(settings=None):
        return chat(plugins={"tally": settings or {}, "basics": {}, "history": {}})

    return make


async def ask(client, text="/tally Lunch? | Pizza | Salad"):
    """Ask the room, and return the poll's message."""
    await client.says(text)
    return await client.hears(kind="tally:poll")


async def results(server, client, poll):
    answer = await server.http("GET", f"/plugins/tally/results/{poll}", token=client.token)
    return answer.code, json.loads(answer.body)


def test_it_imports_nothing_but_the_face():
    for path in STRANGER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
                assert not node.module.startswith("chatserver."), path
            elif isinstance(node, ast.Import):
                assert not [each for each in node.names if each.name.startswith("chatserver")], path


async def test_installed_is_not_enabled(polls, chat):
    async with chat() as server:
        (alice,) = await server.join("general", "alice")
        assert "tally" not in alice.welcome.plugins
        with pytest.raises(Refused) as refused:
            await alice.ask("tally:vote", poll="m1", choice=0)
        assert refused.value.code == "unknown_type"


async def test_the_command_asks_in_readable_text(polls):
    async with polls() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("/tally Lunch? | Pizza | Salad")
        heard = await bob.hears()
        assert (heard.kind, heard.content) == ("tally:poll", "Lunch?\n• Pizza\n• Salad")


@pytest.mark.parametrize(
    "text",
    ["/tally", "/tally Lunch?", "/tally Lunch? | Pizza", "/tally a | b | | c", "/tally a | b | c | d | e"],
)
async def test_the_setting_limits_the_choices(polls, text):
    async with polls({"max_choices": 3}) as server:
        (alice,) = await server.join("general", "alice")
        assert alice.welcome.plugins["tally"]["settings"] == {"max_choices": 3}
        with pytest.raises(Refused) as refused:
            await alice.says(text)
        assert (refused.value.code, refused.value.field) == ("invalid", "text")


async def test_a_wrong_setting_stops_the_start(polls):
    from chatserver.model.errors import ConfigError

    for settings in ({"max_choices": 1}, {"max_choices": "many"}, {"max_choice": 3}):
        with pytest.raises(ConfigError, match="tally"):
            async with polls(settings):
                pass


async def test_votes_are_events_of_the_room_and_rows_of_the_plugin(polls):
    async with polls() as server:
        alice, bob = await server.join("general", "alice", "bob")
        poll = (await ask(alice)).message_id
        reply = await bob.ask("tally:vote", poll=poll, choice=1)
        assert reply.counts == [0, 1]
        voted = await alice.hears("tally:voted")
        assert (voted.poll, voted.choice, voted.user["name"]) == (poll, 1, "bob")
        assert (await bob.ask("tally:vote", poll=poll, choice=0)).counts == [1, 0]
        assert (await alice.hears("tally:voted")).seq == voted.seq + 1
        assert (await alice.ask("tally:vote", poll=poll, choice=0)).counts == [2, 0]


async def test_who_was_away_gets_the_votes_by_resuming(polls):
    async with polls() as server:
        alice, bob = await server.join("general", "alice", "bob")
        poll = (await ask(alice)).message_id
        await bob.hears()
        resume = {"epoch": bob.welcome.epoch, "rooms": dict(bob.seen)}
        await bob.leave()
        await alice.ask("tally:vote", poll=poll, choice=1)
        again = await server.client(token=bob.token, resume=resume)
        assert (await again.hears("tally:voted")).choice == 1


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"choice": 2}, "invalid"),
        ({"choice": -1}, "invalid"),
        ({"choice": "0"}, "invalid"),
        ({}, "invalid"),
        ({"poll": "m0", "choice": 0}, "not_found"),
    ],
)
async def test_bad_votes_are_refused(polls, fields, code):
    async with polls() as server:
        (alice,) = await server.join("general", "alice")
        poll = (await ask(alice)).message_id
        with pytest.raises(Refused) as refused:
            await alice.ask("tally:vote", **{"poll": poll, **fields})
        assert refused.value.code == code


async def test_the_route_answers_those_who_may_read(polls):
    async with polls() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("hi", to="bob")
        direct = (await bob.hears()).room
        await alice.says("/tally Tea? | Green | Black", room=direct)
        poll = (await bob.hears()).message_id
        assert await results(server, bob, poll) == (200, {"poll": poll, "counts": [0, 0], "closed": False})
        carol = await server.client("carol")
        assert (await results(server, carol, poll))[0] == 404
        assert (await server.http("GET", f"/plugins/tally/results/{poll}")).code == 401


async def test_the_permission_decides_who_closes(polls):
    async with polls() as server:
        (alice,) = await server.join("general", "alice")
        mona = await server.account("mona", "moderator")
        await mona.join("general")
        poll = (await ask(alice)).message_id
        await alice.ask("tally:vote", poll=poll, choice=1)
        with pytest.raises(Refused) as refused:
            await alice.says("/endtally")
        assert refused.value.code == "forbidden"
        await mona.says("/endtally")
        closed = await alice.hears("tally:closed")
        assert (closed.poll, closed.counts, closed.user["name"]) == (poll, [0, 1], "mona")
        with pytest.raises(Refused) as refused:
            await alice.ask("tally:vote", poll=poll, choice=0)
        assert refused.value.error.plugin == "tally"


async def test_the_job_closes_what_is_due(polls):
    async with polls({"open_hours": 0.00001}) as server:
        (alice,) = await server.join("general", "alice")
        poll = (await ask(alice)).message_id
        assert (await alice.hears("tally:closed")).poll == poll
        assert (await results(server, alice, poll))[1]["closed"]


async def test_the_hooks_keep_a_poll_as_it_was_asked(polls):
    async with polls() as server:
        (alice,) = await server.join("general", "alice")
        poll = (await ask(alice)).message_id
        with pytest.raises(Refused) as refused:
            await alice.ask("edit", message_id=poll, content="Dinner?")
        assert refused.value.code == "rejected"
        await alice.ask("delete", message_id=poll)
        assert (await results(server, alice, poll))[0] == 404


async def test_tables_and_votes_outlive_a_restart(installed, monkeypatch, chat):
    monkeypatch.syspath_prepend(installed)
    async with chat(plugins=["tally"], settings={"store": {"url": "sqlite:"}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        poll = (await ask(alice)).message_id
        await bob.ask("tally:vote", poll=poll, choice=1)
        await server.restart()
        assert (await results(server, alice, poll))[1]["counts"] == [0, 1]


async def test_the_browser_part_is_announced_and_served(polls):
    async with polls() as server:
        (alice,) = await server.join("general", "alice")
        announced = alice.welcome.plugins["tally"]
        script = await server.http("GET", announced["client"])
        assert script.headers["Content-Type"].startswith("text/javascript")
        assert b"export function activate(chat)" in script.body
        style = await server.http("GET", announced["css"])
        assert style.headers["Content-Type"].startswith("text/css")
        assert b"@layer plugins" in style.body


async def test_its_help_stands_beside_ours(polls):
    async with polls() as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("/help tally")
        assert "question | choice" in (await alice.hears("notice")).text


@pytest.mark.browser
async def test_the_browser_part_draws_a_poll_and_votes(polls):
    async with polls() as server, async_playwright() as playwright:
        (bob,) = await server.join("general", "bob")
        system = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = await playwright.chromium.launch(executable_path=system, args=["--no-sandbox"])
        page = await browser.new_page(locale="en")
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(server.url)
        await page.get_by_role("textbox", name="Your name").fill("alice")
        await page.keyboard.press("Enter")
        await bob.hears("joined")
        poll = await ask(bob)
        await page.get_by_role("group", name="Lunch?").get_by_role("button", name="Salad").click()
        voted = await bob.hears("tally:voted")
        assert (voted.poll, voted.choice, voted.user["name"]) == (poll.message_id, 1, "alice")
        await page.get_by_role("button", name="Salad 1 vote", pressed=True).wait_for()
        await bob.ask("tally:vote", poll=poll.message_id, choice=1)
        await page.get_by_role("button", name="Salad 2 votes").wait_for()
        await browser.close()
        assert errors == []
