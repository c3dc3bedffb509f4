"""The rows of reports: what was reported, by whom, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chatserver import Transaction, User

REPORTS = """
CREATE TABLE moderation_report (
    number BIGINT NOT NULL PRIMARY KEY, ts DOUBLE PRECISION NOT NULL, state VARCHAR(16) NOT NULL,
    reporter_id VARCHAR(64) NOT NULL, reporter_name VARCHAR(256) NOT NULL,
    user_id VARCHAR(64) NOT NULL, user_name VARCHAR(256) NOT NULL,
    room VARCHAR(256), message_id VARCHAR(64), seq BIGINT, content TEXT NOT NULL, reason TEXT NOT NULL,
    by_id VARCHAR(64), by_name VARCHAR(256), note TEXT NOT NULL, told BIGINT NOT NULL
)
"""
BY_STATE = "CREATE INDEX moderation_report_state ON moderation_report (state, number)"
BY_REPORTER = "CREATE INDEX moderation_report_reporter ON moderation_report (reporter_id, told)"

STATES = ("open", "claimed", "acted", "dismissed")
CLOSED = ("acted", "dismissed")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report. ``by`` is the moderator who has claimed or closed it, ``content`` what the message said then; ``told``
    whether the reporter has heard of the outcome."""

    number: int
    ts: float
    state: str
    reporter_id: str
    reporter_name: str
    user_id: str
    user_name: str
    room: str | None = None
    message_id: str | None = None
    seq: int | None = None
    content: str = ""
    reason: str = ""
    by_id: str | None = None
    by_name: str | None = None
    note: str = ""
    told: int = 0

    @property
    def closed(self) -> bool:
        return self.state in CLOSED


_COLUMNS = Report.__struct_fields__
_INSERT = (
    f"INSERT INTO moderation_report ({', '.join(_COLUMNS)})"
    f" SELECT coalesce(max(number), 0) + 1, {', '.join(':' + name for name in _COLUMNS[1:])} FROM moderation_report"
)
_SAME = """
SELECT number FROM moderation_report
WHERE reporter_id = :reporter AND user_id = :user AND coalesce(message_id, '') = :message
    AND state IN ('open', 'claimed')
"""


def add(tx: Transaction, report: Report) -> tuple[int, bool]:
    """Write a new report; its number, and whether it is new. One by the same user on the same is not doubled."""
    same = tx.execute(
        _SAME, reporter=report.reporter_id, user=report.user_id, message=report.message_id or ""
    )
    if same:
        return int(same[0]["number"]), False
    values = msgspec.structs.asdict(report)
    del values["number"]
    tx.execute(_INSERT, **values)
    return int(tx.execute("SELECT max(number) AS n FROM moderation_report")[0]["n"]), True


def get(tx: Transaction, number: int) -> Report | None:
    """The report of this number."""
    rows = tx.execute("SELECT * FROM moderation_report WHERE number = :number", number=number)
    return Report(**rows[0]) if rows else None


def settle(tx: Transaction, number: int, state: str, by: User | None, note: str) -> None:
    """Write what has become of a report."""
    tx.execute(
        "UPDATE moderation_report SET state = :state, by_id = :by_id, by_name = :by_name, note = :note"
        " WHERE number = :number",
        number=number,
        state=state,
        by_id=by.id if by is not None else None,
        by_name=by.name if by is not None else None,
        note=note,
    )


def forget(tx: Transaction, message_id: str) -> None:
    """Forget what a message said."""
    tx.execute("UPDATE moderation_report SET content = '' WHERE message_id = :id", id=message_id)


def erase(tx: Transaction, user: User, alias: str) -> None:
    """Forget what a user wrote and was called, in reports and warnings."""
    who = {"id": user.id, "alias": alias}
    tx.execute(
        "UPDATE moderation_report SET reporter_name = :alias, reason = '' WHERE reporter_id = :id", **who
    )
    tx.execute("UPDATE moderation_report SET user_name = :alias, content = '' WHERE user_id = :id", **who)
    tx.execute("UPDATE moderation_report SET by_name = :alias, note = '' WHERE by_id = :id", **who)
    tx.execute("DELETE FROM moderation_warning WHERE user_id = :id", id=user.id)
    tx.execute("DELETE FROM moderation_arrival WHERE user_id = :id", id=user.id)
    for name in sorted({user.name, user.display_name}, key=len, reverse=True):
        named = {"name": name, "alias": alias}
        tx.execute("UPDATE moderation_warning SET by_name = :alias WHERE by_name = :name", **named)
        for column in ("reason", "note"):
            tx.execute(f"UPDATE moderation_report SET {column} = replace({column}, :name, :alias)", **named)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which reports: in one of ``states``; in one of ``rooms`` if not None; by ``reporter`` if not None; not about the
    user ``not_about``; with a number below ``below``."""

    states: Sequence[str]
    rooms: Sequence[str] | None = None
    reporter: str | None = None
    not_about: str | None = None
    below: int | None = None


def query(wanted: Wanted, limit: int) -> tuple[str, dict[str, Any]]:
    """The statement for the newest of them, and its parameters."""
    params: dict[str, Any] = {"most": limit}
    where = [_among("state", wanted.states, params)]
    if wanted.rooms is not None:
        where.append(_among("room", wanted.rooms, params))
    for column, operator, value in (
        ("reporter_id", "=", wanted.reporter),
        ("user_id", "<>", wanted.not_about),
        ("number", "<", wanted.below),
    ):
        if value is not None:
            where.append(f"{column} {operator} :{column}")
            params[column] = value
    conditions = " AND ".join(where)
    return f"SELECT * FROM moderation_report WHERE {conditions} ORDER BY number DESC LIMIT :most", params


def _among(column: str, values: Sequence[str], params: dict[str, Any]) -> str:
    names = {f"{column}_{position}": value for position, value in enumerate(values)}
    params.update(names)
    return f"{column} IN ({', '.join(':' + name for name in names)})" if names else "1 = 0"
