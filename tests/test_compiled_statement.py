"""Statements that are compiled once: they give what SQLAlchemy gives, and refuse what can't be fixed beforehand."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from chatserver import store
from chatserver.store import schema
from chatserver.store.append_statements import _rooms
from chatserver.store.compiled_statement import CompiledStatement

THINGS = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("good", Boolean),
)
WHOLE = [column.name for column in THINGS.c]
BY_NAME = select(THINGS).where(THINGS.c.name == bindparam("called"))


@pytest.fixture(params=["qmark", "named"])
def conn(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """SQLite with parameters by position, and by name as PostgreSQL's driver has them."""
    engine = create_engine("sqlite://", poolclass=StaticPool, paramstyle=request.param)
    THINGS.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_rows_go_in_and_come_out(conn: Connection) -> None:
    add = CompiledStatement(insert(THINGS), order=WHOLE)
    assert add.run(conn, id=1, name="one", good=True) == 1
    add.each(conn, [(2, "two", False), (3, "two", None)])
    found = CompiledStatement(BY_NAME.order_by(THINGS.c.id))
    assert [(row.id, row.name, row.good) for row in found.all(conn, called="two")] == [
        (2, "two", 0),
        (3, "two", None),
    ]
    one = found.first(conn, called="one")
    assert one is not None
    assert one.id == 1
    assert found.first(conn, called="three") is None
    assert found.all(conn, called="three") == []


def test_how_many_rows_a_change_touched(conn: Connection) -> None:
    CompiledStatement(insert(THINGS), order=WHOLE).each(conn, [(number, "same", True) for number in range(4)])
    rename = CompiledStatement(
        update(THINGS).where(THINGS.c.name == bindparam("old")).values(name=bindparam("new"))
    )
    assert rename.run(conn, old="same", new="other") == 4
    assert rename.run(conn, old="same", new="other") == 0


class Keeping:
    """A connection whose cursors live on, as in a traceback that is kept."""

    def __init__(self, conn: Connection) -> None:
        self.dialect = conn.dialect
        self.connection = self
        self.cursors: list[Any] = []
        self._driver = conn.connection

    def cursor(self) -> Any:
        self.cursors.append(self._driver.cursor())
        return self.cursors[-1]


def test_a_first_row_leaves_nothing_open(conn: Connection) -> None:
    CompiledStatement(insert(THINGS), order=WHOLE).each(
        conn, [(number, "same", True) for number in range(100)]
    )
    keeping = Keeping(conn)
    assert CompiledStatement(BY_NAME).first(cast(Connection, keeping), called="same") is not None
    conn.connection.cursor().execute("DROP TABLE thing")  # refused while a statement is under way


@given(
    st.lists(st.tuples(st.text("ab", max_size=2), st.booleans()), max_size=8),
    st.text("ab", max_size=2),
    st.integers(0, 4),
    st.sampled_from(["qmark", "named"]),
)
def test_the_same_as_sqlalchemy(
    things: list[tuple[str, bool]], name: str, most: int, style: Literal["qmark", "named"]
) -> None:
    """What a statement brings itself (words to compare with, a limit's offset) is not asked for."""
    engine = create_engine("sqlite://", poolclass=StaticPool, paramstyle=style)
    THINGS.metadata.create_all(engine)
    query = (
        select(THINGS.c.id, THINGS.c.name.label("called"))
        .where(or_(THINGS.c.name == bindparam("name"), THINGS.c.name == "ab"), THINGS.c.good.is_(True))
        .order_by(THINGS.c.id)
        .limit(bindparam("most"))
    )
    with engine.connect() as conn:
        CompiledStatement(insert(THINGS), order=WHOLE).each(
            conn, [(n, *thing) for n, thing in enumerate(things)]
        )
        expected = [tuple(row) for row in conn.execute(query, {"name": name, "most": most})]
        assert [tuple(row) for row in CompiledStatement(query).all(conn, name=name, most=most)] == expected
    engine.dispose()


def test_a_value_that_is_missing(conn: Connection) -> None:
    with pytest.raises(KeyError, match="called"):
        CompiledStatement(BY_NAME).all(conn)


def test_values_that_the_statement_brings(conn: Connection) -> None:
    """They may be None, and may be given all the same."""
    CompiledStatement(insert(THINGS), order=WHOLE).each(conn, [(1, "one", True), (2, "two", True)])
    found = CompiledStatement(select(THINGS).where(THINGS.c.id == bindparam("number", 1)))
    assert [row.name for row in (*found.all(conn), *found.all(conn, number=2))] == ["one", "two"]
    forget = CompiledStatement(update(THINGS).where(THINGS.c.id == bindparam("number")).values(name=None))
    assert forget.run(conn, number=2) == 1
    assert [row.name for row in found.all(conn, number=2)] == [None]


def test_rows_want_an_order(conn: Connection) -> None:
    with pytest.raises(TypeError, match="order"):
        CompiledStatement(insert(THINGS)).each(conn, [(1, "one", True)])


@pytest.mark.parametrize("order", [WHOLE[::-1], [*WHOLE, "size"], WHOLE[:2]])
def test_another_order_than_the_statement_has(conn: Connection, order: list[str]) -> None:
    statement = CompiledStatement(insert(THINGS), order=order)
    if order[::-1] == WHOLE and not conn.dialect.positional:
        statement.each(conn, [(True, "one", 1)])
        assert [row.name for row in CompiledStatement(BY_NAME).all(conn, called="one")] == ["one"]
        return
    with pytest.raises(TypeError, match="not"):
        statement.each(conn, [(1, "one", True)])


def test_a_list_of_values_is_refused(conn: Connection) -> None:
    with pytest.raises(TypeError, match="or_"):
        CompiledStatement(select(THINGS).where(THINGS.c.name.in_(("one", "two")))).all(conn)


def test_every_statement_of_the_store_is_understood_by_postgresql() -> None:
    dialect = psycopg.dialect()
    statements = [_rooms(3)]
    for found in pkgutil.iter_modules(store.__path__, f"{store.__name__}."):
        if not found.ispkg:
            module = importlib.import_module(found.name)
            statements += [each for each in vars(module).values() if isinstance(each, CompiledStatement)]
    compiled = [statement.sql(dialect) for statement in statements]
    assert len(compiled) > 20
    assert all("?" not in sql for sql in compiled)
    assert sum("ON CONFLICT" in sql for sql in compiled) >= 2
    assert any(sql.endswith("FOR UPDATE") for sql in compiled)


def test_every_table_can_be_made_in_postgresql() -> None:
    tables = schema.metadata.sorted_tables
    made = [str(CreateTable(table).compile(dialect=psycopg.dialect())) for table in tables]
    made += [
        str(CreateIndex(i).compile(dialect=psycopg.dialect())) for table in tables for i in table.indexes
    ]
    assert not [sql for sql in made if "ROWID" in sql]
    assert sum("WHERE nonce IS NOT NULL" in sql for sql in made) == 1
