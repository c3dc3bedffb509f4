"""Revision 2: a message lives in its row of the log, and rooms have numbers.

A database without tables gets them; one of revision 1, which was before Alembic, is brought over. Frozen: what changes
later is a revision of its own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = None

# Alembic imports this file under a name of its own.
log = logging.getLogger("chatserver.store.migrations")

AT_ONCE = 25_000
"""So many events are copied by one statement, and told as progress."""
CHANGED = ("room", "member", "sanction", "event", "message", "read_mark", "mention")
"""The tables of revision 1 that are not as they were."""


def upgrade() -> None:
    conn = op.get_bind()
    old = set(sa.inspect(conn).get_table_names())
    if "event" in old:
        # An index keeps its name when its table gets another one.
        op.drop_index("member_user", "member")
        for name in CHANGED:
            op.rename_table(name, f"old_{name}")
    else:
        _make_kept_tables()
    _make_tables()
    if "event" in old:
        _bring_over(conn)
        for name in CHANGED:
            op.drop_table(f"old_{name}")
    # For programs of revision 1, which look for it here, and must not use this database.
    conn.execute(sa.text("DELETE FROM meta WHERE key = 'revision'"))
    conn.execute(sa.text("INSERT INTO meta (key, value) VALUES ('revision', '2')"))


def _make_kept_tables() -> None:
    """Those that revision 1 had too."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "user",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("name_key", sa.String, unique=True),
        sa.Column("display_name", sa.String, nullable=False),
        sa.Column("display_key", sa.String, unique=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )
    op.create_table(
        "credential",
        sa.Column("user_id", sa.String, primary_key=True),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.create_table(
        "token",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("expires", sa.Float, nullable=False),
        sa.Index("token_user", "user_id"),
    )
    op.create_table(
        "signal",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("user_id", sa.String, nullable=False),
    )
    op.create_table(
        "plugin_schema",
        sa.Column("plugin", sa.String, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
    )


def _make_tables() -> None:
    op.create_table(
        "room",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "member",
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id"),
        sa.Index("member_user", "user_id"),
    )
    op.create_table(
        "sanction",
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("by_id", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id", "kind"),
    )
    _make_log()
    op.create_table(
        "read_mark",
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mention",
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("message_seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "room_id", "seq"),
        sa.Index("mention_message", "room_id", "message_seq"),
        sqlite_with_rowid=False,
    )


def _make_log() -> None:
    op.create_table(
        "log",
        sa.Column("room_id", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("ts", sa.Float, nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String),
        sa.Column("content", sa.Text),
        sa.Column("html", sa.Text),
        sa.Column("nonce", sa.String),
        sa.Column("request_hash", sa.String),
        sa.Column("reply_to", sa.String),
        sa.Column("attachments", sa.Text),
        sa.Column("extras", sa.Text),
        sa.Column("rev", sa.Integer),
        sa.Column("edited_at", sa.Float),
        sa.Column("edit_hash", sa.String),
        sa.Column("deleted", sa.Boolean),
        sa.Column("old_id", sa.String),
        sa.Column("target_seq", sa.BigInteger),
        sa.Column("data", sa.Text),
        sa.PrimaryKeyConstraint("room_id", "seq"),
        sqlite_with_rowid=False,
    )
    for name, column, columns, unique in (
        ("log_nonce", "nonce", ["room_id", "nonce", "user_id"], True),
        ("log_old_id", "old_id", ["old_id"], True),
        ("log_deleted", "deleted", ["room_id", "seq"], False),
    ):
        there = sa.column(column).is_not(None)
        op.create_index(name, "log", columns, unique=unique, sqlite_where=there, postgresql_where=there)


def _bring_over(conn: sa.Connection) -> None:
    """Copy what the tables of revision 1 hold, which is in SQLite: there was no other database then."""
    rooms = conn.execute(sa.text("SELECT * FROM old_room ORDER BY rowid")).all()
    if rooms:
        conn.execute(
            sa.text(
                "INSERT INTO room (id, name, settings, kind, listed, head, messages, version)"
                " VALUES (:id, :name, :settings, :kind, :listed, :head, :messages, 1)"
            ),
            [_room(number, row) for number, row in enumerate(rooms, 1)],
        )
    for name, columns in (
        ("member", "user_id, role, since"),
        ("sanction", "user_id, kind, by_id, reason, until"),
        ("read_mark", "user_id, seq, messages"),
    ):
        kept = ", ".join(f"old.{column.strip()}" for column in columns.split(","))
        conn.execute(
            sa.text(
                f"INSERT INTO {name} (room_id, {columns}) SELECT room.id, {kept}"
                f" FROM old_{name} AS old JOIN room ON room.name = old.room"
            )
        )
    done = told = 0
    total = conn.execute(sa.text("SELECT count(*) FROM old_event")).scalar_one()
    for copied in _copy_events(conn):
        done += copied
        if done - told >= AT_ONCE:
            log.info("%s of %s events are brought over", f"{done:,}", f"{total:,}")
            told = done
    # Mentions in what is deleted by now count no longer.
    conn.execute(
        sa.text(
            "INSERT INTO mention (user_id, room_id, seq, message_seq) SELECT old.user_id, log.room_id, old.seq, old.seq"
            " FROM old_mention AS old JOIN room ON room.name = old.room"
            " JOIN log ON log.room_id = room.id AND log.seq = old.seq AND log.deleted IS NULL"
        )
    )


def _room(number: int, row: sa.Row[Any]) -> dict[str, Any]:
    settings = {name: getattr(row, name) for name in ("title", "topic", "kind", "history")}
    settings["archived"] = bool(row.archived)
    listed = row.kind == "public" and not row.archived
    kept = {name: getattr(row, name) for name in ("name", "kind", "head", "messages")}
    return {"id": number, "settings": json.dumps(settings, ensure_ascii=False), "listed": listed, **kept}


def _copy_events(conn: sa.Connection) -> Iterator[int]:
    """Copy the log room by room; yields how many events each statement copied."""
    copy = sa.text(
        "INSERT INTO log (room_id, seq, type, user_id, ts, messages, kind, content, html, nonce, request_hash,"
        " reply_to, attachments, rev, edited_at, edit_hash, deleted, old_id, target_seq, data)"
        " SELECT :room_id, e.seq, e.type, e.user_id, e.ts, e.messages, m.kind, m.content,"
        " nullif(m.html, m.content), m.nonce, m.request_hash, m.reply_to, m.attachments, nullif(m.rev, 1),"
        " m.edited_at, m.edit_hash, nullif(m.deleted, 0), m.id, about.seq, e.data"
        " FROM old_event AS e"
        " LEFT JOIN old_message AS m ON e.type = 'message' AND m.id = e.message_id"
        " LEFT JOIN old_message AS about ON e.type <> 'message' AND about.id = e.message_id"
        " WHERE e.room = :room AND e.seq > :after AND e.seq <= :after + :most"
    )
    for number, room, head in conn.execute(sa.text("SELECT id, name, head FROM room")).all():
        for after in range(0, head, AT_ONCE):
            values = {"room_id": number, "room": room, "after": after, "most": AT_ONCE}
            yield conn.execute(copy, values).rowcount
