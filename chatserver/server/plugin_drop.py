"""``chatserver plugin drop``: forget all that a plugin has kept."""

from __future__ import annotations

import asyncio
import difflib
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from ..config import Settings
from ..model.errors import PluginError, Reject
from ..model.plugin_names import check_form
from ..plugins.discovery import find
from ..store import Store
from ..store.plugin_data import drop_data, known_plugins, rows_of
from .options import config_option, read_settings


@click.command("drop")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@config_option
def drop(name: str, yes: bool, config: Path | None) -> None:
    """Drop a plugin's tables, values, cursors, jobs and files, for good.

    The plugin must not be enabled, and the server must not run. What it posted stays.
    """
    check_form(name)
    settings = read_settings(config)
    if name in settings.plugins.enabled:
        raise settings.source.error(
            ("plugins", "enabled", name), "the plugin is enabled; take it out of the settings first"
        )
    asyncio.run(_drop(settings, name, yes))


async def _drop(settings: Settings, name: str, yes: bool) -> None:
    store = Store.open_existing(settings.store.url, settings.data_dir, settings.store.durability, "alone")
    try:
        with store.failures.as_mistake(store.name):
            known = await store.read(known_plugins)
            others = (known | {each.name for each in find(settings.plugins.dirs)}) - {name}
            rows = await store.read(lambda conn: rows_of(conn, name, others))
            folder = _folder(settings.data_dir, name)
            files = [each for each in folder.rglob("*") if each.is_file()] if folder.is_dir() else []
            if not rows and not folder.is_dir():
                raise _nothing(name, known)
            if not yes:
                click.echo(_told(name, rows, folder, files))
                click.confirm("Drop it all, for good?", abort=True)
            await store.write(lambda conn: drop_data(conn, name, others))
            if folder.is_dir():
                shutil.rmtree(folder)
    finally:
        store.close()
    click.echo(f"All that the plugin {name} had kept is gone.")


def _folder(data_dir: Path, name: str) -> Path:
    """The plugin's folder. Raises PluginError if it is a link: what lies elsewhere isn't deleted."""
    folders = data_dir / "plugins"
    folder = folders / name
    if folder.is_symlink() or folder.resolve().parent != folders.resolve():
        raise PluginError(f"{folder} is a link to {folder.resolve()}; remove it first", name)
    return folder


def _nothing(name: str, known: set[str]) -> Reject:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return Reject(f"Nothing is kept for a plugin {name!r}.{hint}", "not_found")


def _told(name: str, rows: Mapping[str, int], folder: Path, files: list[Path]) -> str:
    lines = [f"The plugin {name} has kept:"]
    lines += [f"  {table}: {count} row{'' if count == 1 else 's'}" for table, count in rows.items()]
    if folder.is_dir():
        size = sum(each.stat().st_size for each in files)
        lines.append(f"  {folder}: {len(files)} file{'' if len(files) == 1 else 's'}, {size} bytes")
    return "\n".join(lines)
