"""A plugin's SQL, looked at and compiled once: SQLAlchemy's way through a text costs more than a short statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import NoneType
from typing import Any

from sqlalchemy import Connection, text

from ..plugins.database import Row
from .compiled_statement import CompiledStatement
from .sql_tables import statement_kind

_PLAIN = frozenset({str, int, float, bool, bytes, NoneType})
"""Types that each driver takes as they are."""


class PluginStatement:
    """One statement, whatever its plugin. Raises ValueError for one that no plugin may run.

    Running it raises the driver's exceptions, and SQLAlchemy's for a parameter that is missing.
    """

    def __init__(self, sql: str) -> None:
        self.kind = statement_kind(sql)
        self.erases = sql.lstrip()[:6].upper() == "DELETE"
        self._text = text(sql)
        self._compiled = CompiledStatement(self._text)

    def run(self, conn: Connection, params: Mapping[str, Any]) -> list[Row]:
        """Run it once; its rows."""
        if self.kind != "schema" and self._plain(conn, [params]):
            return self._compiled.named(conn, params)
        result = conn.execute(self._text, params)
        return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def run_each(self, conn: Connection, rows: Sequence[Row]) -> None:
        """Run it for each of the rows of parameters."""
        if self._plain(conn, rows):
            self._compiled.each_named(conn, rows)
        else:
            conn.execute(self._text, [dict(row) for row in rows])

    def _plain(self, conn: Connection, rows: Iterable[Mapping[str, Any]]) -> bool:
        names = self._compiled.names(conn.dialect)
        return all(names <= row.keys() and _PLAIN.issuperset(map(type, row.values())) for row in rows)


@lru_cache(maxsize=1024)
def plugin_statement(sql: str) -> PluginStatement:
    """The statement of this text."""
    return PluginStatement(sql)
