"""``chatserver reload``: asks the running server to read its settings again, and tells what came of it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .control import RELOAD, ask
from .options import MISTAKE, config_option, read_settings


@click.command()
@config_option
def reload(config: Path | None) -> None:
    """Have the running server read its settings again: plugins, their settings, and permissions."""
    answer = ask(read_settings(config).data_dir, RELOAD)
    click.echo(answer.text, err=not answer.ok)
    if not answer.ok:
        click.echo("Nothing has changed.", err=True)
        sys.exit(MISTAKE)
