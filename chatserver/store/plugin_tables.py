"""A plugin's own tables: SQL in the server's database, versioned migrations, rows written along with events."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select, update

from ..model.errors import PluginError, Reject
from ..model.values import Event
from ..plugins.database import Row
from ..plugins.failures import refused
from . import schema as s
from .changes import Contributor
from .failures import reason
from .plugin_transaction import MIGRATES, READS, Tx, contained
from .savepoint import Aborted, savepoint
from .store import Store

T = TypeVar("T")

Migration = str | Mapping[str, str] | Callable[["Tx"], None]


_CREATE = re.compile(r"\bCREATE\s+(?:VIRTUAL\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"`]?(\w+)", re.IGNORECASE)


class PluginDatabase:
    """One plugin's view of the store (`chatserver.plugins.database.Database`)."""

    def __init__(self, store: Store, plugin: str) -> None:
        self._store = store
        self._plugin = plugin

    @property
    def dialect(self) -> str:
        return self._store.dialect

    async def query(self, sql: str, **params: Any) -> list[Row]:
        return await as_raised(
            self._store.read(lambda conn: Tx(conn, self._plugin, allowed=READS).execute(sql, **params))
        )

    async def execute(self, sql: str, **params: Any) -> list[Row]:
        return await as_raised(self._store.write(lambda conn: Tx(conn, self._plugin).execute(sql, **params)))

    async def transaction(self, work: Callable[[Tx], Any]) -> Any:
        return await as_raised(self._store.write(lambda conn: contained(work, Tx(conn, self._plugin))))


async def migrate(store: Store, plugin: str, migrations: Sequence[Migration]) -> None:
    """Run what has not been run yet, in order. Raises what a migration raises, and PluginError when the tables are
    newer than the plugin."""
    await as_raised(store.write(lambda conn: migrate_on(conn, plugin, migrations)))


def tables_made(migrations: Sequence[Migration]) -> list[str]:
    """The names of the tables that are made in SQL, as far as a plugin's migrations say."""
    texts = [text for each in migrations if not callable(each) for text in _texts(each)]
    return list(dict.fromkeys(name for text in texts for name in _CREATE.findall(text)))


def _texts(migration: str | Mapping[str, str]) -> Iterable[str]:
    return [migration] if isinstance(migration, str) else migration.values()


def migrate_on(conn: Connection, plugin: str, migrations: Sequence[Migration]) -> None:
    """`migrate` in a transaction that is under way."""
    # One server at a time, where there are several.
    query = select(s.plugin_schema.c.version).where(s.plugin_schema.c.plugin == plugin).with_for_update()
    version = conn.execute(query).scalar()
    if version is None:
        conn.execute(insert(s.plugin_schema).values(plugin=plugin, version=0))
        version = 0
    if version > len(migrations):
        told = (
            f"its tables are of a newer version, with {version} migrations; this one has {len(migrations)}: "
            "install the newer one again, or restore a backup from before"
        )
        raise PluginError(told, plugin)
    for migration in migrations[version:]:
        tx = Tx(conn, plugin, allowed=MIGRATES)
        if callable(migration):
            contained(migration, tx)
        else:
            tx.execute(migration if isinstance(migration, str) else migration[tx.dialect])
    conn.execute(
        update(s.plugin_schema).where(s.plugin_schema.c.plugin == plugin).values(version=len(migrations))
    )


class Contributions:
    """Calls the ``in_commit`` hooks in the running transaction; what a failing one wrote is undone.

    One that wants none of the events isn't called, and one that writes nothing needs no savepoint.
    """

    def __init__(self, contributors: Callable[[], Sequence[Contributor]]) -> None:
        self._contributors = contributors

    def __call__(self, conn: Connection, events: Sequence[Event]) -> Sequence[Contributor]:
        """Those that there are; none where one failed."""
        contributors = self._contributors()
        failed = False
        for contributor in contributors:
            wanted = contributor.wanted(events)
            if not wanted:
                continue
            try:
                _contribute(conn, contributor, wanted)
            except Aborted:
                raise
            except Exception as error:
                # The hook caller has logged it.
                failed = True
                if contributor.on_error == "reject":
                    raise refused(contributor.plugin) from error
        return () if failed else contributors


def _contribute(conn: Connection, contributor: Contributor, events: Sequence[Event]) -> None:
    with ExitStack() as undo:
        contributor.call(Tx(conn, contributor.plugin, lambda: undo.enter_context(savepoint(conn))), events)


async def as_raised(work: Awaitable[T]) -> T:
    """The plugin's own mistake as it was raised; a failure of the storage stays `Reject` ``unavailable``."""
    try:
        return await work
    except Reject as refusal:
        cause = refusal.__cause__
        if cause is None or reason(cause) is not None:
            raise
        raise cause from cause.__cause__
