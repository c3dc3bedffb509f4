"""``chatserver nodes``: the servers of a cluster, as the one that runs here knows them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from ..chat.nodes import Nodes
from .control import ask
from .options import MISTAKE, config_option, read_settings

NODES = "nodes"
"""What the running server is asked for."""


class Line(msgspec.Struct):
    """A server: since when it runs and when it was last heard are in seconds since the epoch."""

    id: str
    address: str
    version: str
    since: float
    heard: float
    users: int
    behind: int
    leaving: bool


class Told(msgspec.Struct):
    """All that are known; ``here`` is the one that was asked, and ``problem`` why it hears no other."""

    here: str
    problem: str | None
    nodes: list[Line]


def nodes_told(nodes: Nodes, problem: str | None) -> str:
    """The answer of a running server."""
    ago = time.time() - time.monotonic()
    here = nodes.here()
    lines = [
        Line(
            each.id,
            each.address,
            each.version,
            each.since,
            each.heard + ago,
            each.users,
            each.behind,
            each.leaving,
        )
        for each in (here, *nodes.others())
    ]
    return msgspec.json.encode(Told(here.id, problem, lines)).decode()


@click.command("nodes")
@config_option
def nodes_command(config: Path | None) -> None:
    """List the servers of a cluster: since when each runs, its version, its people, and how far behind it is."""
    settings = read_settings(config)
    if not settings.bus.url:
        click.echo("This is a single server: bus.url names no Redis by which it would hear of others.")
        return
    answer = ask(settings.data_dir, NODES)
    if not answer.ok:
        click.echo(answer.text, err=True)
        sys.exit(MISTAKE)
    told = msgspec.json.decode(answer.text, type=Told)
    rows: list[tuple[str, ...]] = [("NODE", "ADDRESS", "VERSION", "SINCE", "PEOPLE", "HEARD", "BEHIND")]
    rows += [_row(each, each.id == told.here) for each in sorted(told.nodes, key=lambda node: node.since)]
    for line in _aligned(rows):
        click.echo(line)
    if told.problem is not None:
        click.echo(f"Others are not heard: {told.problem}", err=True)
        sys.exit(1)


def _row(node: Line, here: bool) -> tuple[str, ...]:
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(node.since))
    heard = "here" if here else f"{max(0.0, time.time() - node.heard):.0f} s ago"
    behind = "is leaving" if node.leaving else f"{node.behind:,} events" if node.behind else "no"
    return node.id, node.address, node.version, since, f"{node.users:,}", heard, behind


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
