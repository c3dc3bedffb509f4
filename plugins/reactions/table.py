"""Who reacted to what: the rows that counts are made of, and the extra of a message, which shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatserver import EventTransaction, Message, Reject, Transaction

MIGRATIONS = (
    """
    CREATE TABLE reactions_reaction (
        message_id VARCHAR(64) NOT NULL, emoji VARCHAR(64) NOT NULL, user_id VARCHAR(64) NOT NULL,
        number BIGINT NOT NULL, PRIMARY KEY (message_id, emoji, user_id)
    )
    """,
)

SHOWN = 50
"""How many users an emoji shows in the message, and fewer where it has many emoji: an extra has a limit."""
SHOWN_IN_ALL = 600

_ADD = """
INSERT INTO reactions_reaction (message_id, emoji, user_id, number)
SELECT :message_id, :emoji, :user_id, coalesce(max(number), 0) + 1 FROM reactions_reaction
WHERE message_id = :message_id AND emoji = :emoji
"""
_ONE = "WHERE message_id = :message_id AND emoji = :emoji"


class Unchanged(Exception):
    """It is as it was asked to be already."""


def react(tx: EventTransaction, message: Message, emoji: str, user_id: str, on: bool, kinds: int) -> None:
    """Set or unset a reaction, and show it with the message.

    Raises `Unchanged`, and `Reject` ``invalid`` for one emoji more than ``kinds``.
    """
    key = {"message_id": message.id, "emoji": emoji}
    there = tx.execute(
        f"SELECT 1 FROM reactions_reaction {_ONE} AND user_id = :user_id", **key, user_id=user_id
    )
    if bool(there) == on:
        raise Unchanged
    shown: Mapping[str, Any] = message.extras.get("reactions", {})
    if on and emoji not in shown and len(shown) >= kinds:
        raise Reject(f"A message has {kinds} different reactions at most.", "invalid", field="emoji")
    if on:
        tx.execute(_ADD, **key, user_id=user_id)
    else:
        tx.execute(f"DELETE FROM reactions_reaction {_ONE} AND user_id = :user_id", **key, user_id=user_id)
    count: int = tx.execute(f"SELECT count(*) AS n FROM reactions_reaction {_ONE}", **key)[0]["n"]
    now = {**shown, emoji: {"count": count, "users": []}}
    if count == 0:
        del now[emoji]
    most = min(SHOWN, SHOWN_IN_ALL // max(len(now), 1))
    if count:
        rows = tx.execute(
            f"SELECT user_id FROM reactions_reaction {_ONE} ORDER BY number LIMIT :most", **key, most=most
        )
        now[emoji]["users"] = [row["user_id"] for row in rows]
    for each in now.values():
        each["users"] = each["users"][:most]
    tx.annotate(message.id, now or None)


def forget(tx: Transaction, message_id: str) -> None:
    """Drop the reactions to a message that is gone."""
    tx.execute("DELETE FROM reactions_reaction WHERE message_id = :message_id", message_id=message_id)


ALL = "SELECT emoji, user_id FROM reactions_reaction WHERE message_id = :message_id ORDER BY emoji, number"
