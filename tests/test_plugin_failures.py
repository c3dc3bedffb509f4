"""Whatever a plugin raises, and wherever, is that plugin's failure: named, counted, and no one else's."""

from __future__ import annotations

import asyncio
import re

import pytest

from chatserver.model.errors import PluginError
from chatserver.plugins.deadline import Waiting
from chatserver.testing import Refused

RAISES = {
    "argparse": "argparse.ArgumentParser(prog='bad').parse_args(['--nonsense'])",
    "interrupt": "raise KeyboardInterrupt",
    "bare": "raise BaseException('bare')",
}
BEGIN = """
import argparse
import asyncio
import msgspec
from chatserver import Handler, Plugin, RequestSpec, Route, command, hookimpl

class Fields(msgspec.Struct):
    pass

class Broken(msgspec.Struct):
    def __post_init__(self):
        fail()

class Page(Handler):
    def get(self):
        fail()

class Slow(Handler):
    async def get(self):
        await asyncio.sleep(0)
        fail()

class Bad(Plugin):
    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("ask", Fields, self.ask), RequestSpec("later", Fields, self.later),
            RequestSpec("broken", Broken, self.ask),
        ]

    @hookimpl
    def register_routes(self):
        return [Route("page", Page), Route("slow", Slow)]

    def ask(self, ctx, fields):
        fail()

    async def later(self, ctx, fields):
        await asyncio.sleep(0)
        fail()

    @command()
    def parse(self, ctx):
        fail()

    @command()
    async def wait(self, ctx):
        await asyncio.sleep(0)
        fail()

    @command()
    async def write(self, ctx):
        await self.db.transaction(lambda tx: fail())

    @command()
    def job(self, ctx):
        self.spawn(self.later(ctx, None))

    @command()
    def again(self, ctx):
        self.every(0.01, self.once)

    async def once(self):
        self.cancel()
        fail()

    def cancel(self):
        # After this run no other one comes.
        asyncio.current_task().get_loop().call_soon(asyncio.current_task().cancel)
"""
LAST = """
from chatserver import Plugin, hookimpl

class Last(Plugin):
    @hookimpl
    def shutdown(self):
        self.log.error("the last one")
"""
WRONG_SQL = """
from chatserver import Plugin, command

class Wrong(Plugin):
    migrations = ("CREATE TABLE wrong_one (id INTEGER PRIMARY KEY)",)

    @command()
    async def read(self, ctx):
        await self.db.query("SELECT * FROM wrong_two")

    @command()
    async def write(self, ctx):
        await self.db.execute("INSERT INTO wrong_two VALUES (1)")

    @command()
    async def twice(self, ctx):
        await self.db.execute("INSERT INTO wrong_one VALUES (1)")
        await self.db.execute("INSERT INTO wrong_one VALUES (1)")
"""
HOOKS = {
    "before_post": "self, draft",
    "before_edit": "self, draft",
    "render": "self, draft",
    "before_join": "self, room",
    "may": "self, user",
    "backlog": "self",
    "authenticate": "self",
    "after_event": "self, event",
    "after_post": "self, message",
    "after_join": "self, user",
    "after_connect": "self",
}
PLAIN_ONLY = {"in_commit": "self, tx, events", "client_settings": "self"}


@pytest.fixture(params=RAISES)
def bad(request, tmp_path):
    """Writes the plugin ``bad``, with more lines in its class; the folder it is in."""

    def write(more="", name="bad"):
        folder = tmp_path / "plugins"
        folder.mkdir(exist_ok=True)
        source = f"{BEGIN}\n{more}\n\ndef fail():\n    {RAISES[request.param]}\n"
        (folder / f"{name}.py").write_text(source)
        return folder

    return write


def hook(name, arguments, *, later=False):
    body = "await asyncio.sleep(0)\n        fail()" if later else "fail()"
    return f"    @hookimpl\n    {'async ' if later else ''}def {name}({arguments}):\n        {body}\n"


async def still_works(server):
    alice, bob = await server.join("general", "alice", "bob")
    sent = await alice.says("still here")
    await alice.ask("edit", message_id=sent.message_id, content="and here")
    assert (await bob.hears()).content == "still here"
    assert (await bob.hears("edited")).content == "and here"


async def refusal(asked):
    with pytest.raises(Refused) as caught:
        await asked
    return caught.value.code, caught.value.error.get("plugin")


PLACE = re.compile(
    r"plugin bad failed in \S.*: (SystemExit: 2|KeyboardInterrupt|BaseException: bare) \(\S+bad\.py, line \d+\)"
)


@pytest.mark.parametrize(
    ("name", "later"),
    [*((name, later) for name in HOOKS for later in (False, True)), *((n, False) for n in PLAIN_ONLY)],
)
async def test_a_hook_is_skipped_whatever_it_raises(chat, bad, eventually, caplog, name, later):
    arguments = {**HOOKS, **PLAIN_ONLY}[name]
    async with chat(plugins=["bad"], dirs=[bad(hook(name, arguments, later=later))]) as server:
        await still_works(server)
        stats = server.server.host.stats["bad", name]
        await eventually(lambda: stats.failures)
        assert stats.calls >= stats.failures
        assert {(failed.plugin, failed.what) for failed in server.failures()} == {("bad", name)}
    assert any(PLACE.fullmatch(message) for message in caplog.messages), caplog.messages


REFUSING = {
    "before_post": hook("before_post", "self, draft"),
    "before_post, later": hook("before_post", "self, draft", later=True),
    "in_commit": """
    @hookimpl
    def in_commit(self, tx, events):
        for event in events:
            if event.type == "message":
                fail()
""",
}


@pytest.mark.parametrize("name", REFUSING)
async def test_a_plugin_that_has_to_approve_refuses(chat, bad, name):
    folder = bad(f"    on_error = 'reject'\n{REFUSING[name]}")
    async with chat(plugins=["bad"], dirs=[folder]) as server:
        (alice,) = await server.join("general", "alice")
        assert await refusal(alice.says("hello")) == ("plugin_failed", "bad")
        await alice.ask("ping")
        assert {failed.what for failed in server.failures()} == {name.partition(",")[0]}


@pytest.mark.parametrize("text", ["/parse", "/wait", "/write"])
async def test_a_command_is_refused_in_the_plugins_name(chat, bad, caplog, text):
    async with chat(plugins=["bad"], dirs=[bad()]) as server:
        (alice,) = await server.join("general", "alice")
        assert await refusal(alice.says(text)) == ("plugin_failed", "bad")
        assert server.server.host.stats["bad", text].failures == 1
        assert [failed.what for failed in server.failures()] == [text]
        await still_works_for(alice)
    assert any(PLACE.fullmatch(message) for message in caplog.messages), caplog.messages


async def still_works_for(client):
    await client.says("still here")
    assert (await client.hears()).content == "still here"


@pytest.mark.parametrize("type", ["ask", "later", "broken"])
async def test_a_request_is_refused_in_the_plugins_name(chat, bad, type):
    async with chat(plugins=["bad"], dirs=[bad()]) as server:
        (alice,) = await server.join("general", "alice")
        assert await refusal(alice.ask(f"bad:{type}")) == ("plugin_failed", "bad")
        assert [failed.what for failed in server.failures()] == [f"request bad:{type}"]
        await still_works_for(alice)


@pytest.mark.parametrize(("path", "route"), [("page", "GET Page"), ("slow", "GET Slow")])
async def test_a_route_is_refused_in_the_plugins_name(chat, bad, caplog, path, route):
    async with chat(plugins=["bad"], dirs=[bad()]) as server:
        answer = await server.http("GET", f"/plugins/bad/{path}")
        assert answer.code == 503
        assert b'"code":"plugin_failed"' in answer.body
        assert b'"plugin":"bad"' in answer.body
        stats = server.server.host.stats["bad", route]
        assert (stats.calls, stats.failures) == (1, 1)
        server.failures()
        await still_works(server)
    assert any(PLACE.fullmatch(message) for message in caplog.messages), caplog.messages


@pytest.mark.parametrize("text", ["/job", "/again"])
async def test_a_job_that_fails_is_reported_and_counted(chat, bad, caplog, eventually, text):
    async with chat(plugins=["bad"], dirs=[bad()]) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says(text)
        await eventually(lambda: ("bad", "job") in server.server.host.stats)
        assert server.server.host.stats["bad", "job"].failures == 1
        assert [failed.what for failed in server.failures()] == ["job"]
        await still_works_for(alice)
    told = ("plugin bad: a background job failed: ", "plugin bad: the job once failed: ")
    assert any(message.startswith(told) for message in caplog.messages)


async def test_health_says_that_it_failed(chat, bad):
    async with chat(plugins=["bad"], dirs=[bad(hook("health", "self"))]) as server:
        answer = await server.http("GET", "/readyz")
        assert answer.code == 503
        assert b"The plugin 'bad' failed." in answer.body
        server.failures()
        await still_works(server)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (hook("startup", "self"), "startup failed"),
        (hook("startup", "self", later=True), "startup failed"),
        ("    migrations = (lambda tx: fail(),)", "its migrations failed"),
        ("    def __init__(self, *args):\n        fail()", "can't be made"),
        (hook("register_permissions", "self"), "hook register_permissions"),
        ("    fail = fail()", "can't be imported: NameError"),
    ],
)
async def test_a_start_fails_with_the_plugins_name_and_the_place(chat, bad, more, what):
    before = asyncio.all_tasks()
    with pytest.raises(PluginError, match=rf"plugin 'bad': {what}.* \(\S+bad\.py, line \d+\)$"):
        async with chat(plugins=["bad"], dirs=[bad(more)]):
            pass
    assert asyncio.all_tasks() <= before


@pytest.mark.parametrize(
    ("migration", "reason"),
    [
        ("'CREATE TABLE bad_x y'", 'near "y": syntax error'),
        ("lambda tx: 1 / 0", "ZeroDivisionError: division by zero"),
        ("lambda tx: tx.execute('SELECT * FROM bad_y')", "no such table: bad_y"),
    ],
)
@pytest.mark.parametrize("url", ["memory:", "sqlite:"])
async def test_a_failing_migration_is_told_with_its_cause(chat, bad, migration, reason, url):
    folder = bad(f"    migrations = ({migration},)")
    with pytest.raises(PluginError, match=f"plugin 'bad': its migrations failed: .*{re.escape(reason)}"):
        async with chat(plugins=["bad"], dirs=[folder], settings={"store": {"url": url}}):
            pass


@pytest.mark.parametrize("url", ["memory:", "sqlite:"])
async def test_wrong_sql_of_a_plugin_is_its_failure_and_not_the_storages(chat, tmp_path, url):
    (tmp_path / "wrong.py").write_text(WRONG_SQL)
    async with chat(plugins=["wrong"], dirs=[tmp_path], settings={"store": {"url": url}}) as server:
        (alice,) = await server.join("general", "alice")
        for text in ("/read", "/write", "/twice"):
            assert await refusal(alice.says(text)) == ("plugin_failed", "wrong")
            (failed,) = server.failures()
            assert failed.what == text
        await still_works_for(alice)


async def test_a_failing_shutdown_ends_nothing_else(chat, bad, caplog):
    folder = bad(hook("shutdown", "self"))
    (folder / "last.py").write_text(LAST)
    async with chat(plugins=["last", "bad"], dirs=[folder], strict=False) as server:
        await still_works(server)
    assert "the last one" in caplog.messages
    assert any("plugin bad failed in shutdown" in message for message in caplog.messages)


HALF = """
from chatserver import Plugin, command, hookimpl

class {NAME}(Plugin):
    migrations = ("CREATE TABLE {TABLE}_seen (message TEXT)",)

    @hookimpl(events=("message",))
    def in_commit(self, tx, events):
        for event in events:
            if event.message.content != "quiet":
                tx.execute("INSERT INTO {TABLE}_seen VALUES (:message)", message=event.message.content)
            if event.message.content == "{FAILS}":
                raise ValueError("half way")

    @command("{TABLE}")
    async def seen(self, ctx):
        return " ".join(row["message"] for row in await self.db.query("SELECT message FROM {TABLE}_seen"))
"""


@pytest.mark.parametrize("url", ["memory:", "sqlite:"])
async def test_what_a_failing_in_commit_wrote_is_undone_and_nothing_else(chat, tmp_path, url):
    for table, fails in (("first", "one"), ("second", "two")):
        source = HALF.replace("{NAME}", table.title()).replace("{TABLE}", table).replace("{FAILS}", fails)
        (tmp_path / f"{table}.py").write_text(source)
    settings = {"store": {"url": url}}
    async with chat(plugins=["first", "second"], dirs=[tmp_path], settings=settings) as server:
        (alice,) = await server.join("general", "alice")
        for text in ("one", "quiet", "two", "three"):
            await alice.says(text)
            assert (await alice.hears()).content == text
        for command, seen in (("/first", "two three"), ("/second", "one three")):
            await alice.says(command)
            assert (await alice.hears("notice")).text == seen
        assert [failed.plugin for failed in server.failures()] == ["first", "second"]


# What can't be sent


ODD = """
from chatserver import Plugin, RequestSpec, User, command, hookimpl

class Odd(Plugin):
    @hookimpl
    def register_requests(self):
        return [RequestSpec("ask", dict, self.ask)]

    def ask(self, ctx, fields):
        return {REPLY}

    @command()
    def say(self, ctx):
        return "\\ud800"

    @hookimpl
    def client_settings(self, user: User):
        return {SETTINGS}
"""


DEEP = "{'x': __import__('msgspec').Raw(b'[' * 101 + b']' * 101)}"


@pytest.fixture
def odd(tmp_path):
    def write(reply="{}", settings="{}"):
        (tmp_path / "odd.py").write_text(ODD.replace("{REPLY}", reply).replace("{SETTINGS}", settings))
        return tmp_path

    return write


@pytest.mark.parametrize(
    "reply",
    [DEEP, "{'x': object()}", "{'x': '\\ud800'}", "{'re': '7'}", "{'type': 'x'}", "{1: 2}", "[1]", "7"],
)
async def test_a_reply_that_cannot_be_sent_is_the_plugins_failure(chat, odd, reply):
    async with chat(plugins=["odd"], dirs=[odd(reply)]) as server:
        (alice,) = await server.join("general", "alice")
        assert await refusal(alice.ask("odd:ask")) == ("plugin_failed", "odd")
        assert [failed.what for failed in server.failures()] == ["request odd:ask"]
        await still_works_for(alice)


async def test_a_commands_text_that_cannot_be_sent_is_the_plugins_failure(chat, odd):
    async with chat(plugins=["odd"], dirs=[odd()]) as server:
        (alice,) = await server.join("general", "alice")
        assert await refusal(alice.says("/say")) == ("plugin_failed", "odd")
        assert [failed.what for failed in server.failures()] == ["/say"]


@pytest.mark.parametrize("settings", [DEEP, "{'x': object()}", "{'x': '\\ud800'}", "[1]"])
async def test_settings_that_cannot_be_sent_are_left_out_of_welcome(chat, odd, settings):
    async with chat(plugins=["odd", "files"], dirs=[odd(settings=settings)]) as server:
        alice = await server.client("alice")
        assert alice.welcome.plugins["odd"]["settings"] == {}
        assert alice.welcome.plugins["files"]["settings"] == {"max_bytes": 25 * 1024 * 1024}
        assert [failed.what for failed in server.failures()] == ["client_settings"]


async def test_a_reply_arrives_as_it_was_given(chat, odd):
    async with chat(plugins=["odd"], dirs=[odd("{'a': [1, None], 'é': {'b': 'ü'}}")]) as server:
        (alice,) = await server.join("general", "alice")
        reply = await alice.ask("odd:ask")
        assert (reply["a"], reply["é"]) == ([1, None], {"b": "ü"})


# What a plugin starts without the server's knowledge


OWN_TASK = """
import asyncio
from chatserver import Plugin, command

class Own(Plugin):
    @command()
    async def task(self, ctx):
        self.kept = asyncio.ensure_future(self.exit())

    @command()
    async def gathered(self, ctx):
        await asyncio.gather(self.exit())

    @command()
    def soon(self, ctx):
        asyncio.get_running_loop().call_soon(exit, 3)

    async def exit(self):
        raise SystemExit(3)
"""


async def test_a_task_or_callback_of_the_plugins_own_does_not_end_the_server(process, tmp_path):
    (tmp_path / "own.py").write_text(OWN_TASK)
    async with process(plugins=["own"], dirs=[tmp_path]) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        for text in ("/task", "/soon"):
            await alice.says(text)
            await still_works_for(alice)
        assert await refusal(alice.says("/gathered")) == ("plugin_failed", "own")
        await still_works_for(alice)
        assert server.errors().count("a task or callback of a plugin tried to end the server") == 3
        assert "plugin own failed in /gathered: SystemExit: 3" in server.errors()
        await alice.leave()
        server.signal(15)
        assert await server.ended() == 0


# What does not end


HANGS = """
import asyncio
import time
from chatserver import Plugin, hookimpl

class Hangs(Plugin):
    migrations = ("CREATE TABLE hangs_one (x INTEGER)", {MIGRATION})

    @hookimpl
    async def startup(self):
        {STARTUP}

async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if asyncio.current_task().cancelling() > 1:
                raise
"""


@pytest.fixture
def hangs(tmp_path):
    def write(migration="'SELECT 1'", startup="pass", folder="plugins"):
        folder = tmp_path / folder
        folder.mkdir(exist_ok=True)
        source = HANGS.replace("{MIGRATION}", migration).replace("{STARTUP}", startup)
        (folder / "hangs.py").write_text(source)
        return folder

    return write


@pytest.mark.parametrize("startup", ["await asyncio.Event().wait()", "await stubborn()"])
async def test_a_startup_that_does_not_end_is_left_behind(chat, hangs, startup):
    before = asyncio.all_tasks()
    with pytest.raises(PluginError, match=r"plugin 'hangs': startup took longer than 0\.1 seconds"):
        async with chat(plugins=["hangs"], dirs=[hangs(startup=startup)], timeouts={"startup": 0.1}):
            pass
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.01)


async def test_migrations_that_do_not_end_stop_the_start(chat, hangs):
    options = {"plugins": ["hangs"], "settings": {"store": {"url": "sqlite:"}}}
    folder = hangs("lambda tx: time.sleep(0.5)")
    with pytest.raises(PluginError, match=r"plugin 'hangs': its migrations took longer than 0\.1 seconds"):
        async with chat(**options, dirs=[folder], timeouts={"migrations": 0.1}):
            pass


@pytest.mark.parametrize("url", ["memory:", "sqlite:"])
async def test_nothing_is_left_of_a_migration_that_failed(chat, hangs, url):
    """Not even of those before it: the next start begins with the first one."""
    options = {"plugins": ["hangs"], "settings": {"store": {"url": url}}}
    with pytest.raises(PluginError, match=r"its migrations failed: OperationalError.*no such table"):
        async with chat(**options, dirs=[hangs("'INSERT INTO hangs_two VALUES (1)'")]):
            pass
    mended = hangs("'INSERT INTO hangs_one VALUES (1)'", folder="mended")
    async with chat(**options, dirs=[mended]) as server:
        await still_works(server)


async def test_a_wait_for_a_plugin_is_told(caplog, eventually):
    go = asyncio.Event()
    waiting = asyncio.ensure_future(Waiting(0.1, 0.01).patiently(5, "plugin slow (startup)", go.wait()))
    await eventually(lambda: len(caplog.messages) == 2)
    assert caplog.messages[1] == "still waiting for plugin slow (startup), for 0 seconds so far"
    go.set()
    assert await waiting is True


async def test_tables_newer_than_the_plugin_stop_the_start_with_what_to_do(chat, hangs):
    options = {"plugins": ["hangs"], "settings": {"store": {"url": "sqlite:"}}}
    async with chat(**options, dirs=[hangs()]) as server:
        await still_works(server)
    older = hangs(folder="older")
    file = older / "hangs.py"
    file.write_text(file.read_text().replace(", 'SELECT 1')", ",)"))
    with pytest.raises(
        PluginError, match="a newer version, with 2 migrations; this one has 1: install the newer"
    ):
        async with chat(**options, dirs=[older]):
            pass
