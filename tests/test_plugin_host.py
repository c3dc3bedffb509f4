"""The plugin host: finding, checking, starting and stopping plugins, each written to a folder as its author would."""

import asyncio
import logging
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

import chatserver
from chatserver.config import load
from chatserver.config.settings import DEFAULT_PLUGINS
from chatserver.model.errors import ConfigError, PluginError, PluginErrors
from chatserver.model.values import User
from chatserver.plugins.host import PluginHost

ADMIN = User("u1", "root", "Root", "admin")


@pytest.fixture
def write(tmp_path):
    """Writes a plugin's source to ``plugins/<path>``."""

    def write(path, source):
        file = tmp_path / "plugins" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("from chatserver import *\n" + textwrap.dedent(source), encoding="utf-8")

    return write


@pytest.fixture
def host(tmp_path):
    """Makes a host from the lines below ``enabled:``, and what else stands in the YAML."""

    (tmp_path / "plugins").mkdir(exist_ok=True)

    def make(enabled, more="", **options):
        text = "plugins:\n  dirs: [plugins]\n  enabled:\n" + textwrap.indent(textwrap.dedent(enabled), "    ")
        file = tmp_path / "config.yaml"
        file.write_text(f"{text}\n{more}", encoding="utf-8")
        return PluginHost(load(file, {}), **options)

    return make


def loaded(host):
    """The set of plugins of a host."""
    host.load()
    return host.current


def starting(host):
    """A host that can be started."""
    host.load()
    return host


async def no_migrations(plugin, migrations):
    raise AssertionError("nothing to migrate")


async def bind(plugin):
    plugin.chat, plugin.db = f"chat of {plugin.name}", f"database of {plugin.name}"


PLAIN = """
class Plain(Plugin):
    @hookimpl
    def before_post(self, draft):
        return draft.replace(content=draft.content + self.name)
"""


# Finding


def test_bundled_plugins_and_those_in_folders_are_found_without_importing_them(write, host):
    write("mine.py", "raise AssertionError('imported')")
    write("ours/__init__.py", "raise AssertionError('imported')")
    write("_hidden.py", "")
    found = {each.name: each for each in host("basics:").found()}
    assert {*DEFAULT_PLUGINS, "hello", "mine", "ours"} <= set(found)
    assert "_hidden" not in found
    assert found["basics"].where == "chatserver_plugins.basics"
    assert (found["basics"].bundled, found["mine"].bundled) == (True, False)


def test_an_installed_package_is_found_by_its_entry_point(tmp_path, host, monkeypatch):
    package = tmp_path / "site" / "stranger_tally_pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from chatserver import Plugin\nclass Tally(Plugin): pass\n")
    info = tmp_path / "site" / "stranger_tally-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger-tally\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[chatserver.plugins]\ntally = stranger_tally_pkg:Tally\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    (plugin,) = loaded(host("tally:")).plugins
    assert type(plugin.instance).__name__ == "Tally"
    assert (plugin.bundled, plugin.folder) == (False, package)


def test_a_plugin_that_is_not_there_is_a_mistake_in_the_settings(write, host):
    with pytest.raises(ConfigError) as caught:
        host("basics:\nemojy: {}").load()
    error = caught.value
    assert (error.line, error.path, error.suggestion) == (5, "plugins.enabled.emojy", "emoji")


def test_a_plugin_that_is_there_twice_is_a_mistake_in_the_settings(write, host):
    write("emoji.py", PLAIN)
    with pytest.raises(ConfigError, match=r"more than once: chatserver_plugins\.emoji and .*emoji\.py"):
        host("emoji:").load()
    loaded(host("basics:"))


def test_a_package_can_import_its_own_modules_and_has_static_files(write, host, tmp_path):
    write("ours/__init__.py", "from .inner import Ours")
    write("ours/inner.py", "class Ours(Plugin): pass")
    write("ours/static/client.js", "")
    (plugin,) = loaded(host("ours:")).plugins
    assert plugin.static_dir == tmp_path / "plugins" / "ours" / "static"


def test_a_single_file_has_no_static_files_though_a_folder_may_stand_beside_it(write, host):
    write("plain.py", PLAIN)
    write("static/client.js", "")
    (plugin,) = loaded(host("plain:")).plugins
    assert plugin.static_dir is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "import no_such_module",
            r"can't be imported: ModuleNotFoundError: .*no_such_module.* \(.*bad\.py, line 2\)",
        ),
        ("def (", r"can't be imported: SyntaxError: invalid syntax \(.*bad\.py, line 2\)"),
        ("raise SystemExit(3)", r"can't be imported: SystemExit: 3 \(.*bad\.py, line 2\)"),
        ("x = 1", "has no class"),
        ("class A(Plugin): pass\nclass B(Plugin): pass", "more than one class"),
        ("class A(Plugin):\n  class Settings:\n    x: int = 1", "needs the decorator @settings"),
        (
            "class A(Plugin):\n  @settings\n  class Settings:\n    words: list = ['x']",
            r"can't be imported: TypeError: .*default.* \(.*bad\.py, line 3\)",
        ),
        ("class A(Plugin):\n  on_error = 'ignore'", "on_error is 'skip' or 'reject', not 'ignore'"),
        ("class A(Plugin):\n  def __init__(self): pass", "can't be made: TypeError"),
        (
            "class A(Plugin):\n  @hookimpl\n  def before_pots(self): pass",
            "no hook 'before_pots'; did you mean 'bef",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def before_post(self, message): pass",
            "hook before_post: there is no argument 'message'; its arguments are: draft",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def startup(self, chat): pass",
            "hook startup: there is no argument 'chat'; it has no arguments",
        ),
        (
            "class A(Plugin):\n  def before_post(self, draft): pass",
            "before_post is a hook, so it needs the decorator",
        ),
        (
            "class A(Plugin):\n  @command\n  def x(self, ctx): pass",
            r"write @command\(\) with parentheses \(.*bad\.py, line 3\)",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  async def in_commit(self, tx): pass",
            "in_commit: may not be async",
        ),
        (
            "class A(Plugin):\n  @command()\n  def x(self, ctx, y): pass",
            "command /x: the argument 'y' has no type",
        ),
        (
            "class A(Plugin):\n  @command(permission='bad.x')\n  def x(self, ctx): pass",
            "/x: no permission 'bad.x'",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_events(self): return 'poll'",
            "register_events: returned str",
        ),
        ("class A(Plugin):\n  @hookimpl\n  def register_events(self): return ['a b']", "event 'a b'"),
        (
            "class A(Plugin):\n  @hookimpl(events=('mesage',))\n  def in_commit(self): pass",
            "hook in_commit: there is no event 'mesage'; did you mean 'message'",
        ),
        (
            "class A(Plugin):\n  @hookimpl(events=['bad:vote'])\n  def after_event(self): pass\n"
            "  @hookimpl\n  def register_events(self): return ['voted']",
            "hook after_event: there is no event 'bad:vote'; did you mean 'bad:voted'",
        ),
        (
            "class A(Plugin):\n  @hookimpl(events=('pols:voted',))\n  def after_event(self): pass",
            "there is no event 'pols:voted'",
        ),
        (
            "class A(Plugin):\n  @hookimpl(events=('message',))\n  def before_post(self): pass",
            "hook before_post: events= is for after_event and in_commit only",
        ),
        (
            "class A(Plugin):\n  @hookimpl(events='message')\n  def after_event(self): pass",
            "events= takes names of event types, such as",
        ),
        (
            "class A(Plugin):\n  @hookimpl(event='message')\n  def after_event(self): pass",
            r"can't be imported: TypeError: .*'event' \(.*bad\.py, line 3\)",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_events(self): 1 / 0",
            "register_events: ZeroDivisionError",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_permissions(self): return {'other.x': 'guest'}",
            "its permissions begin with 'bad'",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_permissions(self): return {'bad.x': 'king'}",
            "no role 'king'",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_routes(self): return [Route('(', Handler)]",
            r"route '\(': missing \)",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_routes(self): return [Route('(?P<x>a)(b)', Handler)]",
            "name all of its groups, or none",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_routes(self): return [Route('x', object)]",
            "route 'x': its handler is no subclass of Handler",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n"
            "  def register_requests(self): return [RequestSpec('x', dict, id, bare=True)]",
            "only bundled plugins may have bare names",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_requests(self): return [RequestSpec('x', 3, id)]",
            "request x: its fields can't be read",
        ),
        (
            "class A(Plugin):\n  @hookimpl\n  def register_requests(self):\n"
            "    return [RequestSpec('x', dict, id), RequestSpec('x', dict, id)]",
            "the request 'bad:x' is there already, in plugin 'bad'",
        ),
    ],
)
def test_a_broken_plugin_is_named_with_its_reason(write, host, source, reason):
    write("bad.py", source)
    with pytest.raises(PluginError, match=reason) as caught:
        host("bad:").load()
    assert caught.value.plugin == "bad"
    assert "\n" not in str(caught.value)


def test_a_name_that_could_be_no_url_or_table_is_refused(write, host):
    write("My-Plugin.py", PLAIN)
    with pytest.raises(PluginError, match="small letters, digits and _"):
        host("My-Plugin:").load()


# All at once


MANY = """
import msgspec
from collections.abc import Sequence

class Fields(msgspec.Struct):
    pass

class Page(Handler):
    pass

class Many(Plugin):
    @hookimpl
    def before_post(self, draft: str):
        pass

    @hookimpl
    def may(self, user, permission) -> str:
        pass

    @hookimpl
    async def client_settings(self):
        pass

    @hookimpl
    def register_requests(self):
        return [RequestSpec("x", Fields, 3), RequestSpec("y", Fields, id), RequestSpec("y", Fields, id)]

    @hookimpl
    def register_events(self):
        return ["a", "a", "B"]

    @hookimpl
    def register_routes(self):
        return [Route("p", Page), Route("/p", Page)]

    @hookimpl
    def register_permissions(self):
        return {"many.use": "guest", "other.use": "guest"}

    @command("one", permission="many.us")
    def one(self, ctx):
        pass

    @command("two")
    def two(self, ctx, x):
        pass

    @command("one")
    def again(self, ctx):
        pass
"""
TOLD = [
    (13, "hook before_post: the argument 'draft' is Draft, not str"),
    (17, "hook may: it returns bool | None, not str"),
    (21, "hook client_settings: may not be async: write def"),
    (25, "request x: its handler is a method, not 3"),
    (25, "the request 'many:y' is there already, in plugin 'many'"),
    (29, "event 'a' is registered twice"),
    (29, "event 'B': a name has small letters, digits and _"),
    (33, "route '/p' is there twice: one handler can have several methods"),
    (37, "its permissions begin with 'many' and a dot, not 'other.use'"),
    (41, "command /one: no permission 'many.us': name it in register_permissions, or take one of the core's"),
    (45, "command /two: the argument 'x' has no type"),
    (49, "the command /one is there already, in plugin 'many': give it another name"),
]


def test_all_mistakes_are_told_at_once_each_with_its_place(write, host, tmp_path):
    write("many.py", MANY)
    write("gone.py", "import no_such_module")
    write("late.py", "class Late(Plugin):\n    migrations = 'CREATE TABLE late_x (y)'")
    write(
        "async_one.py",
        "async def up(tx): pass\n\nclass A(Plugin):\n    migrations = (up,)\n    requires = ('gone',)",
    )
    more = "auth: {permissions: {guest: [gone.use, many.uze]}}"
    with pytest.raises(PluginErrors) as caught:
        host("gone:\nmany: {x: 1}\nlate:\nasync_one:\nno_such:", more).load()
    text = str(caught.value)
    # With wrong settings it can't be made, so nothing of it can be looked at.
    assert "config.yaml:5: plugins.enabled.many.x" in text
    assert text.startswith(
        "5 mistakes in the plugins:\n  plugin 'gone': can't be imported: ModuleNotFoundError"
    )
    with pytest.raises(PluginErrors) as caught:
        host("gone:\nmany:\nlate:\nasync_one:\nno_such:", more).load()
    lines = [line.strip() for line in str(caught.value).splitlines()[1:]]
    file = tmp_path / "plugins" / "many.py"
    assert sorted(line for line in lines if line.startswith("plugin 'many'")) == sorted(
        f"plugin 'many': {told} ({file}, line {line})" for line, told in TOLD
    )
    others = "\n".join(line for line in lines if not line.startswith("plugin 'many'"))
    for told in (
        "plugin 'gone': can't be imported: ModuleNotFoundError",
        "config.yaml:8: plugins.enabled.no_such: there is no such plugin",
        "config.yaml:9: auth.permissions.guest[1]: there is no permission 'many.uze'",
        """plugin 'late': migrations is a tuple, such as ("CREATE TABLE late_x (…)",), not str""",
        f"plugin 'async_one': migration 1: may not be async: write def ({tmp_path}",
    ):
        assert told in others, others
    assert len(lines) == len(TOLD) + 5


@pytest.mark.parametrize(
    "source",
    [
        "def before_post(self, draft: Draft) -> Draft | None: pass",
        "async def before_post(self, draft: 'Draft') -> 'Draft': pass",
        "def before_post(self, draft: Any): pass",
        "def before_post(self, draft: object): pass",
        "def before_post(self, draft: 'NotImported'): pass",
        "def client_settings(self, user) -> dict[str, int]: pass",
        "def register_events(self) -> list[str]: return []",
        "def register_permissions(self) -> dict[str, str]: return {}",
        "def in_commit(self, tx: Transaction, events: list[Event]): pass",
        "def may(self, user: User, permission: str, room: Optional[Room]) -> bool: pass",
        "def may(self, own: int = 3) -> None: pass",
        "def after_post(self, message) -> Awaitable[None] | None: pass",
        "def before_post(self, draft) -> Coroutine[Any, Any, Draft]: pass",
    ],
)
def test_right_annotations_are_no_mistake(write, host, source):
    head = "from collections.abc import *\nfrom typing import Any, Optional\nfrom chatserver.plugins.api import *\n"
    write("fine.py", f"{head}\nclass Fine(Plugin):\n    @hookimpl\n    {source}\n")
    host("fine:").load()


def test_a_default_that_can_be_changed_is_told_with_the_remedy(write, host):
    write("bad.py", "class A(Plugin):\n  @settings\n  class Settings:\n    words: list = ['x']")
    with pytest.raises(PluginError, match=r"take a tuple, or dataclasses\.field.* \(.*bad\.py, line 3\)"):
        host("bad:").load()


# Settings


async def test_settings_take_the_fields_of_dataclasses(write, host):
    write(
        "fields.py",
        "from dataclasses import field\nclass A(Plugin):\n  @settings\n  class Settings:\n    needed: str = field()\n"
        "    words: list[str] = field(default_factory=lambda: ['x'])\n    most: int = field(default=3)",
    )
    with pytest.raises(ConfigError, match='the key "needed" is missing'):
        host("fields:").load()
    loaded = host("fields: {needed: a}")
    loaded.load()
    (plugin,) = loaded.current.plugins
    own = plugin.instance.settings
    assert (own.needed, own.words, own.most) == ("a", ["x"], 3)


SET = """
from typing import Annotated
import msgspec

class Set(Plugin):
    on_error = "reject"

    @settings
    class Settings:
        replay: Annotated[int, msgspec.Meta(ge=0, description="a number of messages")] = 50
        words: tuple[str, ...] = ()

        def __post_init__(self):
            if "x" in self.words:
                raise ValueError("x is no word")
"""


def test_settings_are_typed(write, host):
    write("set.py", SET)
    (plugin,) = loaded(host("set: {words: [a, b], rooms: [tea]}")).plugins
    assert (plugin.instance.settings.replay, plugin.instance.settings.words) == (50, ("a", "b"))
    assert plugin.policy == ("reject", frozenset({"tea"}))


def test_the_yaml_decides_about_failures(write, host):
    write("set.py", SET)
    assert loaded(host("set: {on_error: skip}")).plugins[0].policy == ("skip", None)


@pytest.mark.parametrize(
    ("own", "path", "expected", "suggestion"),
    [
        ("{reply: 3}", "plugins.enabled.set.reply", None, "replay"),
        ("{replay: -1}", "plugins.enabled.set.replay", "a number of messages", None),
        ("{words: a}", "plugins.enabled.set.words", "a list", None),
        ("{words: [x]}", "plugins.enabled.set", None, None),
    ],
)
def test_a_mistake_in_a_plugins_settings_is_placed(write, host, own, path, expected, suggestion):
    write("set.py", SET)
    with pytest.raises(ConfigError) as caught:
        host(f"set: {own}").load()
    error = caught.value
    assert (error.line, error.path, error.expected, error.suggestion) == (4, path, expected, suggestion)


def test_a_plugin_without_settings_takes_none(write, host):
    write("plain.py", PLAIN)
    with pytest.raises(ConfigError, match="volume"):
        host("plain: {volume: 11}").load()


# Order, and what plugins register


def test_hooks_are_called_in_the_order_of_the_settings(write, host):
    for name in "abc":
        write(f"{name}.py", PLAIN)
    draft = chatserver.Draft(ADMIN, chatserver.Room("tea"), "")
    assert loaded(host("b:\nc:\na:")).hooks.filter("before_post", draft).content == "bca"


def test_what_a_plugin_requires_stands_before_it(write, host):
    write("base.py", PLAIN)
    write("needy.py", "class Needy(Plugin):\n  requires = ('base',)")
    needy = loaded(host("base:\nneedy:")).plugins[1].instance
    assert needy.peer("base").name == "base"
    assert needy.peer("nobody") is None
    for enabled in ("needy:", "needy:\nbase:"):
        with pytest.raises(ConfigError, match="'base', enabled before it") as caught:
            host(enabled).load()
        assert caught.value.line == 4


FULL = """
import msgspec

class Vote(msgspec.Struct):
    poll: str

class Full(Plugin):
    @hookimpl
    def register_permissions(self):
        return {"full.vote": "member"}

    @hookimpl
    def register_requests(self):
        return [RequestSpec("vote", Vote, self.vote)]

    @hookimpl
    def register_events(self):
        return ["voted"]

    @hookimpl
    def register_routes(self):
        return [Route("results/([0-9]+)", Handler)]

    def vote(self, ctx, fields):
        return {}

    @command(permission="full.vote")
    def poll(self, ctx):
        pass
"""


def test_what_plugins_register_is_there_under_their_names(write, host):
    write("full.py", FULL)
    found = loaded(host("full:\nhistory:", "auth: {permissions: {guest: [full.vote]}}"))
    assert {wire: plugin for wire, (plugin, _) in found.requests.items()} == {
        "full:vote": "full",
        "history": "history",
    }
    assert found.event_types == {"full:voted"}
    assert [(plugin.name, route.pattern) for plugin, route in found.routes] == [("full", "results/([0-9]+)")]
    assert found.permissions.may(User("u", "g", "G", "guest"), "full.vote")
    assert [command.usage for command in found.commands] == ["/poll", "/history [COUNT]"]


def test_an_unknown_permission_in_the_settings_is_placed(write, host):
    with pytest.raises(
        ConfigError, match=r"no permission 'room\.creat'.*did you mean \"room\.create\""
    ) as caught:
        host("basics:", "auth:\n  permissions:\n    guest: [room.join, room.creat]").load()
    assert (caught.value.line, caught.value.path) == (7, "auth.permissions.guest[1]")


def test_events_of_a_plugin_that_is_not_enabled_may_be_wanted(write, host):
    write("polls.py", PLAIN)
    write("asks.py", "class A(Plugin):\n  @hookimpl(events=('polls:voted',))\n  def after_event(self): pass")
    assert loaded(host("asks:")).hooks.has("after_event")


def test_two_plugins_with_one_command_are_named(write, host):
    write("other.py", "class Other(Plugin):\n  @command('help')\n  def x(self, ctx): pass")
    with pytest.raises(
        PluginError, match="plugin 'other': the command /help is there already, in plugin 'basics'"
    ):
        host("basics:\nother:").load()


async def test_a_command_that_breaks_is_refused_in_its_plugins_name(write, host, caplog):
    write("bad.py", "class Bad(Plugin):\n  @command()\n  def x(self, ctx): 1 / 0")
    context = SimpleNamespace(user=ADMIN, room=None, session=None)
    commands = loaded(host("bad:")).commands
    with pytest.raises(chatserver.Reject) as caught:
        await commands.call(*commands.find("x", None), context)
    assert (caught.value.code, caught.value.plugin) == ("plugin_failed", "bad")
    assert "plugin bad failed in /x: ZeroDivisionError" in caplog.text


def test_two_hosts_of_one_process_share_nothing(write, host, tmp_path):
    write("plain.py", PLAIN)
    first, second = loaded(host("plain:")), loaded(host("plain:"))
    assert first.plugins[0].instance is not second.plugins[0].instance
    first.hooks.drop("plain")
    assert second.hooks.has("before_post")


# Life


LIVELY = """
import asyncio

class Lively(Plugin):
    @hookimpl
    async def startup(self):
        self.said = [f"startup {self.name} with {self.chat} and {self.db}"]
        self.ticked = asyncio.Event()
        self.every(0.01, self.tick)
        self.job = self.spawn(self.wait())

    def tick(self):
        self.ticked.set()
        raise ZeroDivisionError("tick")

    async def wait(self):
        try:
            await asyncio.Event().wait()
        finally:
            self.said.append("job ended")

    @hookimpl
    def shutdown(self):
        self.said.append("shutdown")
        self.peer("first").said.append(f"{self.name} stopped")

    @hookimpl
    def after_event(self):
        self.said.append("event")
"""


async def test_plugins_start_in_order_and_stop_in_reverse_with_all_they_began(write, host, caplog):
    write("first.py", LIVELY)
    write("second.py", LIVELY)
    running = starting(host("first:\nsecond:"))
    first, second = (plugin.instance for plugin in running.current.plugins)
    await running.start(bind, no_migrations)
    await second.ticked.wait()
    second.ticked.clear()
    # A job that fails is reported, and comes again.
    await second.ticked.wait()
    assert "plugin second: the job tick failed: ZeroDivisionError: tick" in caplog.text
    running.current.hooks.tell("second", "after_event", (None,))
    await running.stop()
    running.current.hooks.tell("second", "after_event", (None,))
    begin = "startup second with chat of second and database of second"
    assert second.said == [begin, "event", "job ended", "shutdown"]
    assert first.said[1:] == ["second stopped", "job ended", "shutdown", "first stopped"]
    assert first.job.cancelled()
    assert len(asyncio.all_tasks()) == 1


async def test_a_failing_start_stops_those_before_it(write, host):
    write("first.py", LIVELY)
    write("bad.py", "class Bad(Plugin):\n  @hookimpl\n  async def startup(self): raise OSError('no disk')")
    write("last.py", LIVELY)
    running = starting(host("first:\nbad:\nlast:"))
    with pytest.raises(PluginError, match="plugin 'bad': startup failed: OSError: no disk"):
        await running.start(bind, no_migrations)
    first, _, last = (plugin.instance for plugin in running.current.plugins)
    assert first.said[-2:] == ["shutdown", "first stopped"]
    assert not hasattr(last, "said")
    assert not running.current.hooks.has("after_event")
    assert len(asyncio.all_tasks()) == 1


async def test_migrations_of_all_plugins_run_before_any_startup(write, host):
    write("tables.py", "class Tables(Plugin):\n  migrations = ('CREATE TABLE tables_x (y)',)")
    write("first.py", LIVELY)
    running = starting(host("first:\ntables:"))
    seen = []

    async def migrate(plugin, migrations):
        seen.append((plugin, migrations, hasattr(running.current.plugins[0].instance, "said")))

    await running.start(bind, migrate)
    await running.stop()
    assert seen == [("tables", ("CREATE TABLE tables_x (y)",), False)]


async def test_a_failing_migration_stops_the_start(write, host):
    write("tables.py", "class Tables(Plugin):\n  migrations = ('CREATE TABEL',)")

    async def migrate(plugin, migrations):
        raise ValueError("syntax error")

    with pytest.raises(PluginError, match="plugin 'tables': its migrations failed: ValueError: syntax error"):
        await starting(host("tables:")).start(bind, migrate)


async def test_tables_newer_than_the_plugin_are_reported_as_they_are(write, host):
    write("tables.py", "class Tables(Plugin):\n  migrations = ('CREATE TABLE tables_x (y)',)")

    async def migrate(plugin, migrations):
        raise PluginError("its tables are at version 2, it knows 1", plugin)

    with pytest.raises(PluginError, match=r"^plugin 'tables': its tables are at version 2, it knows 1$"):
        await starting(host("tables:")).start(bind, migrate)


async def test_a_plugin_that_fails_to_stop_keeps_no_other_from_it(write, host, caplog):
    write("first.py", LIVELY)
    write("bad.py", "class Bad(Plugin):\n  @hookimpl\n  async def shutdown(self): 1 / 0")
    running = starting(host("first:\nbad:"))
    await running.start(bind, no_migrations)
    await running.stop()
    assert running.current.plugins[0].instance.said[-1] == "first stopped"
    assert "plugin bad failed in shutdown: ZeroDivisionError" in caplog.text


async def test_a_failing_job_is_reported_with_its_plugin(write, host, caplog):
    caplog.set_level(logging.ERROR)
    write("plain.py", PLAIN)
    (plugin,) = loaded(host("plain:")).plugins

    async def job():
        raise OSError("gone")

    await asyncio.wait([plugin.instance.spawn(job())])
    assert [(record.name, record.getMessage()) for record in caplog.records] == [
        ("chatserver.plugin.plain", "plugin plain: a background job failed: OSError: gone")
    ]


# The face


def test_the_face_has_all_it_promises():
    for name in chatserver.__all__:
        assert getattr(chatserver, name) is not None
    with pytest.raises(AttributeError, match="Nonsense"):
        chatserver.Nonsense  # noqa: B018


def test_the_test_kits_client_needs_no_pytest():
    code = "import sys; sys.modules['pytest'] = None; from chatserver.testing import Client; print(Client.__name__)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert result.stdout == "Client\n"


def test_importing_a_part_does_not_import_a_web_server():
    code = "import sys, chatserver.model.values; print({'tornado', 'asyncio', 'sqlalchemy', 'pluggy'} & {*sys.modules})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert result.stdout == "set()\n"


@pytest.mark.parametrize("name", ["_close", "_run_job"])
async def test_nor_one_that_the_server_calls(write, host, name):
    write("wrong.py", f"class Wrong(Plugin):\n  async def {name}(self): pass")
    with pytest.raises(PluginError, match=f"Wrong.{name} hides"):
        host("wrong:").load()


@pytest.mark.parametrize("name", ["at", "cancel_job", "here", "bot", "follow", "spawn", "http"])
async def test_a_method_that_hides_one_that_every_plugin_has_is_refused(write, host, name):
    write("wrong.py", f"class Wrong(Plugin):\n  @command()\n  async def {name}(self, ctx):\n    'Hide it.'")
    with pytest.raises(PluginError, match=f"Wrong.{name} hides the method that every plugin has"):
        host("wrong:").load()
