"""``chatserver erase``: lets the running server erase a user."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress as Bar

from ..chat.erasure import Erasure, Progress
from ..model.errors import ConfigError
from ..store.erasing_users import Traces
from .control import ask
from .options import MISTAKE, config_option, read_settings

ERASE = "erase"
"""How the running server is asked."""
LOOK_SECONDS = 0.2

Found = tuple[str, str, Traces]
"""The id and the name of the user, and how much there is of them."""


async def answer(erasure: Erasure, asked: str) -> str:
    """What the running server does: finds the user, begins, or tells how far it is."""
    what, name = msgspec.json.decode(asked, type=tuple[str, str])
    if what == "find":
        user, traces = await erasure.traces(None, name)
        return msgspec.json.encode((user.id, user.name, traces)).decode()
    progress = await (erasure.begin(None, name) if what == "begin" else erasure.progress(None, name))
    return msgspec.json.encode(progress).decode()


@click.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only tell how much there is.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@config_option
def erase(config: Path | None, name: str, dry_run: bool, yes: bool) -> None:
    """Erase a user, by name or id: all that they wrote, are called and have uploaded. Nothing brings it back."""
    data_dir = read_settings(config).data_dir
    user_id, name, traces = msgspec.json.decode(_ask(data_dir, "find", name), type=Found)
    console = Console()
    console.print(
        f"{name} ({user_id}): {traces.messages} messages, {traces.files} of them with files, are deleted, "
        f"{traces.mentions} messages of others name a pseudonym instead, and so do {traces.audit} entries of the audit"
        " log.",
        highlight=False,
        markup=False,
    )
    if dry_run:
        return
    if not yes:
        click.confirm("Erase this user for good?", abort=True)
    progress = msgspec.json.decode(_ask(data_dir, "begin", user_id), type=Progress)
    with Bar(console=console) as bar:
        task = bar.add_task("Erasing", total=progress.total)
        while progress.state == "running":
            bar.update(task, completed=progress.done)
            time.sleep(LOOK_SECONDS)
            progress = msgspec.json.decode(_ask(data_dir, "progress", user_id), type=Progress)
        bar.update(task, completed=progress.done)
    if progress.state == "failed":
        raise ConfigError(f"it is not finished, begin it again: {progress.error}")
    console.print(f"{user_id} is erased.", highlight=False)
    for copy in sorted(data_dir.glob("*.before-*")):
        console.print(f"This copy from before still has all of it: {copy}", highlight=False, markup=False)


def _ask(data_dir: Path, what: str, name: str) -> str:
    answer = ask(data_dir, f"{ERASE} {msgspec.json.encode([what, name]).decode()}")
    if not answer.ok:
        click.echo(answer.text, err=True)
        sys.exit(MISTAKE)
    return answer.text
