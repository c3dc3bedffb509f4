"""The tables. Each event of a room is a row of ``log``; that of a message holds its text of now."""

from __future__ import annotations

from typing import Any

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
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.sql.compiler import DDLCompiler

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
    # The plugin whose bot this is; NULL for people.
    Column("bot", String),
    # Why an account can't be signed in to: `chatserver.model.values.AccountState`; NULL: it can.
    Column("state", String),
    # The address of the picture that is shown of them.
    Column("avatar", String),
)

# What users say of themselves. ``held`` is a status text that was set while its user was invisible: others see it once
# they are visible. A time of 0 is no end.
profile = Table(
    "user_profile",
    metadata,
    Column("user_id", String, primary_key=True),
    Column("status_text", String, nullable=False),
    Column("status_until", Float, nullable=False),
    Column("held_text", String),
    Column("held_until", Float, nullable=False),
    Column("time_zone", String, nullable=False),
    Column("language", String, nullable=False),
    # Who may add them to rooms: `chatserver.model.people.AddedBy`; NULL: anyone.
    Column("added_by", String),
)

# Direct rooms that a user doesn't see in the list until there are more messages than this.
user_hidden_room = Table(
    "user_hidden_room",
    metadata,
    Column("user_id", String, nullable=False),
    Column("room_id", Integer, nullable=False),
    Column("messages", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "room_id"),
)

# Users who were asked to come into a room, and have not answered.
room_invitation = Table(
    "room_invitation",
    metadata,
    Column("room_id", Integer, nullable=False),
    Column("user_id", String, nullable=False),
    Column("by_id", String, nullable=False),
    Column("ts", Float, nullable=False),
    PrimaryKeyConstraint("room_id", "user_id"),
    Index("room_invitation_user", "user_id"),
)

# Of whom users want to hear nothing.
user_block = Table(
    "user_block",
    metadata,
    Column("user_id", String, nullable=False),
    Column("blocked_id", String, nullable=False),
    Column("ts", Float, nullable=False),
    PrimaryKeyConstraint("user_id", "blocked_id"),
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
    # Moves on with use, but not beyond ``ends``; NULL: there is no such end.
    Column("expires", Float, nullable=False),
    Column("ends", Float),
    # When it was made, and last used but for an hour; NULL before revision 4.
    Column("created", Float),
    Column("used", Float),
    # From where, and with which program.
    Column("address", String),
    Column("client", String),
    # What its owner calls it, and what it may do (JSON, names of permissions); NULL: all that the user may.
    Column("name", String),
    Column("scopes", Text),
    Index("token_user", "user_id"),
)

# Whom other sites vouch for: the issuer of their tokens, and what it calls the user.
identity = Table(
    "identity",
    metadata,
    Column("issuer", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("user_id", String, nullable=False),
    PrimaryKeyConstraint("issuer", "subject"),
    Index("identity_user", "user_id"),
)

# A link with which people register; ``rooms`` is JSON, the names of those that they join by it.
invite = Table(
    "invite",
    metadata,
    Column("code", String, primary_key=True),
    Column("by_id", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("rooms", Text, nullable=False),
    Index("invite_by", "by_id"),
)

room = Table(
    "room",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    # `chatserver.model.values.RoomSettings` as JSON; the next two say what queries ask of it.
    Column("settings", Text, nullable=False),
    Column("kind", String, nullable=False),
    Column("listed", Boolean, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("messages", BigInteger, nullable=False),
    # Moves with every change of what a server keeps in memory: settings, members and sanctions.
    Column("version", BigInteger, nullable=False),
    # The last seq of which nothing is kept: the history begins after it.
    Column("floor", BigInteger, nullable=False, server_default="0"),
)

member = Table(
    "member",
    metadata,
    Column("room_id", Integer, nullable=False),
    Column("user_id", String, nullable=False),
    Column("role", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    PrimaryKeyConstraint("room_id", "user_id"),
    Index("member_user", "user_id"),
)

# Mutes and bans outlive the membership: leaving and coming back lifts neither.
# Room 0 is the server.
sanction = Table(
    "sanction",
    metadata,
    Column("room_id", Integer, nullable=False),
    Column("user_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("by_id", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", Float, nullable=False),
    PrimaryKeyConstraint("room_id", "user_id", "kind"),
)

log = Table(
    "log",
    metadata,
    Column("room_id", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("ts", Float, nullable=False),
    # How many messages were ever posted to the room up to here, deleted ones too.
    Column("messages", BigInteger, nullable=False),
    # Of a message. NULL html is the content itself, NULL rev is 1, NULL deleted is no.
    Column("kind", String),
    Column("content", Text),
    Column("html", Text),
    Column("nonce", String),
    Column("request_hash", String),
    Column("reply_to", String),
    Column("attachments", Text),
    Column("extras", Text),
    Column("rev", Integer),
    Column("edited_at", Float),
    Column("edit_hash", String),
    Column("deleted", Boolean),
    # The id of a message from a database of before revision 2; all others are made of room and seq.
    Column("old_id", String),
    # Of the other events: the message that they are about, and what else the event says.
    Column("target_seq", BigInteger),
    Column("data", Text),
    # Of a message that a plugin wrote: which one, as whom it is shown if not as its user, and the buttons below it.
    Column("plugin", String),
    Column("display_name", String),
    Column("actions", Text),
    PrimaryKeyConstraint("room_id", "seq"),
    sqlite_with_rowid=False,
)


def _log_index(name: str, column: Column[Any], *columns: Column[Any], unique: bool) -> None:
    """An index of those rows alone that have a value in ``column``."""
    Index(name, *columns, unique=unique, sqlite_where=column.is_not(None))


@compiles(CreateIndex, "postgresql")
def _with_condition(create: CreateIndex, compiler: DDLCompiler, **arguments: Any) -> str:
    """An index has the same condition in PostgreSQL. To name it at the index would import that dialect everywhere."""
    index = create.element
    index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    made: str = compiler.visit_create_index(create, **arguments)  # type: ignore[no-untyped-call]
    return made


# The nonce before the user: clients whose nonces begin with the time all write to the same end of it.
_log_index("log_nonce", log.c.nonce, log.c.room_id, log.c.nonce, log.c.user_id, unique=True)
_log_index("log_old_id", log.c.old_id, log.c.old_id, unique=True)
_log_index("log_deleted", log.c.deleted, log.c.room_id, log.c.seq, unique=False)

read_mark = Table(
    "read_mark",
    metadata,
    Column("room_id", Integer, nullable=False),
    Column("user_id", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    # ``log.messages`` there.
    Column("messages", BigInteger, nullable=False),
    PrimaryKeyConstraint("room_id", "user_id"),
    sqlite_with_rowid=False,
)

# ``seq`` is the event that named the user, which is not the message itself where an edit added the name.
mention = Table(
    "mention",
    metadata,
    Column("user_id", String, nullable=False),
    Column("room_id", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("message_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("user_id", "room_id", "seq"),
    Index("mention_message", "room_id", "message_seq"),
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

# What a plugin keeps without tables of its own, as JSON.
plugin_value = Table(
    "plugin_value",
    metadata,
    Column("plugin", String, nullable=False),
    Column("key", String, nullable=False),
    Column("value", Text, nullable=False),
    PrimaryKeyConstraint("plugin", "key"),
)

# How far a plugin has read a room's log. A row with room 0 says that the follower has begun.
plugin_follower = Table(
    "plugin_follower",
    metadata,
    Column("plugin", String, nullable=False),
    Column("name", String, nullable=False),
    Column("room_id", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("plugin", "name", "room_id"),
)

# What a plugin does once, later: ``name`` says what, ``data`` is JSON.
plugin_job = Table(
    "plugin_job",
    metadata,
    Column("plugin", String, nullable=False),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("due", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("data", Text, nullable=False),
    PrimaryKeyConstraint("plugin", "id"),
)

# From these networks no new guests come: with whose ban it began.
address_ban = Table(
    "address_ban",
    metadata,
    Column("network", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("by_id", String, nullable=False),
    Column("until", Float, nullable=False),
)

# Who did what to whom, where, why, until when. Rows are only ever added; names are those of then.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("ts", Float, nullable=False),
    Column("action", String, nullable=False),
    Column("by_id", String, nullable=False),
    Column("by_name", String, nullable=False),
    Column("target_id", String, nullable=False),
    Column("target_name", String, nullable=False),
    Column("room", String),
    Column("reason", Text, nullable=False),
    Column("until", Float, nullable=False),
    Column("detail", Text, nullable=False),
    Index("audit_target", "target_id"),
    Index("audit_room", "room"),
)

# Kept by Alembic (migrations/); made and read without it, as it takes a quarter of a second to import.
alembic_version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), primary_key=True),
)
