"""``chatserver move``: the chat into another database, while no server runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..config import Settings, is_store_url
from ..model.errors import PluginError
from ..plugins.discovery import find, plugin_class
from ..store.choice import database, existing_database
from ..store.database import Database
from ..store.moving import PluginTables, known_plugins, move
from .options import config_option, read_settings


@click.command("move")
@config_option
@click.option(
    "--to", "target", required=True, help="The store.url of the new database, such as postgresql://…"
)
def move_command(config: Path | None, target: str) -> None:
    """Copy all messages, people and plugins' tables to another database.

    No server may run. What was interrupted goes on. Afterwards name the new one in store.url: clients go on
    where they were.
    """
    settings = read_settings(config)
    if not is_store_url(target) or target == "memory:":
        raise click.BadParameter("names no database that lasts", param_hint="--to")
    if target == "sqlite:":
        target = f"sqlite:{settings.data_dir / 'chat.db'}"
    old = existing_database(settings.store.url, settings.data_dir, settings.store.durability)
    new = database(target, settings.data_dir, settings.store.durability)
    if old.name == new.name:
        raise click.BadParameter("is the database that the chat is in", param_hint="--to")
    try:
        old.claim("alone")
        new.claim("target")
        rows = _moved(old, new, settings)
    finally:
        old.close()
        new.close()
    click.echo(f"{rows:,} rows are in {new.name}, and compared. Name it in store.url, and start the server.")


def _moved(old: Database, new: Database, settings: Settings) -> int:
    # Only a command that takes long needs it.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    plugins = _plugins(old, settings)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as progress:
        tasks: dict[str, Any] = {}

        def told(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = progress.add_task(table, total=total)
            progress.update(tasks[table], completed=done)

        return move(old, new, plugins, told)


def _plugins(old: Database, settings: Settings) -> dict[str, PluginTables]:
    """What the plugins with tables are made of. Raises PluginError for one that is not installed."""
    installed = {each.name: each for each in find(settings.plugins.dirs)}
    made = {}
    for name in known_plugins(old):
        if name not in installed:
            told = f"it has tables, but is not installed: install it, or chatserver plugin drop {name}"
            raise PluginError(told, name)
        found = plugin_class(installed[name])
        made[name] = PluginTables(found.migrations, found.tables_from_log)
    return made
