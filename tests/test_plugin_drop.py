"""``chatserver plugin drop``: all of one plugin goes, and nothing else."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatserver.config import load
from chatserver.model.errors import ConfigError, PluginError, Reject
from chatserver.server import cli
from chatserver.store import Store
from chatserver.store.plugin_data import rows_of
from chatserver.testing import Harness, ServerProcess

SHOP = """
from chatserver import Plugin, hookimpl


class Shop(Plugin):
    migrations = (
        "CREATE TABLE shop_thing (id INTEGER PRIMARY KEY, name TEXT)",
        "CREATE TABLE shop_sale (thing INTEGER REFERENCES shop_thing (id), price INTEGER)",
        "CREATE INDEX shop_sale_price ON shop_sale (price)",
        "CREATE VIRTUAL TABLE shop_words USING fts5 (word)",
        "INSERT INTO shop_thing VALUES (1, 'tea'), (2, 'milk')",
        "INSERT INTO shop_sale VALUES (1, 3)",
    )

    @hookimpl
    async def startup(self):
        self.data_dir.mkdir(parents=True, exist_ok=True)
        (self.data_dir / "bill.txt").write_text("three")
"""
LONGER = """
from chatserver import Plugin


class Longer(Plugin):
    migrations = ("CREATE TABLE shop_front_window (id INTEGER)", "INSERT INTO shop_front_window VALUES (1)")
"""


@pytest.fixture
def config(chat: Callable[..., Harness], tmp_path: Path) -> Path:
    """The settings of a server that has run with two plugins, without them."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "shop.py").write_text(SHOP)
    (own / "shop_front.py").write_text(LONGER)
    settings = {"store": {"url": f"sqlite:{tmp_path / 'chat.db'}", "durability": "normal"}}

    async def run() -> None:
        async with chat(plugins=["shop", "shop_front"], dirs=[own], settings=settings):
            pass

    asyncio.run(run())
    path = tmp_path / "config.yaml"
    path.write_text(path.read_text().replace("enabled:\n    shop: {}\n    shop_front: {}\n", "enabled: {}\n"))
    return path


def drop(config: Path, *args: str, input: str = "") -> str:
    ran = CliRunner().invoke(
        cli.commands,
        ["plugin", "drop", *args, "--config", str(config)],
        input=input,
        catch_exceptions=False,
    )
    return ran.output


def kept(config: Path, plugin: str, *others: str) -> dict[str, int]:
    """The rows that the database holds for a plugin, by table."""

    async def read() -> dict[str, int]:
        settings = load(config, {})
        store = Store.open(settings.store.url, settings.data_dir, settings.store.durability)
        try:
            return dict(await store.read(lambda conn: rows_of(conn, plugin, others)))
        finally:
            store.close()

    return asyncio.run(read())


def test_all_of_one_plugin_goes_and_nothing_else(config: Path) -> None:
    asked = drop(config, "shop", input="n\n")
    for line in ("shop_thing: 2 rows", "shop_sale: 1 row\n", "plugin_schema: 1 row\n", "1 file, 5 bytes"):
        assert line in asked
    assert kept(config, "shop", "shop_front")["shop_thing"] == 2
    assert "is gone" in drop(config, "shop", input="y\n")
    assert kept(config, "shop", "shop_front") == {}
    assert kept(config, "shop_front") == {"shop_front_window": 1, "plugin_schema": 1}
    assert not (config.parent / "data" / "plugins" / "shop").exists()
    # Enabled again, it begins anew.
    config.write_text(config.read_text().replace("enabled: {}", "enabled: {shop: {}}"))
    with pytest.raises(ConfigError, match="the plugin is enabled"):
        drop(config, "shop", "--yes")


def test_a_name_without_anything_is_told_with_the_nearest(config: Path) -> None:
    with pytest.raises(Reject, match=r"Nothing is kept for a plugin 'shap'\. Did you mean shop\?"):
        drop(config, "shap", "--yes")


async def test_nothing_is_dropped_while_a_server_runs(
    process: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    async with process(plugins=[]) as server:
        ran = await asyncio.to_thread(
            subprocess.run,
            [
                sys.executable,
                "-m",
                "chatserver",
                "plugin",
                "drop",
                "files",
                "--yes",
                "--config",
                str(server.config),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (cli.MISTAKE, "")
        assert "another server" in ran.stderr


def test_there_has_to_be_a_database(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("plugins: {enabled: {}}\ndata_dir: nowhere\n")
    with pytest.raises(ConfigError, match="there is no database"):
        drop(config, "shop", "--yes")
    config.write_text("store: {url: 'memory:'}\nplugins: {enabled: {}}\n")
    with pytest.raises(ConfigError, match="nothing to manage"):
        drop(config, "shop", "--yes")


@pytest.mark.parametrize("name", ["", ".", "..", "../..", "a/../..", "shop/.", "Shop", "{outside}"])
def test_what_is_no_name_of_a_plugin_drops_nothing(config: Path, name: str) -> None:
    outside = config.parent / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    with pytest.raises(PluginError, match="a plugin's name has small letters"):
        drop(config, "--yes", name.format(outside=outside))
    assert (outside / "kept.txt").exists()
    assert (config.parent / "data" / "plugins" / "shop" / "bill.txt").exists()


@pytest.mark.parametrize("target", ["outside", "data/plugins/shop_front"])
def test_a_link_is_not_followed(config: Path, target: str) -> None:
    elsewhere = config.parent / target
    elsewhere.mkdir(exist_ok=True)
    (elsewhere / "kept.txt").write_text("kept")
    folder = config.parent / "data" / "plugins" / "shop"
    shutil.rmtree(folder)
    folder.symlink_to(elsewhere)
    with pytest.raises(PluginError, match="is a link to"):
        drop(config, "shop", "--yes")
    assert (elsewhere / "kept.txt").exists()
    assert kept(config, "shop", "shop_front")["shop_thing"] == 2
