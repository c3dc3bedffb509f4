"""The tables. The text of a message lives in one row of ``message``; ``event`` says what happened, in order."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = 1

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

user = Table(
    "user",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    # Names that look alike share a key. A guest who is gone gives theirs up: NULL.
    Column("name_key", String, unique=True),
    Column("display_name", String, nullable=False),
    Column("display_key", String, unique=True),
    Column("role", String, nullable=False),
    Column("created", Float, nullable=False),
)

credential = Table(
    "credential",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("hash", Text, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("hash", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("expires", Float, nullable=False),
    Index("token_user", "user_id"),
)

room = Table(
    "room",
    metadata,
    Column("name", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("history", String, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False),
)

member = Table(
    "member",
    metadata,
    Column("room", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("role", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    PrimaryKeyConstraint("room", "user_id"),
    Index("member_user", "user_id"),
)

# Mutes and bans outlive the membership: leaving and coming back lifts neither.
sanction = Table(
    "sanction",
    metadata,
    Column("room", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("by_id", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", Float, nullable=False),
    PrimaryKeyConstraint("room", "user_id", "kind"),
)

event = Table(
    "event",
    metadata,
    Column("room", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", String, nullable=False),
    Column("message_id", String),
    Column("user_id", String, nullable=False),
    Column("ts", Float, nullable=False),
    Column("data", Text),
    Column("messages", BigInteger, nullable=False),
    PrimaryKeyConstraint("room", "seq"),
    sqlite_with_rowid=False,
)

message = Table(
    "message",
    metadata,
    Column("id", String, primary_key=True),
    Column("room", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("ts", Float, nullable=False),
    Column("user_id", String, nullable=False),
    Column("nonce", String),
    Column("request_hash", String),
    Column("rev", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("content", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("reply_to", String),
    Column("attachments", Text),
    Column("edited_at", Float),
    Column("edit_hash", String),
    Column("deleted", Boolean, nullable=False),
    UniqueConstraint("room", "user_id", "nonce"),
    sqlite_with_rowid=False,
)

read_mark = Table(
    "read_mark",
    metadata,
    Column("room", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    PrimaryKeyConstraint("room", "user_id"),
    sqlite_with_rowid=False,
)

mention = Table(
    "mention",
    metadata,
    Column("user_id", String, nullable=False),
    Column("room", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "room", "seq"),
    sqlite_with_rowid=False,
)

# How the command line tells a running server what it changed.
signal = Table(
    "signal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("user_id", String, nullable=False),
)

plugin_schema = Table(
    "plugin_schema",
    metadata,
    Column("plugin", String, primary_key=True),
    Column("version", Integer, nullable=False),
)
