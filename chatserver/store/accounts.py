"""Users, credentials and tokens: queries and changes. Each takes a connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..model import errors
from ..model.values import Role, User
from . import schema as s
from .compiled_statement import CompiledStatement, upsert
from .rows import PLAIN, user_columns, user_of

_USER = select(*user_columns(s.user))
_USER_BY_ID = CompiledStatement(_USER.where(s.user.c.id == bindparam("user")))
_USER_BY_KEY = CompiledStatement(
    _USER.where(or_(s.user.c.name_key == bindparam("key"), s.user.c.display_key == bindparam("key")))
)
_INSERT_USER = CompiledStatement(insert(s.user))
_INSERT_TOKEN = CompiledStatement(insert(s.token))
_TOKEN_USER = CompiledStatement(
    select(s.token.c.kind, s.token.c.expires, s.user.c.name_key, *_USER.selected_columns)
    .join(s.user, s.user.c.id == s.token.c.user_id)
    .where(s.token.c.hash == bindparam("token"), s.token.c.expires > bindparam("now"))
)


def _user(row: Any) -> User | None:
    return user_of(row, PLAIN) if row is not None else None


def user_by_id(conn: Connection, user_id: str) -> User | None:
    """The user with this id."""
    return _user(_USER_BY_ID.first(conn, user=user_id))


def user_by_key(conn: Connection, key: str) -> User | None:
    """The user whose name, or shown name, has this key."""
    return _user(_USER_BY_KEY.first(conn, key=key))


def users(conn: Connection) -> list[User]:
    """All users with an account (no guests), by name."""
    query = _USER.join(s.credential, s.credential.c.user_id == s.user.c.id).order_by(s.user.c.name)
    return [user_of(row, PLAIN) for row in conn.execute(query)]


def has_admin(conn: Connection) -> bool:
    """Whether there is a user who can administer this server."""
    return conn.execute(select(s.user.c.id).where(s.user.c.role == "admin").limit(1)).first() is not None


def create_user(conn: Connection, user: User, key: str, now: float) -> None:
    """Add a user. Raises `Reject` ``name_taken``."""
    _refuse_taken(conn, key, user.id)
    _insert_user(conn, user, key, now)


_BOT = CompiledStatement(
    _USER.where(s.user.c.bot == bindparam("plugin"), s.user.c.name == bindparam("named"))
)


def bot(conn: Connection, plugin: str, name: str) -> User | None:
    """The plugin's bot of this name."""
    return _user(_BOT.first(conn, plugin=plugin, named=name))


def create_bot(conn: Connection, bot: User, key: str, now: float, plugin: str) -> User:
    """Add a plugin's bot. Raises `Reject` ``name_taken``."""
    _refuse_taken(conn, key, bot.id)
    _insert_user(conn, bot, key, now, plugin)
    return bot


def _insert_user(
    conn: Connection, user: User, key: str | None, now: float, plugin: str | None = None
) -> None:
    _INSERT_USER.run(
        conn,
        id=user.id,
        name=user.name,
        name_key=key,
        display_name=user.display_name,
        display_key=None,
        role=user.role,
        created=now,
        bot=plugin,
    )


def ensure_user(conn: Connection, user: User, key: str, now: float) -> None:
    """Add a user unless there is one with this id; without a claim to the name if another user holds it."""
    if user_by_id(conn, user.id) is None:
        _insert_user(conn, user, None if user_by_key(conn, key) is not None else key, now)


def _refuse_taken(conn: Connection, key: str, user_id: str) -> None:
    holder = user_by_key(conn, key)
    if holder is not None and holder.id != user_id:
        raise errors.name_taken()


def release_name(conn: Connection, user_id: str, key: str) -> bool:
    """Take the name with this key from a guest, whose id and messages stay; False if they hold it no more.

    A running server is told, as the guest may be connected to it.
    """
    held = s.user.c.id == user_id, s.user.c.role == "guest", s.user.c.name_key == key
    released = conn.execute(update(s.user).where(*held).values(name_key=None)).rowcount > 0
    if released:
        add_signal(conn, user_id)
    return released


def lost_name(conn: Connection, user_id: str) -> bool:
    """Whether the user is a guest whose name went to another user."""
    query = select(s.user.c.id).where(
        s.user.c.id == user_id, s.user.c.role == "guest", s.user.c.name_key.is_(None)
    )
    return conn.execute(query).first() is not None


def rename(conn: Connection, user: User, name: str, key: str) -> User:
    """A new name: for a guest the name itself, for an account the shown one. Raises `Reject` ``name_taken``."""
    _refuse_taken(conn, key, user.id)
    if user.role == "guest":
        changes: dict[str, Any] = {"name": name, "name_key": key, "display_name": name}
    else:
        changes = {"display_name": name, "display_key": key}
    try:
        conn.execute(update(s.user).where(s.user.c.id == user.id).values(**changes))
    except IntegrityError as error:
        raise errors.name_taken() from error
    return user_by_id(conn, user.id) or user


def set_role(conn: Connection, user_id: str, role: Role) -> None:
    """A new role for an account."""
    conn.execute(update(s.user).where(s.user.c.id == user_id).values(role=role))


def set_password_hash(conn: Connection, user_id: str, hash: str) -> None:
    """Set or replace the credential."""
    statement = upsert(conn.dialect, s.credential).values(user_id=user_id, hash=hash)
    conn.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_={"hash": hash}))


def password_hash(conn: Connection, user_id: str) -> str | None:
    """The credential, for verification."""
    return conn.execute(select(s.credential.c.hash).where(s.credential.c.user_id == user_id)).scalar()


def add_token(conn: Connection, hash: str, user_id: str, kind: str, expires: float) -> None:
    """Store the hash of a new token; ``expires`` in seconds since the epoch."""
    _INSERT_TOKEN.run(conn, hash=hash, user_id=user_id, kind=kind, expires=expires)


class TokenFacts(msgspec.Struct):
    """What a token says: whose it is, of which kind, when it ends, and whether its user's name is still theirs."""

    user: User
    kind: str
    expires: float
    holds_name: bool


def token_facts(conn: Connection, hash: str, now: float) -> TokenFacts | None:
    """What is known of a token; None if it is unknown or has ended."""
    row = _TOKEN_USER.first(conn, token=hash, now=now)
    user = _user(row)
    if row is None or user is None:
        return None
    return TokenFacts(user, row.kind, row.expires, row.name_key is not None)


def extend_token(conn: Connection, hash: str, expires: float) -> None:
    """Let a token live longer."""
    conn.execute(update(s.token).where(s.token.c.hash == hash).values(expires=expires))


def drop_tokens(
    conn: Connection, *, user_id: str | None = None, hash: str | None = None, before: float | None = None
) -> None:
    """Revoke one token, all of a user, or those that ended before a time."""
    statement = delete(s.token)
    if user_id is not None:
        statement = statement.where(s.token.c.user_id == user_id)
    if hash is not None:
        statement = statement.where(s.token.c.hash == hash)
    if before is not None:
        statement = statement.where(s.token.c.expires < before)
    conn.execute(statement)


def forget_guests(conn: Connection, now: float) -> list[str]:
    """Guests whose last token has ended are members of nothing but their direct rooms; their ids."""
    live = select(s.token.c.user_id).where(s.token.c.expires > now)
    gone = select(s.user.c.id).where(s.user.c.role == "guest", s.user.c.id.not_in(live))
    direct = select(s.room.c.id).where(s.room.c.kind == "direct")
    statement = delete(s.member).where(s.member.c.user_id.in_(gone), s.member.c.room_id.not_in(direct))
    left = conn.execute(statement.returning(s.member.c.room_id, s.member.c.user_id)).all()
    rooms = {row.room_id for row in left}
    if rooms:
        moved = update(s.room).where(s.room.c.id.in_(rooms))
        conn.execute(moved.values(version=s.room.c.version + 1))
    return [row.user_id for row in left]


def add_signal(conn: Connection, user_id: str) -> None:
    """Tell a running server that something about this user changed."""
    conn.execute(insert(s.signal).values(user_id=user_id))


def signals_after(conn: Connection, after: int) -> Sequence[tuple[int, str]]:
    """The signals after ``after``, as (id, user id)."""
    query = select(s.signal.c.id, s.signal.c.user_id).where(s.signal.c.id > after).order_by(s.signal.c.id)
    return [(row.id, row.user_id) for row in conn.execute(query)]


def is_setup_token(conn: Connection, hash: str, now: float) -> bool:
    """Whether this is the first admin's one-time token, and still good."""
    query = select(s.token.c.hash).where(
        s.token.c.hash == hash, s.token.c.kind == "setup", s.token.c.expires > now
    )
    return conn.execute(query).first() is not None
