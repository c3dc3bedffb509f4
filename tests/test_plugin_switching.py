"""Plugins looked at and switched by an admin in the chat and on the command line; clients told what changed."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys

import pytest
import yaml

from chatserver.model.errors import ConfigError
from chatserver.server.control import address, ask
from chatserver.testing import Refused

KARMA = """
from chatserver import Plugin, command, hookimpl, settings

class Karma(Plugin):
    @settings
    class Settings:
        word: str = "hello"
        fails: bool = False

    @hookimpl
    async def startup(self):
        if self.settings.fails:
            raise OSError("no disk")

    @hookimpl
    def register_permissions(self):
        return {"karma.use": "guest"}

    @hookimpl
    def client_settings(self, user):
        return {"word": self.settings.word, "name": user.name}

    @command(permission="karma.use")
    def karma(self, ctx):
        \"\"\"Say the word.\"\"\"
        return self.settings.word

    @command()
    def broken(self, ctx):
        \"\"\"Fail.\"\"\"
        raise ValueError("oops")
"""


@pytest.fixture
def dirs(tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "karma.py").write_text(KARMA)
    return [folder]


async def refusal(waiting):
    with pytest.raises(Refused) as caught:
        await waiting
    return caught.value


async def told(client, text):
    await client.says(text)
    return (await client.hears("notice")).text


async def test_an_admin_switches_a_plugin_off_and_on(chat, dirs):
    async with chat(plugins=["basics", "karma", "emoji"], dirs=dirs) as server:
        root = await server.account("root", "admin")
        await root.join("general")
        assert await told(root, "/karma") == "hello"
        assert (await told(root, "/plugins")).splitlines()[1].startswith("karma: on, ")
        assert await told(root, "/plugins off karma") == "The settings were read again. Switched off: karma."
        assert (await refusal(root.says("/karma"))).code == "not_found"
        assert (await told(root, "/plugins")).splitlines()[-1].startswith("karma: off (")
        # What the settings file says of others takes effect, and the switch stays.
        assert (await told(root, "/plugins reload")).startswith("The settings were read again. No plugin")
        await server.restart()
        root = await server.account("root2", "admin")
        await root.join("general")
        assert (await refusal(root.says("/karma"))).code == "not_found"
        assert await told(root, "/plugins on karma") == "The settings were read again. Switched on: karma."
        assert await told(root, "/karma") == "hello"


async def test_what_can_not_be_switched_is_told(chat, dirs):
    needy = "from chatserver import Plugin\n\nclass Needy(Plugin):\n    requires = ('karma',)\n"
    (dirs[0] / "needy.py").write_text(needy)
    async with chat(plugins=["basics", "karma", "needy"], dirs=dirs) as server:
        root = await server.account("root", "admin")
        (alice,) = await server.join("general", "alice")
        await root.join("general")
        for line, code in [
            ("/plugins off", "invalid"),
            ("/plugins reload karma", "invalid"),
            ("/plugins nonsense", "invalid"),
            ("/plugins off basics", "invalid"),
        ]:
            assert (await refusal(root.says(line))).code == code, line
        assert (await refusal(alice.says("/plugins"))).code == "forbidden"
        said = await told(root, "/plugins off emoji")
        assert said == (
            "Nothing has changed: The settings enable no plugin 'emoji'; these are enabled: basics, karma, needy."
        )
        assert "another one, 'karma', enabled before it (which /plugins has switched off)" in await told(
            root, "/plugins off karma"
        )
        assert await told(alice, "/karma") == "hello"
        assert not (server.server.settings.data_dir / "plugins_off.json").exists()


async def test_a_plugin_that_does_not_start_changes_nothing_and_the_admin_reads_why(chat, dirs):
    async with chat(plugins=["basics", "karma"], dirs=dirs) as server:
        root = await server.account("root", "admin")
        await root.join("general")
        config = server.server.settings.data_dir.parent / "config.yaml"
        settings = yaml.safe_load(config.read_text())
        settings["plugins"]["enabled"]["karma"] = {"word": "bye", "fails": True}
        config.write_text(yaml.safe_dump(settings))
        await root.says("/plugins reload")
        notice = await root.hears("notice")
        assert notice.level == "error"
        assert notice.text.startswith(
            "Nothing has changed: plugin 'karma': startup failed: OSError: no disk ("
        )
        assert await told(root, "/karma") == "hello"
        assert not await root.heard("plugins")


async def test_a_suspended_part_is_shown_and_begins_anew_with_a_reload(chat, dirs):
    async with chat(plugins=["basics", "karma"], dirs=dirs) as server:
        root = await server.account("root", "admin")
        await root.join("general")
        for _ in range(20):
            assert (await refusal(root.says("/broken"))).code == "plugin_failed"
        assert (await root.hears("notice")).text.startswith(
            "The plugin karma keeps failing: /broken is suspended"
        )
        assert "suspended" in (await refusal(root.says("/broken"))).message
        assert await told(root, "/karma") == "hello"
        lines = (await told(root, "/plugins")).splitlines()
        assert lines[1].startswith("karma: suspended, ")
        assert lines[2].startswith("  /broken: ValueError: oops (")
        assert len(server.failures()) == 20
        assert "Started anew: karma." in await told(root, "/plugins reload")
        assert (await refusal(root.says("/broken"))).message == "The plugin 'karma' failed."
        server.failures()


async def test_clients_are_told_what_they_have_now(chat, dirs):
    async with chat(plugins=["basics"], dirs=dirs) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await server.reload({"basics": {}, "karma": {"word": "hi", "rooms": ["general"]}})
        for client in (alice, bob):
            event = await client.hears("plugins")
            settings = {"word": "hi", "name": client.name}
            assert event.plugins["karma"] == {"settings": settings, "rooms": ["general"]}
            assert "karma.use" in event.permissions
            assert "karma" in [command["name"] for command in event.commands]
        fresh = await server.client("carol")
        assert {key: fresh.welcome[key] for key in ("permissions", "commands")} == {
            key: event[key] for key in ("permissions", "commands")
        }
        await server.reload(["basics"])
        event = await alice.hears("plugins")
        assert event.plugins.keys() == {"basics"}
        assert "karma.use" not in event.permissions


# The command


def run(config, *words):
    done = subprocess.run(
        [sys.executable, "-m", "chatserver", *words, "--config", str(config)],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


async def test_a_running_server_is_reloaded_by_command(process, dirs, tmp_path):
    async with process(plugins=["basics", "karma"], dirs=dirs) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        socket = tmp_path / "data" / "control.sock"
        assert stat.S_IMODE(os.stat(socket).st_mode) == 0o600
        settings = yaml.safe_load(server.config.read_text())
        settings["plugins"]["enabled"]["karma"] = {"word": "bye"}
        server.config.write_text(yaml.safe_dump(settings))
        assert run(server.config, "reload") == (0, "The settings were read again. Started anew: karma.\n", "")
        assert await told(alice, "/karma") == "bye"
        settings["plugins"]["enabled"]["karma"] = {"word": "again", "fails": True}
        server.config.write_text(yaml.safe_dump(settings))
        code, _, errors = run(server.config, "reload")
        assert code == 2
        assert errors.startswith("plugin 'karma': startup failed: OSError: no disk (")
        assert errors.endswith("Nothing has changed.\n")
        assert await told(alice, "/karma") == "bye"
        assert not ask(tmp_path / "data", "nonsense").ok
        await alice.leave()
    code, _, errors = run(server.config, "reload")
    assert code == 2
    assert errors == f"chatserver: no server runs on the data folder {tmp_path / 'data'}\n"


def test_a_data_folder_with_a_long_path_has_its_socket_elsewhere(tmp_path):
    assert address(tmp_path / "x").parent == tmp_path / "x"
    deep = tmp_path / ("x" * 100)
    assert len(os.fsencode(address(deep))) < 108
    assert address(deep) != address(deep / "y")
    with pytest.raises(ConfigError, match="no server runs on the data folder"):
        ask(deep, "reload")


def test_check_tells_what_is_switched_off_and_what_is_wrong_with_it(dirs, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(
        yaml.safe_dump({"plugins": {"dirs": [str(dirs[0])], "enabled": {"basics": {}, "karma": {}}}})
    )
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "plugins_off.json").write_text(json.dumps(["karma", "gone"]))
    code, out, _ = run(config, "check")
    assert code == 0
    assert f"karma is switched off, by /plugins off in the chat ({data / 'plugins_off.json'})." in out
    assert "gone" not in out
    assert "karma (switched off by /plugins off in the chat" in run(config, "plugins")[1]
    (data / "plugins_off.json").write_text("{")
    code, _, errors = run(config, "check")
    assert code == 2
    assert "plugins_off.json: is not what /plugins off writes" in errors


# While a plugin is written


def code(word, extra=""):
    return (
        "from chatserver import Plugin, command\nfrom .words import WORD\n\n\nclass Draft(Plugin):\n"
        f"    @command()\n    def say(self, ctx):\n        return f'{{WORD}} {word}'\n{extra}"
    )


async def test_a_plugin_is_loaded_anew_when_its_files_change(process, tmp_path):
    package = tmp_path / "plugins" / "draft"
    (package / "static").mkdir(parents=True)
    (package / "words.py").write_text("WORD = 'one'\n")
    (package / "__init__.py").write_text(code("1"))
    async with process(
        plugins=["basics", "draft"], dirs=[tmp_path / "plugins"], options=["--reload"]
    ) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        assert await told(alice, "/say") == "one 1"

        async def becomes(text):
            async with asyncio.timeout(10):
                while await told(alice, "/say") != text:
                    pass

        (package / "__init__.py").write_text(code("2"))
        await becomes("one 2")
        (package / "words.py").write_text("WORD = 'two'\n")
        await becomes("two 2")
        (package / "__init__.py").write_text(code("3", "    def ("))
        async with asyncio.timeout(10):
            while (
                "nothing was reloaded: plugin 'draft': can't be imported: SyntaxError" not in server.errors()
            ):
                await alice.ask("ping")
        # What can't be loaded is not forgotten: another way of reloading tells it, too.
        assert "SyntaxError" in run(server.config, "reload")[2]
        assert await told(alice, "/say") == "two 2"
        (package / "__init__.py").write_text(code("4"))
        await becomes("two 4")
        await alice.heard("plugins")
        (package / "static" / "client.js").write_text("export function activate() {}\n")
        event = await alice.hears("plugins")
        assert event.plugins["draft"]["client"].endswith("client.js")
        await alice.leave()


TICKS = """
from chatserver import Plugin, hookimpl

class Ticks(Plugin):
    @hookimpl
    def startup(self):
        self.every(0.01, self.tick)
        self.every(0.01, self.work)
        self.worked = 0

    def tick(self):
        raise ValueError("no disk")

    def work(self):
        self.worked += 1
"""


async def test_a_job_that_keeps_failing_is_suspended_and_no_other(chat, dirs, eventually):
    (dirs[0] / "ticks.py").write_text(TICKS)
    async with chat(plugins=["basics", "ticks"], dirs=dirs) as server:
        ticks, stats = server.server.host.current.peer("ticks"), server.server.host.stats
        await eventually(lambda: server.server.host.current.hooks.suspended("ticks"))
        worked, failed = ticks.worked, stats["ticks", "job"].failures
        await eventually(lambda: ticks.worked > worked + 1)
        assert stats["ticks", "job"].failures == failed == 20
        root = await server.account("root", "admin")
        await root.join("general")
        assert "  the job tick: ValueError: no disk (" in await told(root, "/plugins")
        await server.reload(["basics", "ticks"])
        # It begins anew, and fails anew.
        await eventually(lambda: stats["ticks", "job"].failures == 40)
        server.failures()
