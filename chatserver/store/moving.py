"""Copying a whole chat from one database to another, and comparing the two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Connection,
    MetaData,
    Table,
    column,
    delete,
    func,
    insert,
    inspect,
    select,
    table,
)
from sqlalchemy.exc import DBAPIError

from ..model.errors import ConfigError
from . import schema as s
from .database import Database
from .lineage import MOVING
from .plugin_tables import Migration, migrate_on
from .revisions import REVISION, bring_up_to_date, revision_of

AT_ONCE = 2_000
"""How many rows are written in one transaction."""
_NOT_COPIED = (s.alembic_version, s.meta, s.plugin_schema)
"""The new database has its own of the first and the last; what is in ``meta`` comes at the very end."""

Told = Callable[[str, int, int], None]
"""Called with the name of a table, how many of its rows are done, and how many there are."""


class PluginTables(msgspec.Struct, frozen=True):
    """A plugin's migrations, and whether its tables are made from the log, so that they aren't copied."""

    migrations: Sequence[Migration]
    from_log: bool


class Sum(msgspec.Struct):
    """How many rows, and a checksum that does not depend on their order."""

    rows: int = 0
    digest: int = 0

    def add(self, values: Sequence[Any]) -> None:
        text = repr([_plain(value) for value in values]).encode("utf-8", "surrogatepass")
        self.rows += 1
        self.digest = (self.digest + int.from_bytes(blake2b(text, digest_size=8).digest())) % 2**64


Sums = Mapping[Any, Sum]
"""By room for the log, by None for other tables."""


def move(source: Database, target: Database, plugins: Mapping[str, PluginTables], told: Told) -> int:
    """Copy all to an empty database, or once more to one where that was not finished; how many rows there were.

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
                rows += _copy(reading, writing, each, each, from_log, told)
        for name, plugin in plugins.items():
            rows += _copy_plugin(reading, writing, name, plugin, told)
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
        if each is not s.alembic_version:
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
    reading: Connection, writing: Connection, name: str, plugin: PluginTables, told: Told
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
    rows = 0
    for each in made:
        there = table(each.name, *(column(own.name) for own in each.columns))
        rows += _copy(reading, writing, there, each, set(), told)
    return rows


def _copy(
    reading: Connection, writing: Connection, source: Any, target: Table, from_log: set[str], told: Told
) -> int:
    """Copy a table, and compare it; how many rows it has."""
    names = [each.name for each in target.columns]
    total = reading.execute(select(func.count()).select_from(source)).scalar_one()
    booleans = [each.name for each in target.columns if isinstance(each.type, Boolean)]
    copied: defaultdict[Any, Sum] = defaultdict(Sum)
    done = 0
    try:
        for rows in _read(reading, source, names):
            kept = [row for row in rows if not (target is s.plugin_follower and row["plugin"] in from_log)]
            for row in kept:
                copied[row["room_id"] if target is s.log else None].add(list(row.values()))
                for name in booleans:
                    row[name] = None if row[name] is None else bool(row[name])
            if kept:
                with writing.begin():
                    writing.execute(insert(target), kept)
            done += len(rows)
            told(target.name, done, total)
        with writing.begin():
            written: defaultdict[Any, Sum] = defaultdict(Sum)
            for rows in _read(writing, target, names):
                for row in rows:
                    written[row["room_id"] if target is s.log else None].add(list(row.values()))
    except DBAPIError as error:
        raise ConfigError(f"the table {target.name} can't be moved: {error.orig}") from error
    for key in copied.keys() | written.keys():
        if copied[key] != written[key]:
            where = f"the log of room {key}" if target is s.log else f"the table {target.name}"
            raise ConfigError(f"{where} is not the same after it was copied: move once more")
    return sum(each.rows for each in copied.values())


def _read(conn: Connection, source: Any, names: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    query = select(*(source.c[name] for name in names))
    if isinstance(source, Table):
        query = query.order_by(*source.primary_key.columns)
    found = conn.execute(query.execution_options(stream_results=True))
    for rows in found.mappings().partitions(AT_ONCE):
        yield [dict(row) for row in rows]


def _plain(value: Any) -> Any:
    """A value as it is in any database: they have other types for whole numbers, truth and bytes."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return bytes(value) if isinstance(value, memoryview) else value
