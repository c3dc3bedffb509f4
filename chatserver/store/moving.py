"""Copying a whole chat from one database to another, and comparing the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, MetaData, Table, delete, func, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from ..model.errors import ConfigError
from . import schema as s
from .checksums import Sums, in_pages, untyped
from .database import Database
from .lineage import MOVING
from .plugin_tables import Migration, migrate_on
from .revisions import REVISION, bring_up_to_date, revision_of

_NOT_COPIED = (s.alembic_version, s.meta, s.plugin_schema)
"""The new database has its own of the first and the last; what is in ``meta`` comes at the very end."""

Told = Callable[[str, int, int], None]
"""Called with the name of a table, how many of its rows are done, and how many there are."""


class PluginTables(msgspec.Struct, frozen=True):
    """A plugin's migrations, and whether its tables are made from the log, so that they aren't copied."""

    migrations: Sequence[Migration]
    from_log: bool


def move(source: Database, target: Database, plugins: Mapping[str, PluginTables], told: Told) -> int:
    """Copy all to an empty database, or go on with one where that was not finished; how many rows there are.

    Both are claimed by the caller. Raises ConfigError for a source that is not as this version has it, a target that
    holds something else, and what is not the same in the end.
    """
    readers = source.readers
    if readers is None:
        raise ConfigError("there is nothing to move: the log in memory is gone at the end", path="store.url")
    with readers.connect() as reading, reading.begin(), target.engine.connect() as writing:
        _check_source(reading, source, plugins)
        with writing.begin():
            _begin(writing, source, target)
        rows = 0
        from_log = {name for name, plugin in plugins.items() if plugin.from_log}
        for each in s.metadata.sorted_tables:
            if each not in _NOT_COPIED:
                rows += _copy(reading, writing, target, each, from_log, told)
        for name, plugin in plugins.items():
            rows += _copy_plugin(reading, writing, target, name, plugin, told)
        with writing.begin():
            target.renumber(writing)
            writing.execute(delete(s.meta))
            facts = {row.key: row.value for row in reading.execute(select(s.meta))} | {"running": ""}
            writing.execute(insert(s.meta), [{"key": key, "value": value} for key, value in facts.items()])
    return rows


def known_plugins(source: Database) -> list[str]:
    """The plugins that have tables of their own in a database."""
    with source.engine.connect() as conn, conn.begin():
        if revision_of(conn) is None:
            return []
        return sorted(conn.scalars(select(s.plugin_schema.c.plugin)))


def _check_source(reading: Connection, source: Database, plugins: Mapping[str, PluginTables]) -> None:
    revision = revision_of(reading)
    if revision != REVISION:
        raise ConfigError(
            f"{source.name} is at revision {revision}, this program at {REVISION}: start the server once before",
            path="store.url",
        )
    if reading.execute(select(s.meta).where(s.meta.c.key == MOVING)).first() is not None:
        raise ConfigError(f"{source.name} is itself a copy that was not finished", path="store.url")
    for row in reading.execute(select(s.plugin_schema)):
        if row.version != len(plugins[row.plugin].migrations):
            raise ConfigError(
                f"the tables of the plugin {row.plugin} are not those of its version here: start the server once before"
            )


def _begin(writing: Connection, source: Database, target: Database) -> None:
    target.check(writing)
    bring_up_to_date(writing, target, may_change=True)
    unfinished = writing.execute(select(s.meta.c.value).where(s.meta.c.key == MOVING)).scalar()
    holds = any(writing.execute(select(each).limit(1)).first() is not None for each in (s.room, s.user))
    if holds and unfinished is None:
        raise ConfigError(f"{target.name} holds a chat already: name an empty database")
    plugins = tuple(f"{name}_" for name in writing.scalars(select(s.plugin_schema.c.plugin)))
    for each in reversed(_own_tables(writing, plugins)):
        each.drop(writing)
    for each in reversed(s.metadata.sorted_tables):
        # The log takes long: it goes on where it was interrupted.
        if each is not s.alembic_version and not (each is s.log and unfinished == source.name):
            writing.execute(delete(each))
    writing.execute(insert(s.meta).values(key=MOVING, value=source.name))


def _own_tables(conn: Connection, prefixes: tuple[str, ...]) -> list[Table]:
    """The tables of plugins; one that another refers to comes before it."""
    names = [
        name for name in inspect(conn).get_table_names() if name.startswith(prefixes) and name not in s.metadata.tables
    ] if prefixes else []  # fmt: skip
    found = MetaData()
    found.reflect(conn, only=names, resolve_fks=False)
    return found.sorted_tables


def _copy_plugin(
    reading: Connection, writing: Connection, target: Database, name: str, plugin: PluginTables, told: Told
) -> int:
    with writing.begin():
        before = set(inspect(writing).get_table_names())
        migrate_on(writing, name, plugin.migrations)
        made = [each for each in _own_tables(writing, (f"{name}_",)) if each.name not in before]
        if not plugin.from_log:
            # What migrations put in is in the source, too.
            for each in reversed(made):
                writing.execute(delete(each))
    if plugin.from_log:
        return 0
    return sum(_copy(reading, writing, target, each, set(), told) for each in made)


def _copy(
    reading: Connection, writing: Connection, target: Database, there: Table, from_log: set[str], told: Told
) -> int:
    """Copy a table, from where an earlier copy of it has ended, and compare it; how many rows it has."""
    source = untyped(there)
    total = reading.execute(select(func.count()).select_from(source)).scalar_one()
    sums = Sums(there)
    after = _last(writing, there)
    done = 0
    try:
        for rows in in_pages(reading, there):
            kept = [row for row in rows if there is not s.plugin_follower or row.plugin not in from_log]
            sums.add(kept)
            missing = kept if after is None else [row for row in kept if (row.room_id, row.seq) > after]
            if missing:
                with writing.begin():
                    target.insert(writing, there, missing)
            done += len(rows)
            told(there.name, done, total)
        with writing.begin():
            written = Sums(there)
            for rows in in_pages(writing, there):
                written.add(rows)
    except (DBAPIError, writing.dialect.loaded_dbapi.Error) as error:
        why = error.orig if isinstance(error, DBAPIError) else error
        raise ConfigError(f"the table {there.name} can't be moved: {why}") from error
    wrong = sums.differs(written)
    if wrong is not None:
        with writing.begin():
            # The next try is not to go on from it.
            writing.execute(delete(there))
        raise ConfigError(f"{wrong} is not the same after it was copied: move once more")
    return sums.rows


def _last(writing: Connection, there: Table) -> tuple[int, int] | None:
    """The room and seq up to which the log is there already; None for another table, and an empty log."""
    if there is not s.log:
        return None
    key = s.log.c.room_id, s.log.c.seq
    with writing.begin():
        row = writing.execute(select(*key).order_by(*(each.desc() for each in key)).limit(1)).first()
    return None if row is None else (row.room_id, row.seq)
