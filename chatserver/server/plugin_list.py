"""``chatserver plugins`` and ``chatserver plugin check``: what there is, what it registers, how it does."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from .. import __version__
from ..config import Settings
from ..config.settings import PluginConfig, Plugins
from ..model.errors import ConfigError
from ..plugins.discovery import Found, find, plugin_class
from ..plugins.hears import patterns_of
from ..plugins.host import PluginHost
from ..plugins.plugin_set import Loaded, PluginSet
from ..store.plugin_tables import tables_made
from .control import ask
from .options import config_option, read_settings

RUNNING = "plugins"
"""What the running server is asked for: how its plugins do."""
WHY = "why"
"""What it is asked for: what plugins did with a message."""


class Running(msgspec.Struct):
    """How a plugin does in the running server: as `PluginHost.overview` says it, and what is left to read."""

    name: str
    on: bool
    suspended: dict[str, str]
    calls: int
    failures: int
    seconds: float
    following: dict[str, int]


@click.group(invoke_without_command=True)
@config_option
@click.pass_context
def plugins(context: click.Context, config: Path | None) -> None:
    """List the plugins: those that are enabled, in order, with all they register, and those that could be.

    Where the server runs, how often they were called and failed there, and how long a call takes.
    """
    if context.invoked_subcommand is not None:
        return
    settings = read_settings(config)
    host = PluginHost(settings)
    host.load()
    running = _running(settings)
    found = {each.name: each for each in host.found()}
    for number, plugin in enumerate(host.current.plugins, 1):
        click.echo(f"{number}. {_title(found[plugin.name])}")
        _tell(_registered(host.current, plugin))
        _tell(_counted(running.get(plugin.name)))
    enabled = {plugin.name for plugin in host.current.plugins}
    for each in found.values():
        if each.name in host.current.off:
            click.echo(f"-  {each.name} (switched off by /plugins off in the chat; {each.where})")
        elif each.name not in enabled:
            click.echo(f"-  {each.name} (not enabled; {each.where})")


@plugins.command("why")
@click.argument("message", required=False)
@config_option
def why(message: str | None, config: Path | None) -> None:
    """Ask the running server what each plugin did with a message: changed, refused, took how long.

    MESSAGE is its id; without it the newest one, and those that were refused since. How many are kept is the setting
    plugins.trace.
    """
    answer = ask(read_settings(config).data_dir, f"{WHY} {message or ''}")
    click.echo(answer.text, err=not answer.ok)
    if not answer.ok:
        sys.exit(1)


@click.command("check")
@click.argument("name", required=False)
@config_option
def check_plugin(name: str | None, config: Path | None) -> None:
    """Tell all mistakes in the plugins, or in one of them, enabled or not. Nothing is started."""
    settings = read_settings(config)
    if name is not None:
        settings = _only(settings, name)
    host = PluginHost(settings)
    host.load()
    for plugin in host.current.plugins:
        if name in (None, plugin.name):
            click.echo(f"{plugin.name} is right.")
            _tell(_registered(host.current, plugin))


def _only(settings: Settings, name: str) -> Settings:
    """The settings with nothing enabled but a plugin and those that it requires."""
    found = {each.name: each for each in find(settings.plugins.dirs)}
    wanted: dict[str, PluginConfig] = {}

    def enable(each: str) -> None:
        if each not in found:
            raise settings.source.error(
                ("plugins", "enabled", each), "there is no such plugin", among=sorted(found)
            )
        for needed in plugin_class(found[each]).requires:
            if needed not in wanted:
                enable(needed)
        wanted[each] = settings.plugins.enabled.get(each, PluginConfig())

    enable(name)
    only = Plugins(dirs=settings.plugins.dirs, enabled=wanted)
    # The permissions of the others, which the settings may grant, are unknown here.
    auth = msgspec.structs.replace(settings.auth, permissions=type(settings.auth.permissions)())
    return msgspec.structs.replace(settings, plugins=only, auth=auth, off=())


def _title(found: Found) -> str:
    version = __version__ if found.bundled else found.version
    return f"{found.name} {version}" if version else f"{found.name} ({found.where})"


def _registered(current: PluginSet, plugin: Loaded) -> dict[str, Iterable[str]]:
    name = plugin.name
    return {
        "hooks": sorted(current.hooks.of(name)),
        "commands": [f"/{each.name}" for each in current.commands if each.plugin == name],
        "hears": patterns_of(plugin.instance),
        "requests": [type for type, (owner, _) in current.requests.items() if owner == name],
        "events": sorted(each for each in current.event_types if each.startswith(f"{name}:")),
        "routes": [
            f"/plugins/{name}/{route.pattern}" for owner, route in current.routes if owner.name == name
        ],
        "tables": tables_made(plugin.instance.migrations),
        "rooms": sorted(plugin.policy.rooms or ()),
    }


def _counted(line: Running | None) -> dict[str, Iterable[str]]:
    if line is None:
        return {}
    each = f"{line.seconds / line.calls * 1e6:.0f} µs each" if line.calls else ""
    counts = [f"{line.calls} calls", f"{line.failures} failed", each]
    suspended = [f"{part} ({why})" for part, why in line.suspended.items()]
    following = [f"{name} ({left:,} events to read)" for name, left in line.following.items()]
    return {
        "running": [] if line.on else ["off"],
        "counted": filter(None, counts),
        "follows": following,
        "suspended": suspended,
    }


def _tell(facts: Mapping[str, Iterable[str]]) -> None:
    for what, values in facts.items():
        if text := ", ".join(values):
            click.echo(f"   {what + ':':<10}{text}")


def _running(settings: Settings) -> dict[str, Running]:
    """How the plugins of the running server do, by name; empty where none runs."""
    try:
        answer = ask(settings.data_dir, RUNNING)
    except ConfigError:
        return {}
    if not answer.ok:
        return {}
    lines: Sequence[Any] = msgspec.json.decode(answer.text, type=list[Running])
    return {line.name: line for line in lines}
