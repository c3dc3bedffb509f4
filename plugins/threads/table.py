"""Which message answers in which thread, and who follows which thread how far."""

from __future__ import annotations

from typing import Any

from chatserver import Message, Transaction

MIGRATIONS = (
    """
    CREATE TABLE threads_reply (
        message_id VARCHAR(64) NOT NULL PRIMARY KEY, root_id VARCHAR(64) NOT NULL, room VARCHAR(256) NOT NULL,
        seq BIGINT NOT NULL, user_id VARCHAR(64) NOT NULL, ts DOUBLE PRECISION NOT NULL,
        gone INTEGER NOT NULL
    )
    """,
    "CREATE INDEX threads_reply_root ON threads_reply (root_id, seq)",
    # A row for each who follows a thread, or has ceased to: what is new after ``seen``.
    """
    CREATE TABLE threads_follower (
        root_id VARCHAR(64) NOT NULL, user_id VARCHAR(64) NOT NULL, follows INTEGER NOT NULL, seen BIGINT NOT NULL,
        PRIMARY KEY (root_id, user_id)
    )
    """,
    "CREATE INDEX threads_follower_user ON threads_follower (user_id, follows)",
)

ROOT = "SELECT root_id FROM threads_reply WHERE message_id = :message_id"
REPLIES = """
SELECT message_id, seq FROM threads_reply WHERE root_id = :root_id AND gone = 0 AND seq < :before
ORDER BY seq DESC LIMIT :most
"""
FOLLOWERS = """
SELECT user_id FROM threads_follower WHERE root_id = :root_id AND follows = 1 ORDER BY user_id LIMIT :most
"""
_COUNTED = """
SELECT r.root_id AS root_id, min(r.room) AS room, min(r.seq) AS first, max(r.seq) AS last, max(r.ts) AS ts,
    count(*) AS replies, max(coalesce(f.follows, 0)) AS follows,
    sum(CASE WHEN f.follows = 1 AND r.seq > f.seen AND r.user_id <> :user_id THEN 1 ELSE 0 END) AS unread
FROM threads_reply AS r LEFT JOIN threads_follower AS f ON f.root_id = r.root_id AND f.user_id = :user_id
"""
COUNTS = f"{_COUNTED} WHERE r.root_id = :root_id AND r.gone = 0 GROUP BY r.root_id"
FOLLOWED = f"""
{_COUNTED} WHERE f.follows = 1 AND r.gone = 0 GROUP BY r.root_id HAVING max(r.ts) < :before
ORDER BY max(r.ts) DESC LIMIT :most
"""
_ADD = """
INSERT INTO threads_reply (message_id, root_id, room, seq, user_id, ts, gone)
VALUES (:message_id, :root_id, :room, :seq, :user_id, :ts, 0) ON CONFLICT (message_id) DO NOTHING
"""
_MOVES = (
    "UPDATE threads_reply SET root_id = :root_id WHERE root_id = :message_id",
    """
    INSERT INTO threads_follower (root_id, user_id, follows, seen)
    SELECT :root_id, user_id, follows, seen FROM threads_follower WHERE root_id = :message_id
    ON CONFLICT (root_id, user_id) DO UPDATE SET
        follows = CASE WHEN excluded.follows > threads_follower.follows THEN 1 ELSE threads_follower.follows END,
        seen = CASE WHEN excluded.seen > threads_follower.seen THEN excluded.seen ELSE threads_follower.seen END
    """,
    "DELETE FROM threads_follower WHERE root_id = :message_id",
)
"""What was taken for a thread is part of another one."""
FORGET = "DELETE FROM threads_follower WHERE user_id = :user_id"
FOLLOW = """
INSERT INTO threads_follower (root_id, user_id, follows, seen) VALUES (:root_id, :user_id, :follows, :seen)
ON CONFLICT (root_id, user_id) DO UPDATE SET follows = excluded.follows,
    seen = CASE WHEN excluded.seen > threads_follower.seen THEN excluded.seen ELSE threads_follower.seen END
"""
SEEN = """
UPDATE threads_follower SET seen = :seen WHERE root_id = :root_id AND user_id = :user_id AND seen < :seen
"""
FOLLOW_FIRST = """
INSERT INTO threads_follower (root_id, user_id, follows, seen) VALUES (:root_id, :user_id, 1, :seen)
ON CONFLICT (root_id, user_id) DO NOTHING
"""


def add(tx: Transaction, message: Message) -> None:
    """Note a reply; who writes it follows its thread from then on, and has seen what came before."""
    if message.reply_to is None:
        return
    above = tx.execute(ROOT, message_id=message.reply_to)
    root_id = above[0]["root_id"] if above else message.reply_to
    key = {"root_id": root_id, "user_id": message.user.id}
    tx.execute(_ADD, message_id=message.id, room=message.room, seq=message.seq, ts=message.ts, **key)
    # Replies to this one that were noted before it: those of a time when the plugin was off come later.
    if tx.execute("SELECT 1 FROM threads_reply WHERE root_id = :message_id LIMIT 1", message_id=message.id):
        for move in _MOVES:
            tx.execute(move, root_id=root_id, message_id=message.id)
    if not message.user.bot:
        tx.execute(FOLLOW, follows=1, seen=message.seq, **key)


def remove(tx: Transaction, message_id: str) -> None:
    """Count a reply no longer whose text is gone. Its place stays known, as others answer it; and a thread stays whose
    first message is gone."""
    tx.execute("UPDATE threads_reply SET gone = 1 WHERE message_id = :message_id", message_id=message_id)


def shown(row: Any) -> dict[str, Any]:
    """A thread as clients get it."""
    return {
        "root_id": row["root_id"],
        "room": row["room"],
        "replies": row["replies"],
        "unread": row["unread"] or 0,
        "follows": bool(row["follows"]),
        "last_seq": row["last"],
        "last_ts": row["ts"],
    }
