"""``chatserver plugins`` and ``chatserver plugin check``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatserver.model.errors import ConfigError, PluginError
from chatserver.server import cli

SHOP = """
from dataclasses import dataclass

from chatserver import Handler, Plugin, RequestSpec, Route, command, hears, hookimpl, settings


@dataclass
class Buy:
    what: str


class Page(Handler):
    async def get(self):
        self.reply({})


class Shop(Plugin):
    requires = ("basics",)
    migrations = ('CREATE TABLE shop_thing (id INTEGER)', 'create table if not exists "shop_sale" (id INTEGER)')

    @settings
    class Settings:
        price: int = 1

    @command("shop list")
    def list(self, ctx): ...

    @hookimpl
    def register_requests(self):
        return [RequestSpec("buy", Buy, lambda ctx, fields: None)]

    @hookimpl
    def register_events(self):
        return ["sold"]

    @hookimpl
    def register_routes(self):
        return [Route("things", Page)]

    @hookimpl
    def after_post(self): ...

    @hears("(?i)buy .*")
    def hears_it(self, ctx): ...
"""
REGISTERED = """\
   hooks:    after_post, register_events, register_requests, register_routes
   commands: /shop list
   hears:    (?i)buy .*
   requests: shop:buy
   events:   shop:sold
   routes:   /plugins/shop/things
   tables:   shop_thing, shop_sale
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with settings that find the plugin above and enable another one."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "shop.py").write_text(SHOP)
    (tmp_path / "config.yaml").write_text("plugins: {dirs: [own], enabled: {basics: {}}}\ndata_dir: kept\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: str) -> str:
    return CliRunner().invoke(cli.commands, list(args), catch_exceptions=False).output


def test_all_that_a_plugin_registers_is_listed(here: Path) -> None:
    settings = here / "config.yaml"
    assert f"-  shop (not enabled; {here / 'own' / 'shop.py'})" in call("plugins")
    settings.write_text(
        "plugins: {dirs: [own], enabled: {basics: {}, shop: {rooms: [tea]}}}\ndata_dir: kept\n"
    )
    listed = call("plugins")
    assert f"2. shop ({here / 'own' / 'shop.py'})\n{REGISTERED}   rooms:    tea\n" in listed
    assert listed.startswith("1. basics 0.1.0\n")
    assert "counted:" not in listed


def test_one_plugin_is_checked_before_it_is_enabled(here: Path) -> None:
    assert call("plugin", "check", "shop") == f"shop is right.\n{REGISTERED}"
    assert call("plugin", "check").splitlines()[0] == "basics is right."
    with pytest.raises(ConfigError, match=r"there is no such plugin; did you mean \"shop\""):
        call("plugin", "check", "shap")
    # What is not enabled, and not asked about, is not even imported.
    broken = SHOP.replace("@hookimpl\n    def after_post(self)", "@hookimpl\n    def after_pots(self)")
    (here / "own" / "broken.py").write_text(broken)
    with pytest.raises(PluginError, match="there is no hook 'after_pots'"):
        call("plugin", "check", "broken")
    assert call("plugin", "check").splitlines()[0] == "basics is right."


async def test_what_a_running_server_has_counted_is_told(process, tmp_path: Path) -> None:
    async with process(plugins=["basics", "emoji"]) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        await alice.says(":tada:")
        await alice.leave()
        command = [sys.executable, "-m", "chatserver", "plugins", "--config", str(server.config)]
        ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        emoji = ran.stdout[ran.stdout.index("2. emoji") :]
        assert "counted:  3 calls, 0 failed, " in emoji  # startup, before_post and render


FOLLOWS = """
from chatserver import Plugin, hookimpl


class Index(Plugin):
    @hookimpl
    def startup(self):
        self.follow(self.index)

    def index(self, tx, events):
        if any(event.message is not None and event.message.content == "stop" for event in events):
            raise ValueError("can't read on")
"""


async def test_what_is_still_to_be_read_is_told(process, tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text(FOLLOWS)
    async with process(plugins=["basics", "index"], dirs=[tmp_path]) as server:
        alice = await server.client(name="alice")
        await alice.join("general")
        for text in ("go", "stop", "and", "more"):
            await alice.says(text)
        await alice.leave()
        command = [sys.executable, "-m", "chatserver", "plugins", "--config", str(server.config)]
        async with asyncio.timeout(10):
            while True:
                ran = await asyncio.to_thread(
                    subprocess.run, command, capture_output=True, text=True, check=True
                )
                if "follows:  index (3 events to read)" in ran.stdout:
                    break
