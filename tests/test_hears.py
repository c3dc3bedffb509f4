"""What plugins hear in messages: which ones, how often, and what a pattern may be."""

from __future__ import annotations

import pytest

from chatserver import Plugin, hears
from chatserver.model.errors import PluginError
from chatserver.plugins.hears import add_hearing

KARMA = r"""
from chatserver import HearsContext, Message, Plugin, Reject, hears, hookimpl


class Karma(Plugin):
    def __init__(self, *args):
        super().__init__(*args)
        self.points = {}
        self.heard = []

    @hookimpl
    def after_post(self, message: Message):
        self.heard.append(message.content)

    @hears(r"(\S+)\+\+(?P<why> because .*)?")
    async def plus(self, ctx: HearsContext):
        if ctx.match.group(1) == ctx.user.name:
            raise Reject("Not yourself.")
        for match in ctx.matches:
            self.points[match.group(1)] = self.points.get(match.group(1), 0) + 1
        await ctx.reply(f"{ctx.match.group(1)} has {self.points[ctx.match.group(1)]} in {ctx.room.name}.")

    @hears("HELLO", ignore_case=True)
    def greet(self, ctx):
        self.points["hello"] = self.points.get("hello", 0) + 1

    @hears("bot says", bots=True)
    def bots(self, ctx):
        self.points["bots"] = self.points.get("bots", 0) + 1
        if "crash" in ctx.message.content:
            raise SystemExit(3)
"""
OTHER = """
from chatserver import Plugin, command


class Other(Plugin):
    @command()
    async def speak(self, ctx, *, text: str):
        await self.chat.post(ctx.room, text)
"""


@pytest.fixture
def karma(chat, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "karma.py").write_text(KARMA)
    (folder / "other.py").write_text(OTHER)

    def make(plugins=("basics", "karma", "other"), **options):
        return chat(plugins=plugins, dirs=[folder], **options)

    return make


async def test_a_plugin_hears_and_answers_as_its_bot(karma):
    async with karma() as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says("tea++ coffee++ tea++")
        await bob.hears()
        answer = await bob.hears()
        assert (answer.content, answer.user["bot"], answer.plugin) == ("tea has 2 in general.", True, "karma")
        assert answer.reply_to == sent.message_id
        # Its own words, which have a match, are not heard; nor is an edit.
        await alice.ask("edit", message_id=sent.message_id, content="milk++")
        await alice.says("茶++ because 好")
        assert await bob.hears(content="茶 has 1 in general.")
        assert server.plugin("karma").points == {"tea": 2, "coffee": 1, "茶": 1}


async def test_a_refusal_is_told_to_the_speaker_alone(karma):
    async with karma() as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("alice++")
        assert (await alice.hears("notice")).text == "Not yourself."
        assert not await bob.heard("notice")


async def test_each_pattern_hears_what_it_asks_for(karma, eventually):
    async with karma() as server:
        (alice,) = await server.join("general", "alice")
        plugin = server.plugin("karma")
        await alice.says("hello")
        await alice.says("/me says Hello, too")
        await alice.says("/speak the bot says Hello")
        await alice.says("//hello")
        await eventually(lambda: len(plugin.heard) == 4)
        await eventually(lambda: plugin.points == {"hello": 3, "bots": 1})


async def test_what_it_hears_is_limited_to_the_plugins_rooms(karma, eventually):
    rooms = {"rooms": [{"name": "general"}, {"name": "tea"}]}
    async with karma({"karma": {"rooms": ["tea"]}}, settings=rooms) as server:
        (alice,) = await server.join("general", "alice")
        await alice.join("tea")
        await alice.says("hello", "general")
        await alice.says("hello", "tea")
        await eventually(lambda: server.plugin("karma").points)
        assert server.plugin("karma").points == {"hello": 1}


async def test_a_method_that_crashes_is_the_plugins_failure(karma):
    async with karma() as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("bot says crash")
        await alice.says("tea++")
        await alice.hears(content="tea has 1 in general.")
        (failure,) = server.failures()
        assert (failure.plugin, failure.what) == ("karma", "after_post")


SEVERAL = """
import asyncio

from chatserver import Plugin, hears


class Several(Plugin):
    def __init__(self, *args):
        super().__init__(*args)
        self.heard = []

    @hears("x")
    async def zebra(self, ctx):
        self.heard.append("zebra")
        raise ValueError("striped")

    @hears("x")
    async def sloth(self, ctx):
        self.heard.append("sloth")
        await asyncio.sleep(60)

    @hears("x")
    def yak(self, ctx):
        self.heard.append("yak")
        raise SystemExit(3)

    @hears("x")
    async def ant(self, ctx):
        self.heard.append("ant")
"""


async def test_a_method_that_fails_does_not_keep_the_message_from_the_others(
    chat, tmp_path, eventually, caplog
):
    (tmp_path / "several.py").write_text(SEVERAL)
    async with chat(plugins=["several"], dirs=[tmp_path], timeouts={"hooks": 4.0}) as server:
        (alice,) = await server.join("general", "alice")
        await alice.says("x")
        plugin = server.plugin("several")
        await eventually(lambda: "ant" in plugin.heard)
        assert plugin.heard == ["zebra", "sloth", "yak", "ant"]
        failures = server.failures()
        assert {(each.plugin, each.what) for each in failures} == {("several", "after_post")}
        assert len(failures) == 3
    for said in ("striped", "took too long", "SystemExit"):
        (line,) = [each.getMessage() for each in caplog.records if said in each.getMessage()]
        at = {
            "striped": 'ValueError("striped")',
            "took too long": "async def sloth",
            "SystemExit": "raise SystemExit",
        }
        number = next(n for n, text in enumerate(SEVERAL.splitlines(), 1) if at[said] in text)
        # A decorated method begins at its decorator.
        number -= said == "took too long"
        assert f"several.py, line {number})" in line


def instance(pattern, **options):
    class Hearing(Plugin):
        @hears(pattern, **options)
        def heard(self, ctx): ...

    return Hearing("hearing", None, None)


@pytest.mark.parametrize("pattern", [r"(a", r"(?=x)", r"\1", "(?<=x)a", r"a{2000}"])
def test_a_pattern_that_cannot_be_used_stops_the_start(pattern):
    with pytest.raises(PluginError, match=r"plugin 'hearing': hears .*RE2"):
        add_hearing(instance(pattern))


def test_a_method_that_takes_something_else_stops_the_start():
    class Odd(Plugin):
        @hears("x")
        def heard(self, ctx, message): ...

    with pytest.raises(PluginError, match="takes self and ctx"):
        add_hearing(Odd("odd", None, None))
    with pytest.raises(TypeError, match="write @hears"):
        hears(lambda self, ctx: None)


def test_without_the_library_the_start_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "re2", None)
    with pytest.raises(PluginError, match=r"pip install 'chatserver\[hears\]'"):
        add_hearing(instance("x"))


def test_a_plugin_that_hears_nothing_has_no_hook_for_it():
    plugin = Plugin("plain", None, None)
    add_hearing(plugin)
    assert set(vars(plugin)) == set(vars(Plugin("plain", None, None)))
