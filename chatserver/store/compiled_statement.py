"""A statement that is compiled once and run on the driver's own cursor.

SQLAlchemy's way through a statement costs more than a short statement itself; here that is paid once.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec
from sqlalchemy import Connection, Dialect, Executable, Table
from sqlalchemy.dialects import sqlite


class _Compiled(msgspec.Struct, frozen=True):
    sql: str
    names: tuple[str, ...]
    wanted: frozenset[str]
    positional: bool
    fixed: Mapping[str, Any]
    row: Callable[[Sequence[Any]], Any]


class CompiledStatement:
    """One statement, with named parameters (`sqlalchemy.bindparam`) or those of an insert's columns, all of them.

    It begins no transaction: there has to be one. Values go in and come out as the driver has them: a Boolean is 0 or
    1. One that is missing is a KeyError, what fails raises the driver's exceptions (PEP 249). ``order`` names the
    parameters for `each`, and is checked when the statement is compiled (TypeError).
    """

    def __init__(
        self, statement: Executable | Callable[[Dialect], Executable], order: Sequence[str] = ()
    ) -> None:
        """``statement`` may be a function of the dialect, for what each dialect has its own construct for."""
        self._statement = statement
        self._order = tuple(order)
        # By the dialect's name; made on first use, as compiling all of them would delay the start.
        self._compiled: dict[str, _Compiled] = {}

    def all(self, conn: Connection, **values: Any) -> list[Any]:
        """The rows, as named tuples."""
        compiled = self._of(conn.dialect)
        return list(map(compiled.row, self._run(conn, compiled, values).fetchall()))

    def first(self, conn: Connection, **values: Any) -> Any | None:
        """The first row, as a named tuple, or None."""
        compiled = self._of(conn.dialect)
        cursor = self._run(conn, compiled, values)
        row = cursor.fetchone()
        # A statement that is not at its end would hold the database.
        cursor.close()
        return compiled.row(row) if row is not None else None

    def run(self, conn: Connection, **values: Any) -> int:
        """How many rows it changed."""
        return int(self._run(conn, self._of(conn.dialect), values).rowcount)

    def each(self, conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run it for each of the rows: values in the ``order`` given. Raises TypeError where none was."""
        if not self._order:
            raise TypeError("say in which order the values are")
        compiled = self._of(conn.dialect)
        values: Any = rows if compiled.positional else [dict(zip(self._order, r, strict=True)) for r in rows]
        conn.connection.cursor().executemany(compiled.sql, values)

    def named(self, conn: Connection, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The rows by the names of their columns; nothing for a statement that has no rows."""
        cursor = self._run(conn, self._of(conn.dialect), values)
        if cursor.description is None:
            return []
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def each_named(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each of the rows of named values."""
        compiled = self._of(conn.dialect)
        conn.connection.cursor().executemany(compiled.sql, [_given(compiled, row) for row in rows])

    def names(self, dialect: Dialect) -> AbstractSet[str]:
        """What its parameters are called."""
        return self._of(dialect).wanted

    def sql(self, dialect: Dialect) -> str:
        """The statement as the driver takes it."""
        return self._of(dialect).sql

    def _run(self, conn: Connection, compiled: _Compiled, values: Mapping[str, Any]) -> Any:
        cursor = conn.connection.cursor()
        cursor.execute(compiled.sql, _given(compiled, values))
        return cursor

    def _of(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            statement = self._statement
            found = _compile(statement if isinstance(statement, Executable) else statement(dialect), dialect)
            wanted = found.names if found.positional else tuple(sorted(found.names))
            if self._order and wanted != (self._order if found.positional else tuple(sorted(self._order))):
                raise TypeError(f"the statement wants {found.names}, not {self._order}")
            self._compiled[dialect.name] = found
        return found


def _given(compiled: _Compiled, values: Mapping[str, Any]) -> Any:
    """The values as the driver takes them. Raises KeyError for one that is missing."""
    if compiled.fixed:
        values = {**compiled.fixed, **values}
    if compiled.positional:
        return tuple(map(values.__getitem__, compiled.names))
    return {name: values[name] for name in compiled.names}


def _compile(statement: Any, dialect: Dialect) -> _Compiled:
    compiled = statement.compile(dialect=dialect)
    if "POSTCOMPILE" in str(compiled):
        raise TypeError("a list of values has as many parameters as values: say or_ instead of in_")
    # What the statement brings itself.
    fixed = {name: value for name, value in compiled.params.items() if not compiled.binds[name].required}
    columns = [column.key for column in getattr(statement, "selected_columns", ())]
    row: Any = namedtuple("Row", columns) if columns else None
    names = tuple(compiled.positiontup if compiled.positional else compiled.bind_names.values())
    return _Compiled(
        str(compiled), names, frozenset(names), compiled.positional, fixed, row._make if columns else tuple
    )


def upsert(dialect: Dialect, table: Table) -> Any:
    """An insert that has ``on_conflict_do_update`` and ``on_conflict_do_nothing``, which are the dialects' own."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)
