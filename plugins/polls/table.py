"""Who took which choice: the rows that counts are made of, and the extra of a poll's message, which shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatserver import EventTransaction, Message, Reject, Transaction

from .question import Question

MIGRATIONS = (
    """
    CREATE TABLE polls_poll (
        message_id VARCHAR(64) NOT NULL PRIMARY KEY, room VARCHAR(256) NOT NULL, user_id VARCHAR(64) NOT NULL,
        opened DOUBLE PRECISION NOT NULL, closes DOUBLE PRECISION, closed INTEGER NOT NULL
    )
    """,
    "CREATE INDEX polls_poll_open ON polls_poll (closed, room, opened)",
    """
    CREATE TABLE polls_vote (
        message_id VARCHAR(64) NOT NULL, choice INTEGER NOT NULL, user_id VARCHAR(64) NOT NULL,
        PRIMARY KEY (message_id, choice, user_id)
    )
    """,
)

NEWEST = """
SELECT message_id, user_id FROM polls_poll WHERE closed = 0 AND room = :room ORDER BY opened DESC LIMIT 1
"""
DUE = "SELECT message_id, closes FROM polls_poll WHERE closed = 0 AND closes IS NOT NULL"
VOTES = "SELECT choice, user_id FROM polls_vote WHERE message_id = :message_id ORDER BY choice, user_id"
MINE = "SELECT choice FROM polls_vote WHERE message_id = :message_id AND user_id = :user_id ORDER BY choice"


class Unchanged(Exception):
    """It is as it was asked to be already."""


def begin(question: Question, closes: float | None) -> dict[str, Any]:
    """The extra of a new poll."""
    return {
        "question": question.text,
        "choices": [{"text": each, "votes": 0} for each in question.choices],
        "several": question.several,
        "anonymous": question.anonymous,
        "closes": closes,
        "closed": False,
        "voters": 0,
    }


def enter(
    tx: Transaction, message_id: str, room: str, user_id: str, opened: float, closes: float | None
) -> None:
    """Note a new poll."""
    tx.execute(
        "INSERT INTO polls_poll (message_id, room, user_id, opened, closes, closed)"
        " VALUES (:message_id, :room, :user_id, :opened, :closes, 0)",
        message_id=message_id,
        room=room,
        user_id=user_id,
        opened=opened,
        closes=closes,
    )


def poll_of(message: Message | None) -> dict[str, Any]:
    """What is kept with a poll's message. Raises `Reject` ``not_found`` for a message that is none."""
    poll = message.extras.get("polls") if message is not None else None
    if poll is None:
        raise Reject("There is no such poll.", "not_found", field="message_id")
    return dict(poll)


def vote(tx: EventTransaction, message_id: str, user_id: str, choices: Sequence[int], now: float) -> None:
    """Make these the choices of a user, none of them too, and count anew.

    Raises `Unchanged`; `Reject` ``not_found``, ``rejected`` for a poll that is closed, ``invalid``.
    """
    poll = poll_of(tx.message(message_id))
    if poll["closed"] or (poll["closes"] is not None and poll["closes"] <= now):
        raise Reject("This poll is closed.", field="message_id")
    wanted = sorted(set(choices))
    if any(not 0 <= choice < len(poll["choices"]) for choice in wanted):
        raise Reject("There is no such choice.", "invalid", field="choices")
    if len(wanted) > 1 and not poll["several"]:
        raise Reject("In this poll one may take one choice.", "invalid", field="choices")
    key = {"message_id": message_id, "user_id": user_id}
    if [row["choice"] for row in tx.execute(MINE, **key)] == wanted:
        raise Unchanged
    tx.execute("DELETE FROM polls_vote WHERE message_id = :message_id AND user_id = :user_id", **key)
    tx.executemany(
        "INSERT INTO polls_vote (message_id, choice, user_id) VALUES (:message_id, :choice, :user_id)",
        [{**key, "choice": choice} for choice in wanted],
    )
    counts = tx.execute(
        "SELECT choice, count(*) AS votes FROM polls_vote WHERE message_id = :message_id GROUP BY choice",
        message_id=message_id,
    )
    votes = {row["choice"]: row["votes"] for row in counts}
    voters = tx.execute(
        "SELECT count(DISTINCT user_id) AS voters FROM polls_vote WHERE message_id = :message_id",
        message_id=message_id,
    )
    shown = [{**each, "votes": votes.get(at, 0)} for at, each in enumerate(poll["choices"])]
    tx.annotate(message_id, {**poll, "choices": shown, "voters": voters[0]["voters"]})


def close(tx: EventTransaction, message_id: str) -> None:
    """End a poll. Raises `Unchanged` and `Reject` ``not_found``."""
    poll = poll_of(tx.message(message_id))
    if poll["closed"]:
        raise Unchanged
    tx.execute("UPDATE polls_poll SET closed = 1 WHERE message_id = :message_id", message_id=message_id)
    tx.annotate(message_id, {**poll, "closed": True})


def forget(tx: Transaction, message_id: str) -> None:
    """Drop what is kept of a poll whose message is gone."""
    tx.execute("DELETE FROM polls_vote WHERE message_id = :message_id", message_id=message_id)
    tx.execute("DELETE FROM polls_poll WHERE message_id = :message_id", message_id=message_id)
