"""The lineage (epoch) of what is in the database: whether acknowledged commits may be gone from it."""

from __future__ import annotations

import secrets
import time

from sqlalchemy import Connection, insert, select, update

from ..model.errors import ConfigError
from . import schema as s

MOVING = "moving"
"""A fact of a database that is being filled from another one: which one that is."""


def prepare(conn: Connection, started: str | None, durable: bool) -> str:
    """Note that a server runs from now on, and return the epoch.

    ``started`` is what `Database.started` gives, None for a tool beside the server. The epoch is new when acknowledged
    commits may be gone: without full durability, after that became another while the server ran. Raises ConfigError for
    an unfinished copy.
    """
    facts = {row.key: row.value for row in conn.execute(select(s.meta))}
    if MOVING in facts:
        raise ConfigError(
            f"it is an unfinished copy of {facts[MOVING]}: run chatserver move once more", path="store.url"
        )
    running = facts.get("running", "")
    lost = started is not None and not durable and running not in ("", started)
    epoch: str = facts.get("epoch", "")
    if not epoch or lost:
        epoch = "e" + secrets.token_hex(8)
    for key, value in (("epoch", epoch), ("running", running if started is None else started)):
        if key in facts:
            conn.execute(update(s.meta).where(s.meta.c.key == key).values(value=value))
        else:
            conn.execute(insert(s.meta).values(key=key, value=value))
    return epoch


def mark_stopped(conn: Connection) -> None:
    """Note that the server stopped in order."""
    conn.execute(update(s.meta).where(s.meta.c.key == "running").values(value=""))


def try_to_write(conn: Connection, size: int) -> None:
    """Write so many characters, over those of the last try."""
    value = format(time.time(), f"<{size}.3f")
    changed = conn.execute(update(s.meta).where(s.meta.c.key == "tried").values(value=value))
    if not changed.rowcount:
        conn.execute(insert(s.meta).values(key="tried", value=value))
