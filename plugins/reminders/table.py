"""What is planned for whom, and the users' time zones."""

from __future__ import annotations

from chatserver import Reject, Transaction

MIGRATIONS = (
    """
    CREATE TABLE reminders_item (
        id VARCHAR(64) NOT NULL PRIMARY KEY, user_id VARCHAR(64) NOT NULL, kind VARCHAR(16) NOT NULL,
        due DOUBLE PRECISION NOT NULL, text TEXT NOT NULL, room VARCHAR(256) NOT NULL, message_id VARCHAR(64) NOT NULL
    )
    """,
    "CREATE INDEX reminders_item_user ON reminders_item (user_id, due)",
    "CREATE TABLE reminders_zone (user_id VARCHAR(64) NOT NULL PRIMARY KEY, zone VARCHAR(64) NOT NULL)",
)

ALL = "SELECT id, due FROM reminders_item"
ONE = "SELECT * FROM reminders_item WHERE id = :id"
OF_USER = "SELECT id, kind, due, text, room, message_id FROM reminders_item WHERE user_id = :user_id ORDER BY due, id"
DROP = "DELETE FROM reminders_item WHERE id = :id AND user_id = :user_id RETURNING id"
DONE = "DELETE FROM reminders_item WHERE id = :id"
FORGET = (
    "DELETE FROM reminders_item WHERE user_id = :user_id",
    "DELETE FROM reminders_zone WHERE user_id = :user_id",
)
ZONE = "SELECT zone FROM reminders_zone WHERE user_id = :user_id"
PUT_ZONE = (
    "INSERT INTO reminders_zone (user_id, zone) VALUES (:user_id, :zone)"
    " ON CONFLICT (user_id) DO UPDATE SET zone = excluded.zone"
)
_ADD = """
INSERT INTO reminders_item (id, user_id, kind, due, text, room, message_id)
VALUES (:id, :user_id, :kind, :due, :text, :room, :message_id)
"""


def add(tx: Transaction, most: int, **row: object) -> None:
    """Note what is planned. Raises `Reject` ``invalid`` for one more than ``most``."""
    count = tx.execute(
        "SELECT count(*) AS n FROM reminders_item WHERE user_id = :user_id", user_id=row["user_id"]
    )
    if count[0]["n"] >= most:
        raise Reject(f"You have {most} reminders already: take some back.", "invalid", field="text")
    tx.execute(_ADD, **row)
