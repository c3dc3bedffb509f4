"""``chatserver audit``: read and export the audit log, beside a running server too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import click

from ..accounts.accounts import Accounts
from ..chat.audit import all_entries, moment
from ..chat.audit_export import exported, text_line
from ..model import names
from ..model.audit import AuditEntry
from ..store import Store
from ..store import audit as rows
from .options import config_option
from .user_commands import with_accounts


@click.command()
@click.option("--user", metavar="NAME", help="Only what was done to this user.")
@click.option("--by", metavar="NAME", help="Only what this user did.")
@click.option("--room", help="Only what happened in this room.")
@click.option("--action", help="Only this action, such as banned or login_refused.")
@click.option("--search", metavar="TEXT", help="Only what has this text in a name, the reason or the detail.")
@click.option("--after", metavar="DATE", help="Only from this date, or date and time, on.")
@click.option("--before", metavar="DATE", help="Only what is older than this.")
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@click.option("--format", type=click.Choice(["text", "jsonl", "csv"]), default="text", show_default=True)
@config_option
@with_accounts
async def audit(
    store: Store, accounts: Accounts, user: str | None, by: str | None, room: str | None, limit: int | None,
    format: str, **asked: Any,
) -> None:  # fmt: skip
    """Show the audit log, the newest entries first."""
    wanted = rows.AuditFilter(
        target=(await accounts.find(user)).id if user is not None else None,
        by=(await accounts.find(by)).id if by is not None else None,
        room=names.room_key(room) if room is not None else None,
        action=asked["action"],
        search=asked["search"],
        after=moment(asked["after"], "--after"),
        before=moment(asked["before"], "--before"),
    )

    entries = _first(all_entries(store, wanted), limit)
    lines = (
        (text_line(each) + "\n" async for each in entries) if format == "text" else exported(entries, format)
    )
    async for line in lines:
        click.echo(line, nl=False)


async def _first(entries: AsyncIterator[AuditEntry], limit: int | None) -> AsyncIterator[AuditEntry]:
    left = limit
    async for each in entries:
        if left is not None:
            if left == 0:
                return
            left -= 1
        yield each
