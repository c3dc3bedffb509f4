"""Whether two databases hold the same: the rows of their tables in pages, and checksums of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, Table, TableClause, column, select, table

from . import schema as s

AT_ONCE = 5_000
"""How many rows are a page."""


def untyped(there: Table) -> TableClause:
    """The table with its values as the driver has them."""
    return table(there.name, *(column(each.name) for each in there.columns))


def in_pages(conn: Connection, there: Table) -> Iterator[Sequence[Row[Any]]]:
    """All rows of a table, by its primary key."""
    source = untyped(there)
    query = select(source).order_by(*(source.c[each.name] for each in there.primary_key.columns))
    yield from conn.execute(query, execution_options={"yield_per": AT_ONCE}).partitions()


class Sums:
    """How many rows a table has, and checksums that do not depend on their order: one of each room for the log."""

    def __init__(self, there: Table) -> None:
        self.rows = 0
        self._table = there.name
        self._by_room = there is s.log
        self._digests: defaultdict[Any, int] = defaultdict(int)

    def add(self, rows: Sequence[Row[Any]]) -> None:
        """Count these rows."""
        self.rows += len(rows)
        digests, by_room = self._digests, self._by_room
        for row in rows:
            values = [value if type(value) is str or value is None else _plain(value) for value in row]
            digest = blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=8).digest()
            digests[row.room_id if by_room else None] += int.from_bytes(digest)

    def differs(self, other: Sums) -> str | None:
        """What is not the same in another database, in words; None if all is."""
        for key in self._digests.keys() | other._digests.keys():
            if self._digests[key] != other._digests[key]:
                return f"the log of room {key}" if self._by_room else f"the table {self._table}"
        return None


def _plain(value: Any) -> Any:
    """A value as it is in any database: they have other types for whole numbers, truth and bytes."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return bytes(value) if isinstance(value, memoryview) else value
