"""The command ``chatserver``: its groups of commands, each in a module of its own."""

from __future__ import annotations

import os
import sys

import click

from .. import __version__
from ..model.errors import ConfigError, PluginError, Reject
from .audit_command import audit
from .erase_command import erase
from .migrate_command import migrate_command
from .move_command import move_command
from .nodes_command import nodes_command
from .options import MISTAKE
from .permission_commands import permissions
from .plugin_commands import check, plugin
from .plugin_list import plugins
from .rebuild_command import search
from .reload_command import reload
from .retention_command import retention
from .running import serve
from .user_commands import user


@click.group()
@click.version_option(__version__, prog_name="chatserver")
def commands() -> None:
    """A self-hosted chat server in which every feature is a plugin."""


for each in (
    serve, reload, check, plugins, plugin, user, audit, permissions, retention, erase, search, migrate_command,
    move_command, nodes_command,
):  # fmt: skip
    commands.add_command(each)


def main() -> None:
    """Run the command line; a mistake in the settings or a plugin is a line on standard error and exit code 2."""
    # What is made here, other users of the machine can't read.
    os.umask(0o077)
    try:
        commands()
    except (ConfigError, PluginError) as error:
        click.echo(f"chatserver: {error}", err=True)
        sys.exit(MISTAKE)
    except Reject as error:
        click.echo(f"chatserver: {error.message}", err=True)
        sys.exit(1)
