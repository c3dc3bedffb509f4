"""Plugins switched on, off and over while people chat, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import re
import signal

import pytest
import yaml

from chatserver.model.errors import ConfigError, PluginError
from chatserver.testing import Refused

ECHO = """
import asyncio
import msgspec
from chatserver import Handler, Plugin, Reject, RequestSpec, Route, command, hookimpl, settings

class Fields(msgspec.Struct):
    pass

class Page(Handler):
    def get(self):
        self.reply({"word": self.plugin.settings.word})

class Echo(Plugin):
    @settings
    class Settings:
        word: str = "hello"
        fails: bool = False
        hangs: bool = False

    @hookimpl
    async def startup(self):
        self.log.info("starts with %s", self.settings.word)
        self.gate, self.asked = asyncio.Event(), asyncio.Event()
        self.spawn(asyncio.Event().wait())
        if self.settings.fails:
            raise OSError("no disk")
        if self.settings.hangs:
            await asyncio.Event().wait()

    @hookimpl
    def shutdown(self):
        self.log.info("ends with %s", self.settings.word)

    @hookimpl
    def register_permissions(self):
        return {"echo.use": "guest"}

    @hookimpl
    def register_requests(self):
        return [RequestSpec("ask", Fields, self.ask)]

    @hookimpl
    def register_events(self):
        return ["said"]

    @hookimpl
    def register_routes(self):
        return [Route("page", Page)]

    @hookimpl
    def before_post(self, draft):
        return draft.replace(content=f"{draft.content} {self.settings.word}")

    @hookimpl
    def client_settings(self, user):
        return {"word": self.settings.word}

    def ask(self, ctx, fields):
        return {"word": self.settings.word}

    @command(permission="echo.use")
    async def wait(self, ctx):
        self.asked.set()
        await self.gate.wait()
        return self.settings.word

    @command()
    async def say(self, ctx):
        await self.chat.append(ctx.room, "said", {"word": self.settings.word}, user=ctx.user)
"""


@pytest.fixture
def echo(tmp_path):
    """A folder with the plugin ``echo``, and the same as ``other``, in a package with something for the browser."""
    folder = tmp_path / "plugins"
    (folder / "other" / "static").mkdir(parents=True)
    (folder / "echo.py").write_text(ECHO)
    (folder / "other" / "__init__.py").write_text(
        "from chatserver import Plugin\n\nclass Other(Plugin):\n    pass\n"
    )
    (folder / "other" / "static" / "client.js").write_text("export function activate() {}\n")
    return folder


async def refusal(asked):
    with pytest.raises(Refused) as caught:
        await asked
    return caught.value.code


async def said(client, text):
    await client.says(text)
    return (await client.hears()).content


def instance(server, name="echo"):
    return next(each.instance for each in server.server.host.current.plugins if each.name == name)


async def test_a_plugin_is_switched_off_and_on_again(chat, echo):
    async with chat(plugins=["echo", "other"], dirs=[echo]) as server:
        (alice,) = await server.join("general", "alice")
        for on in (True, False, True):
            await server.reload(["echo", "other"] if on else [])
            welcome = (await server.client(f"guest{on}{len(server.server.context.keepalive)}")).welcome
            assert ("wait" in {command["name"] for command in welcome.commands}) is on
            assert ("echo.use" in welcome.permissions) is on
            assert ("echo" in welcome.plugins) is on
            assert (await server.http("GET", "/plugins/echo/page")).code == (200 if on else 404)
            static = "/plugins/other/static/client.js"
            assert ("other" in welcome.plugins) is on
            if on:
                assert re.fullmatch(
                    r"/plugins/other/static/\w+/client\.js", welcome.plugins["other"]["client"]
                )
            assert (await server.http("GET", static)).code == (200 if on else 404)
            assert await said(alice, "hi") == ("hi hello" if on else "hi")
            if on:
                assert (await alice.ask("echo:ask")).word == "hello"
                await alice.says("/say")
                assert (await alice.hears("echo:said")).word == "hello"
            else:
                assert await refusal(alice.ask("echo:ask")) == "unknown_type"
                assert await refusal(alice.says("/say")) == "not_found"


async def test_a_changed_setting_takes_effect_and_what_is_unchanged_goes_on(chat, echo, caplog):
    caplog.set_level(logging.INFO, "chatserver.plugin")
    async with chat(plugins={"echo": {}, "other": {}}, dirs=[echo]) as server:
        (alice,) = await server.join("general", "alice")
        first, other = instance(server), instance(server, "other")
        await server.reload({"other": {}, "echo": {}})
        assert (instance(server), instance(server, "other")) == (first, other)
        assert caplog.messages == ["starts with hello"]
        await server.reload({"other": {}, "echo": {"word": "bye"}})
        assert instance(server) is not first
        assert instance(server, "other") is other
        assert other.peer("echo") is instance(server)
        assert caplog.messages == ["starts with hello", "starts with bye", "ends with hello"]
        assert await said(alice, "hi") == "hi bye"
        assert (await server.client("bob")).welcome.plugins["echo"]["settings"] == {"word": "bye"}
        await server.reload({"echo": {"word": "bye", "rooms": ["elsewhere"]}})
        assert await said(alice, "hi") == "hi"
    assert caplog.messages[-1] == "ends with bye"


async def test_calls_under_way_finish_with_the_plugins_they_began_with(chat, echo, caplog, eventually):
    caplog.set_level(logging.INFO, "chatserver.plugin")
    async with chat(plugins=["echo"], dirs=[echo]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        first = instance(server)
        waiting = asyncio.ensure_future(alice.says("/wait"))
        await first.asked.wait()
        reloading = asyncio.ensure_future(server.reload({"echo": {"word": "bye"}}))
        await eventually(lambda: instance(server) is not first)
        assert await said(bob, "hi") == "hi bye"
        assert not reloading.done()
        assert "ends with hello" not in caplog.messages
        first.gate.set()
        await waiting
        assert (await alice.hears("notice")).text == "hello"
        await reloading
        assert caplog.messages == ["starts with hello", "starts with bye", "ends with hello"]


@pytest.mark.parametrize(
    ("plugins", "error", "reason"),
    [
        (
            {"echo": {"word": "bye", "fails": True}},
            PluginError,
            "plugin 'echo': startup failed: OSError: no disk",
        ),
        ({"echo": {"wrod": "bye"}}, ConfigError, "unknown key"),
        ({"echoes": {}}, ConfigError, "there is no such plugin"),
        ({"broken": {}}, PluginError, "plugin 'broken': can't be imported"),
        ({"other": {}, "echo": {"word": "bye"}, "broken": {}}, PluginError, "can't be imported"),
    ],
)
async def test_what_cannot_start_changes_nothing(chat, echo, plugins, error, reason):
    (echo / "broken.py").write_text("raise SystemExit(3)")
    async with chat(plugins=["echo"], dirs=[echo]) as server:
        (alice,) = await server.join("general", "alice")
        before = server.server.host.current
        tasks = len(asyncio.all_tasks())
        with pytest.raises(error, match=reason):
            await server.reload(plugins)
        assert server.server.host.current is before
        assert len(asyncio.all_tasks()) == tasks
        assert await said(alice, "hi") == "hi hello"
        await server.reload({"echo": {"word": "bye"}})
        assert await said(alice, "hi") == "hi bye"


async def test_permissions_in_the_settings_are_reread(chat):
    async with chat(plugins=["basics"]) as server:
        given = {"auth": {"permissions": {"guest": ["room.create"]}}}
        assert "room.create" not in (await server.client("alice")).welcome.permissions
        await server.reload(["basics"], given)
        assert "room.create" in (await server.client("bob")).welcome.permissions


async def test_settings_that_need_a_start_are_named(chat, caplog):
    async with chat(plugins=["basics"]) as server:
        await server.reload(["basics"], {"limits": {"content_chars": 10}, "auth": {"guests": False}})
        assert "changes of these settings take effect at the next start: limits, auth" in caplog.messages
        (alice,) = await server.join("general", "alice")
        assert await said(alice, "more than ten letters") == "more than ten letters"


async def test_a_plugin_may_append_its_events_while_it_starts(chat, echo):
    source = ECHO.replace(
        "        self.spawn(",
        '        await self.chat.append("general", "said", {"word": "new"}, user=ME)\n        self.spawn(',
        1,
    )
    source = source.replace(
        "class Fields",
        'from chatserver import User\nME = User("u9", "echo", "Echo", "member")\n\nclass Fields',
    )
    (echo / "fresh.py").write_text(
        source.replace('"echo.use"', '"fresh.use"').replace("class Echo", "class Fresh")
    )
    async with chat(plugins=[], dirs=[echo]) as server:
        (alice,) = await server.join("general", "alice")
        await server.server.services.store.write(lambda conn: add_user(conn, "u9"))
        await server.reload(["fresh"])
        assert (await alice.hears("fresh:said")).word == "new"


def add_user(conn, id):
    from chatserver.model.values import User
    from chatserver.store import accounts

    accounts.ensure_user(conn, User(id, "echo", "Echo", "member"), "echo", 0.0)


async def test_no_message_is_lost_or_turned_round_while_plugins_change(chat, echo):
    async with chat(plugins=["echo"], dirs=[echo]) as server:
        clients = await server.join("general", *(f"user{n}" for n in range(4)))
        sending = [asyncio.ensure_future(talk(client, n)) for n, client in enumerate(clients)]
        for word in ("one", "two", "three", "four", "five"):
            await server.reload({"echo": {"word": word}})
        await server.reload([])
        await asyncio.gather(*sending)
        heard = [await clients[0].hears() for _ in range(4 * 60)]
        seqs = [event.seq for event in heard]
        assert seqs == list(range(seqs[0], seqs[0] + len(heard)))
        for n in range(4):
            mine = [event.content.split()[1] for event in heard if event.content.startswith(f"{n}:")]
            assert mine == [str(number) for number in range(60)]


async def talk(client, n):
    for number in range(60):
        await client.says(f"{n}: {number}")


async def test_a_stop_ends_a_reload_and_what_it_began(chat, echo, caplog, eventually):
    caplog.set_level(logging.INFO, "chatserver.plugin")
    async with chat(plugins=["echo"], dirs=[echo]) as server:
        (alice,) = await server.join("general", "alice")
        reloading = asyncio.ensure_future(server.reload({"echo": {"word": "bye", "hangs": True}}))
        await eventually(lambda: "starts with bye" in caplog.messages)
        assert await said(alice, "hi") == "hi hello"
    with pytest.raises(asyncio.CancelledError):
        await reloading
    assert caplog.messages[-1] == "ends with hello"
    assert len(asyncio.all_tasks()) == 1


async def test_a_hangup_reads_the_settings_again(process, echo):
    async with process(plugins=["echo"], dirs=[echo]) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        settings = yaml.safe_load(server.config.read_text())
        for word in ("bye", "hello again"):
            settings["plugins"]["enabled"] = {"echo": {"word": word}}
            server.config.write_text(yaml.safe_dump(settings))
            server.signal(signal.SIGHUP)
            async with asyncio.timeout(10):
                while await said(alice, "hi") != f"hi {word}":
                    pass
        settings["plugins"]["enabled"] = {"ecko": {}}
        server.config.write_text(yaml.safe_dump(settings))
        server.signal(signal.SIGHUP)
        async with asyncio.timeout(10):
            while "nothing was reloaded: " not in server.errors():
                await alice.ask("ping")
        assert 'did you mean "echo"' in server.errors()
        assert await said(alice, "hi") == "hi hello again"
        away = server.config.rename(server.config.with_suffix(".away"))
        server.signal(signal.SIGHUP)
        async with asyncio.timeout(10):
            while server.errors().count("nothing was reloaded: ") < 2:
                await alice.ask("ping")
        away.rename(server.config)
        assert await said(alice, "hi") == "hi hello again"
        await alice.leave()


async def test_a_startup_that_hangs_ends_and_the_next_reload_works(chat, echo):
    async with chat(plugins=["echo"], dirs=[echo], timeouts={"startup": 0.2}) as server:
        (alice,) = await server.join("general", "alice")
        (echo / "stuck.py").write_text(
            "import asyncio\nfrom chatserver import Plugin, hookimpl\n\n\nclass Stuck(Plugin):\n"
            "    @hookimpl\n    async def startup(self):\n        await asyncio.Event().wait()\n"
        )
        with pytest.raises(PluginError, match=r"plugin 'stuck': startup took longer than 0\.2 seconds"):
            await server.reload(["echo", "stuck"])
        assert await said(alice, "hi") == "hi hello"
        await server.reload([])
        assert await said(alice, "hi") == "hi"
