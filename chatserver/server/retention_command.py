"""``chatserver retention``: lets the running server blank what is older than it may get."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ..chat.retention import Retention
from ..store.expiring import Aged
from .control import ask
from .options import MISTAKE, config_option, read_settings

RETENTION = "retention"
"""How the running server is asked."""
AGED, STEP = "aged", "step"


async def answer(retention: Retention, what: str) -> str:
    """What the running server does: tells what is too old, or blanks some of it."""
    found = await (retention.step() if what == STEP else retention.aged())
    return msgspec.json.encode(found).decode()


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would be removed.")
@config_option
def retention(config: Path | None, dry_run: bool) -> None:
    """Remove the texts and files of messages that are older than their room keeps them."""
    data_dir = read_settings(config).data_dir
    found = msgspec.json.decode(_ask(data_dir, AGED), type=list[Aged])
    console = Console()
    if not found:
        console.print("Nothing is older than it may get.")
        return
    console.print(_table(found))
    if dry_run:
        return
    with Progress(console=console) as progress:
        task = progress.add_task("Removing", total=sum(each.messages for each in found))
        more = True
        while more:
            done, more = msgspec.json.decode(_ask(data_dir, STEP), type=tuple[int, bool])
            progress.advance(task, done)
        progress.update(task, completed=progress.tasks[task].total)
    messages = sum(each.messages for each in found)
    console.print(f"The texts and files of {messages} messages are gone.")


def _table(found: list[Aged]) -> Table:
    table = Table("room", "kept for days", "messages that are older", "with files")
    for each in found:
        table.add_row(each.room, str(each.days), str(each.messages), str(each.files))
    return table


def _ask(data_dir: Path, what: str) -> str:
    answer = ask(data_dir, f"{RETENTION} {what}")
    if not answer.ok:
        _fail(answer.text)
    return answer.text


def _fail(text: str) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(MISTAKE)
