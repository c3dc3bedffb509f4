"""What all servers on a database have to know alike: single values by name, beside those of its lineage."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from . import schema as s

PLUGINS_OFF = "plugins_off"
"""Which plugins an admin has switched off: a JSON list of names."""


JWT_KEYS = "jwt_keys"
"""The keys that sign JSON Web Tokens, as JSON: with several servers alone, one keeps them in a file."""


def read(conn: Connection, name: str) -> str | None:
    """The value, or None where there is none."""
    value: str | None = conn.execute(select(s.meta.c.value).where(s.meta.c.key == name)).scalar()
    return value


def write(conn: Connection, name: str, value: str) -> None:
    """Keep a value in place of the one before."""
    changed = conn.execute(update(s.meta).where(s.meta.c.key == name).values(value=value))
    if not changed.rowcount:
        conn.execute(insert(s.meta).values(key=name, value=value))
