"""A plugin's own tables: SQL in the server's database, versioned migrations, rows written along with events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from ..model.errors import PluginError
from ..model.values import Event
from ..plugins.api import Row
from . import schema as s
from .changes import Contributor
from .savepoint import Aborted, savepoint
from .store import Store

Migration = str | Callable[["Tx"], None]


class Tx:
    """A running transaction (`chatserver.plugins.api.Transaction`)."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def execute(self, sql: str, **params: Any) -> list[Row]:
        result = self._conn.execute(text(sql), params)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def executemany(self, sql: str, params: Sequence[Row]) -> None:
        if params:
            self._conn.execute(text(sql), [dict(row) for row in params])


class PluginDatabase:
    """One plugin's view of the store (`chatserver.plugins.api.Database`)."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def query(self, sql: str, **params: Any) -> list[Row]:
        return await self._store.read(lambda conn: Tx(conn).execute(sql, **params))

    async def execute(self, sql: str, **params: Any) -> list[Row]:
        return await self._store.write(lambda conn: Tx(conn).execute(sql, **params))

    async def transaction(self, work: Callable[[Tx], Any]) -> Any:
        return await self._store.write(lambda conn: work(Tx(conn)))


def migrate(conn: Connection, plugin: str, migrations: Sequence[Migration]) -> None:
    """Run what has not been run yet, in order. Raises PluginError when the tables are newer than the plugin."""
    query = select(s.plugin_schema.c.version).where(s.plugin_schema.c.plugin == plugin)
    version = conn.execute(query).scalar()
    if version is None:
        conn.execute(insert(s.plugin_schema).values(plugin=plugin, version=0))
        version = 0
    if version > len(migrations):
        raise PluginError(f"its tables are at version {version}, it knows {len(migrations)}", plugin)
    for migration in migrations[version:]:
        if isinstance(migration, str):
            conn.execute(text(migration))
        else:
            migration(Tx(conn))
    conn.execute(
        update(s.plugin_schema).where(s.plugin_schema.c.plugin == plugin).values(version=len(migrations))
    )


class Contributions:
    """Calls every ``in_commit`` hook in the running transaction; what a failing one wrote is undone."""

    def __init__(self, contributors: Callable[[], Sequence[Contributor]]) -> None:
        self._contributors = contributors

    def __call__(self, conn: Connection, events: Sequence[Event]) -> None:
        for contributor in self._contributors():
            try:
                with savepoint(conn):
                    contributor.call(Tx(conn), events)
            except Aborted:
                raise
            except Exception:
                # The hook's own driver has logged it.
                if contributor.on_error == "reject":
                    raise
