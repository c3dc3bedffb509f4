"""``chatserver migrate``: the tables of an older version, before the server starts."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from ..store.choice import existing_database
from ..store.revisions import REVISION, bring_up_to_date, revision_of
from .options import config_option, read_settings


@click.command("migrate")
@config_option
@click.option("--check", is_flag=True, help="Change nothing: fail where something would have to be changed.")
def migrate_command(config: Path | None, check: bool) -> None:
    """Bring the database to the revision of this version, as the next start would.

    No server may run, but for --check.
    """
    settings = read_settings(config)
    found = existing_database(settings.store.url, settings.data_dir, settings.store.durability)
    try:
        found.claim("beside" if check else "alone")
        with found.engine.connect() as conn, conn.begin():
            found.check(conn)
            before = revision_of(conn)
            bring_up_to_date(conn, found, may_change=not check)
    except DBAPIError as error:
        raise found.unopened(error) from error
    finally:
        found.close()
    came = "" if before == REVISION else f", from {before}"
    click.echo(f"{found.name} is at revision {REVISION}{came}.")
