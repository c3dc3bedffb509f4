"""``chatserver plugin rebuild``: has the running server make anew what a plugin has made of the logs."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from ..model.errors import ConfigError
from .control import ask
from .options import config_option, read_settings

REBUILD = "rebuild"
"""What the running server is asked for: to begin, with a plugin's name."""
LEFT = "left"
"""What it is asked for then: how many events are left to read."""
LOOK_SECONDS = 0.25


@click.command("rebuild")
@click.argument("name")
@config_option
def rebuild(name: str, config: Path | None) -> None:
    """Make anew what a plugin has made of all messages, such as the index of search, while people chat."""
    _rebuild(name, config)


@click.group("search")
def search() -> None:
    """The index of the plugin search."""


@search.command("rebuild")
@config_option
def rebuild_search(config: Path | None) -> None:
    """Make the index of all messages anew, while people chat."""
    _rebuild("search", config)


def _rebuild(name: str, config: Path | None) -> None:
    # Only a command that takes long needs it.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    data_dir = read_settings(config).data_dir
    _asked(data_dir, REBUILD, name)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    started = time.monotonic()
    with Progress(*columns) as progress:
        left = total = int(_asked(data_dir, LEFT, name))
        task = progress.add_task("events", total=total)
        while left:
            time.sleep(LOOK_SECONDS)
            left = int(_asked(data_dir, LEFT, name))
            # What people write meanwhile has to be read as well.
            total = max(total, left)
            progress.update(task, completed=total - left, total=total)
    click.echo(f"{total:,} events were read, in {time.monotonic() - started:.0f} s.")


def _asked(data_dir: Path, what: str, name: str) -> str:
    try:
        answer = ask(data_dir, f"{what} {name}")
    except ConfigError as error:
        raise ConfigError(f"{error}; it is the running server that does this, while people chat") from None
    if not answer.ok:
        click.echo(answer.text, err=True)
        sys.exit(1)
    return answer.text
