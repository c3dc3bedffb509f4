"""``chatserver permissions``: asks the running server what a user may do, and why."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from .control import ask
from .options import MISTAKE, config_option, read_settings

PERMISSION = "permission"
"""How the running server is asked."""


@click.group()
def permissions() -> None:
    """See what users may do."""


@permissions.command()
@click.argument("user")
@click.argument("permission")
@click.argument("room", required=False)
@config_option
def why(config: Path | None, user: str, permission: str, room: str | None) -> None:
    """Say whether a user has a permission, in a room or everywhere, and what decides that."""
    asked = msgspec.json.encode([user, permission, room]).decode()
    answer = ask(read_settings(config).data_dir, f"{PERMISSION} {asked}")
    click.echo(answer.text, err=not answer.ok)
    if not answer.ok:
        sys.exit(MISTAKE)
