"""What a plugin does with its tables: the types of ``self.db`` and of transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from ..model.values import Message

Row = Mapping[str, Any]
"""A row of a plugin's table, by column name."""


DIALECTS = frozenset(("sqlite", "postgresql"))
"""What SQL the database may speak."""


class Transaction(Protocol):
    """A running transaction. SQL has named parameters: ``tx.execute("… WHERE id = :id", id=1)``."""

    @property
    def dialect(self) -> str:
        """What SQL the database speaks: sqlite or postgresql."""

    def execute(self, sql: str, **params: Any) -> list[Row]:
        """Run one statement; the rows it returns, if any."""

    def executemany(self, sql: str, params: Sequence[Row]) -> None:
        """Run one statement for each set of parameters."""


class EventTransaction(Transaction, Protocol):
    """The transaction that appends an event of the plugin's, or posts a message. A message is told with the event, so
    that all who get it have the extra of then, and who reads the message later gets that of now."""

    posted: str | None
    """The id that the message will have which is posted; None for an event. It is not to be read before."""

    def message(self, message_id: str) -> Message | None:
        """A message of the event's room as it is in this transaction; None if there is none, or it is deleted."""

    def annotate(
        self,
        message_id: str,
        extra: Mapping[str, Any] | UnsetType | None = UNSET,
        *,
        actions: Iterable[Mapping[str, Any]] | None = None,
    ) -> Message:
        """Set the plugin's own extra of a message, or, with None, remove it; the message as it is then. ``actions``
        takes the place of the buttons that the plugin has below it.

        The event is about this message from now on, and can be about one only (ValueError). Raises `Reject`
        ``not_found`` where `message` gives None; TypeError and ValueError for an extra or an action that JSON can't
        hold or that is longer than 16 KiB.
        """


class Database(Protocol):
    """A plugin's own tables, in the server's database. Their names begin with ``<plugin>_``: other tables are a
    ValueError."""

    @property
    def dialect(self) -> str:
        """What SQL the database speaks: sqlite or postgresql."""

    async def query(self, sql: str, **params: Any) -> list[Row]:
        """Read. May run beside writes; sees what is committed."""

    async def execute(self, sql: str, **params: Any) -> list[Row]:
        """Write one statement in a transaction of its own; committed on return."""

    async def transaction(self, work: Callable[[Transaction], Any]) -> Any:
        """Run ``work(tx)`` in one transaction, on the writer's thread; all or nothing. Returns what it returns."""


class Also(msgspec.Struct, frozen=True):
    """A statement that is written in the same transaction as an event."""

    sql: str
    params: dict[str, Any] = {}


class Conflict(Exception):
    """A row is there already that has to be the only one: a UNIQUE or PRIMARY KEY of the plugin's tables. Nothing was
    written."""


AlsoWork = Callable[[EventTransaction], Any]
"""What a plugin reads and writes in the transaction of its event, on the writer's thread."""
