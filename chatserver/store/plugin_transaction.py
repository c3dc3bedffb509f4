"""A transaction as a plugin has it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from ..model import errors
from ..model.plugin_parts import actions as checked_actions
from ..model.values import Message
from ..plugins.database import Conflict, Row
from ..plugins.failures import PluginExit
from . import queries as reading
from .erasing import note_erased
from .failures import is_duplicate
from .messages import annotate, write_actions
from .plugin_statement import PluginStatement, plugin_statement
from .savepoint import shielded
from .sql_tables import Kind, foreign_table

T = TypeVar("T")

READS: frozenset[Kind] = frozenset({"read"})
WRITES: frozenset[Kind] = READS | {"write"}
MIGRATES: frozenset[Kind] = WRITES | {"schema"}


class Tx:
    """A running transaction of a plugin (`chatserver.plugins.database.Transaction`). ``begin`` is called before the
    first statement; ``allowed`` are the kinds of statements that run in it."""

    def __init__(
        self,
        conn: Connection,
        plugin: str,
        begin: Callable[[], None] | None = None,
        allowed: AbstractSet[Kind] = WRITES,
    ) -> None:
        self._conn = conn
        self._allowed = allowed
        self._plugin = plugin
        self._begin = begin

    @property
    def dialect(self) -> str:
        return self._conn.dialect.name

    def execute(self, sql: str, **params: Any) -> list[Row]:
        return self._run(sql, lambda statement: statement.run(self._conn, params))

    def executemany(self, sql: str, params: Sequence[Row]) -> None:
        if params:
            self._run(sql, lambda statement: statement.run_each(self._conn, params))

    def _run(self, sql: str, run: Callable[[PluginStatement], T]) -> T:
        statement = self._allowed_statement(sql)
        if self._begin is not None:
            begin, self._begin = self._begin, None
            begin()
        if statement.erases:
            note_erased(self._conn)
        try:
            if statement.kind == "read":
                return run(statement)
            with shielded(self._conn):
                return run(statement)
        except Exception as error:
            if is_duplicate(error):
                raise Conflict(str(getattr(error, "orig", error))) from error
            raise

    def _allowed_statement(self, sql: str) -> PluginStatement:
        statement = plugin_statement(sql)
        if statement.kind not in self._allowed:
            where = "in a migration" if statement.kind == "schema" else "with db.execute or in a transaction"
            raise ValueError(f"{' '.join(sql.split()[:2])!r:.80} can be run only {where}")
        foreign = foreign_table(sql, self._plugin)
        if foreign is not None:
            raise ValueError(
                f"{foreign!r} is no table of the plugin {self._plugin}, whose tables begin with {self._plugin}_"
            )
        return statement


class EventTx(Tx):
    """The transaction of a plugin's event (`chatserver.plugins.database.EventTransaction`)."""

    def __init__(
        self, conn: Connection, plugin: str, room_id: int, room: str, posted: str | None = None
    ) -> None:
        super().__init__(conn, plugin)
        self.posted = posted
        self._room_id = room_id
        self._room = room
        self.annotated: Message | None = None
        """The message that the event is about."""
        self.new_actions = False
        """The buttons below it have changed."""

    def message(self, message_id: str) -> Message | None:
        message = reading.message(self._conn, message_id)
        return None if message is None or message.deleted or message.room != self._room else message

    def annotate(
        self,
        message_id: str,
        extra: Mapping[str, Any] | UnsetType | None = UNSET,
        *,
        actions: Iterable[Mapping[str, Any]] | None = None,
    ) -> Message:
        if self.posted is not None:
            raise ValueError("a new message has its extra and its actions from the start")
        if self.annotated is not None and self.annotated.id != message_id:
            raise ValueError("an event is about one message only")
        message = self.message(message_id)
        if message is None:
            raise errors.no_message()
        if extra is not UNSET:
            message = annotate(self._conn, self._room_id, message, {self._plugin: extra})
        if actions is not None:
            others = tuple(action for action in message.actions if action["plugin"] != self._plugin)
            mine = checked_actions(actions, self._plugin)
            message = write_actions(self._conn, self._room_id, message, others + mine)
            self.new_actions = True
        self.annotated = message
        return message


def contained(work: Callable[[T], Any], tx: T) -> Any:
    """``work(tx)``, without what would end the writer's thread (SystemExit, as argparse raises it). Raises TypeError
    for work that would have to be awaited, as none of it would be done."""
    try:
        result = work(tx)
        if inspect.isawaitable(result):
            if inspect.iscoroutine(result):
                result.close()
            raise TypeError("what runs in a transaction is a plain function, and awaits nothing")
        return result
    except Exception:
        raise
    except BaseException as error:
        raise PluginExit(error) from error
