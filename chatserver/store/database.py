"""What a kind of database does in its own way; `sqlite` and `postgresql` are the two kinds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, Engine, Table

from ..model.errors import ConfigError

Use = Literal["server", "only", "alone", "beside", "target"]
"""Who opens a database: a server; one that hears of no others; a command that no server may run beside; one that any
may; one that fills it."""


class WriterConnection(Protocol):
    """The connection of the writer."""

    def transaction(self) -> AbstractContextManager[Connection]:
        """One transaction, committed at the end, and undone by what is raised inside.

        Raises `NotCommitted` where it failed and may work now, nothing being committed.
        """

    def erase(self) -> bool:
        """Remove what was deleted from wherever else it stands. Nothing is waited for; False if it is there still."""

    def take_erased(self) -> bool:
        """Whether something was deleted since the last call, so that `erase` has something to do."""

    def close(self) -> None:
        """End it."""


class NotCommitted(Exception):
    """A transaction failed, through no fault of its own, and none of it is committed: try again. The cause is why."""


class Database(Protocol):
    """One database. Made without touching it; `close` releases whatever it holds by then."""

    name: str
    """How it is called in what is told."""
    engine: Engine
    """For changes."""

    @property
    def readers(self) -> Engine | None:
        """For queries beside them; None where there can be but one connection, which is used on the loop."""

    unready: str
    """Why a transaction may have to wait before it begins."""

    def absent(self) -> bool:
        """Whether there is no database yet, and none is waited for."""

    def wait(self, seconds: float) -> None:
        """Wait until its server can be reached, so long at most, telling the log. Raises ConfigError."""

    def claim(self, use: Use) -> None:
        """Before anything is opened: keep out others that would be in the way. Raises ConfigError."""

    def check(self, conn: Connection) -> None:
        """Look whether it is ours and whole, before tables are made or changed; what follows in the transaction is done
        by one server at a time. Raises ConfigError."""

    def back_up(self, revision: str) -> Path | None:
        """Keep a copy before the tables are brought to ``revision``; None where that is not for the server to do.
        Raises ConfigError."""

    def started(self, conn: Connection) -> str:
        """What is another text after each event that may have cost the last commits, where they aren't durable."""

    def writer(self) -> WriterConnection:
        """The connection for changes."""

    def insert(self, conn: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows, whose values are in the order of the table's columns. Raises the driver's errors."""

    def renumber(self, conn: Connection) -> None:
        """Let what counts by itself go on after the rows there are, which came with their numbers."""

    def unopened(self, error: Exception) -> ConfigError:
        """What to say when opening fails with an error of the driver."""

    def abandon(self) -> None:
        """`close`, and remove what was made in vain."""

    def close(self) -> None:
        """End all connections, and let another server have it."""


def discard(conn: Connection) -> None:
    """Close a connection that is of no use any more."""
    with suppress(Exception):
        conn.invalidate()
    with suppress(Exception):
        conn.close()
