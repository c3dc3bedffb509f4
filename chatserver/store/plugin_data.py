"""All that the database holds for one plugin: found, counted, and dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, MetaData, Table, delete, func, inspect, select

from .schema import metadata

OWNED = tuple(
    table for table in metadata.sorted_tables if table.name.startswith("plugin_") and "plugin" in table.c
)
"""The server's own tables with a plugin's name in each row."""


def known_plugins(conn: Connection) -> set[str]:
    """The plugins that the database holds something for."""
    return {name for table in OWNED for name in conn.scalars(select(table.c.plugin).distinct())}


def rows_of(conn: Connection, plugin: str, others: Collection[str]) -> Mapping[str, int]:
    """How many rows each table holds for a plugin: its own tables, and those of the server's where there are any.

    ``others`` are further plugins, whose tables are not this one's although their names may begin like it.
    """
    own = {table.name: _count(conn, table) for table in _tables(conn, plugin, others)}
    owned = {
        table.name: conn.scalar(select(func.count()).select_from(table).where(table.c.plugin == plugin)) or 0
        for table in OWNED
    }
    return {**own, **{name: rows for name, rows in owned.items() if rows}}


def drop_data(conn: Connection, plugin: str, others: Collection[str]) -> None:
    """Drop a plugin's tables, and its rows in those of the server."""
    for table in reversed(_tables(conn, plugin, others)):
        table.drop(conn)
    for table in OWNED:
        conn.execute(delete(table).where(table.c.plugin == plugin))


def _tables(conn: Connection, plugin: str, others: Collection[str]) -> list[Table]:
    """The plugin's own tables; one that another refers to comes before it."""
    longer = tuple(f"{name}_" for name in others if name.startswith(f"{plugin}_"))
    names = [
        name
        for name in inspect(conn).get_table_names()
        if name.startswith(f"{plugin}_") and name not in metadata.tables and not name.startswith(longer)
    ]
    shadows = tuple(f"{name}_" for name in _virtual_tables(conn))
    found = MetaData()
    found.reflect(conn, only=[name for name in names if not name.startswith(shadows)], resolve_fks=False)
    return found.sorted_tables


def _virtual_tables(conn: Connection) -> list[str]:
    """The tables that SQLite keeps in others, such as indexes of full text; other databases have none."""
    if not inspect(conn).has_table("sqlite_master"):
        return []
    virtual = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL %'"
    return list(conn.exec_driver_sql(virtual).scalars())


def _count(conn: Connection, table: Table) -> int:
    return conn.scalar(select(func.count()).select_from(table)) or 0
