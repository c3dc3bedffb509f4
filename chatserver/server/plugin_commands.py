"""``chatserver check``, and the group ``chatserver plugin``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..config import switched_off
from ..delivery.send import choose as choose_send
from ..delivery.send import send_in_python
from ..plugins.host import PluginHost
from .data_check import data_check
from .options import config_option, read_settings
from .plugin_drop import drop
from .plugin_list import check_plugin
from .plugin_new import new
from .rebuild_command import rebuild


@click.group()
def plugin() -> None:
    """Write plugins, and look after what they keep."""


plugin.add_command(new)
plugin.add_command(check_plugin)
plugin.add_command(drop)
plugin.add_command(rebuild)


@click.command()
@config_option
def check(config: Path | None) -> None:
    """Check the settings, the plugins and the data folder, without starting or changing anything."""
    settings = read_settings(config)
    host = PluginHost(settings)
    host.load()
    click.echo(f"The settings are right, and so are {len(host.current.plugins)} plugins.")
    for name in host.current.off:
        file = settings.data_dir / switched_off.FILE
        click.echo(f"{name} is switched off, by /plugins off in the chat ({file}).")
    if choose_send(settings.server.compiled) is not send_in_python:
        click.echo("Messages are sent by compiled code.")
    elif settings.server.compiled:
        click.echo("Messages are sent by Python code: there was no C compiler at installation.")
    else:
        click.echo("Messages are sent by Python code, as server.compiled says.")
    found = list(data_check(settings))
    for each in found:
        click.echo(each.text, err=each.wrong)
    if any(each.wrong for each in found):
        sys.exit(1)
