"""Users and credentials: queries and changes. Each takes a connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..model import errors
from ..model.people import Account
from ..model.values import AccountState, User
from . import schema as s
from .compiled_statement import CompiledStatement, upsert
from .rows import PLAIN, user_columns, user_of

_USER = select(*user_columns(s.user))
_USER_BY_ID = CompiledStatement(_USER.where(s.user.c.id == bindparam("user")))
_USER_BY_KEY = CompiledStatement(
    _USER.where(or_(s.user.c.name_key == bindparam("key"), s.user.c.display_key == bindparam("key")))
)
_INSERT_USER = CompiledStatement(insert(s.user))


def _user(row: Any) -> User | None:
    return user_of(row, PLAIN) if row is not None else None


def user_by_id(conn: Connection, user_id: str) -> User | None:
    """The user with this id."""
    return _user(_USER_BY_ID.first(conn, user=user_id))


def user_by_key(conn: Connection, key: str) -> User | None:
    """The user whose name, or shown name, has this key."""
    return _user(_USER_BY_KEY.first(conn, key=key))


_ACCOUNT = (
    select(*user_columns(s.user), s.user.c.state, s.user.c.created)
    .where(
        or_(s.user.c.id.in_(select(s.credential.c.user_id)), s.user.c.id.in_(select(s.identity.c.user_id)))
    )
    .order_by(s.user.c.name, s.user.c.id)
)


def _account(row: Any) -> Account:
    return Account(user_of(row, PLAIN), row.state or "active", row.created)


def accounts(conn: Connection, state: AccountState | None = None) -> list[Account]:
    """All accounts, or those in one state, by name."""
    query = _ACCOUNT
    if state is not None:
        query = query.where(s.user.c.state == (None if state == "active" else state))
    return [_account(row) for row in conn.execute(query)]


def account(conn: Connection, user_id: str) -> Account | None:
    """The account of this user; None for a guest, a bot, or no user at all."""
    row = conn.execute(_ACCOUNT.where(s.user.c.id == user_id)).first()
    return _account(row) if row is not None else None


def of_identity(conn: Connection, issuer: str, subject: str) -> User | None:
    """The user whom another site calls ``subject``."""
    query = _USER.join(s.identity, s.identity.c.user_id == s.user.c.id).where(
        s.identity.c.issuer == issuer, s.identity.c.subject == subject
    )
    return _user(conn.execute(query).first())


def add_identity(conn: Connection, issuer: str, subject: str, user_id: str) -> None:
    """Note whom another site calls ``subject``."""
    conn.execute(insert(s.identity).values(issuer=issuer, subject=subject, user_id=user_id))


def is_active(conn: Connection, user_id: str) -> bool:
    """Whether the account may be signed in to."""
    return conn.execute(select(s.user.c.state).where(s.user.c.id == user_id)).scalar() is None


def count_waiting(conn: Connection) -> int:
    """How many accounts wait to be approved."""
    query = select(func.count()).select_from(s.user).where(s.user.c.state == "waiting")
    return conn.execute(query).scalar() or 0


def set_state(conn: Connection, user_id: str, state: AccountState) -> None:
    """Let an account be signed in to, or not."""
    value = None if state == "active" else state
    conn.execute(update(s.user).where(s.user.c.id == user_id).values(state=value))


def count_admins(conn: Connection) -> int:
    """How many accounts can administer this server."""
    query = select(func.count()).select_from(s.user).where(s.user.c.role == "admin", s.user.c.state.is_(None))
    return conn.execute(query).scalar() or 0


ENDED = "deleted account"


def alias_of(user_id: str) -> str:
    """What a user is called who has no name any more."""
    return f"deleted-{user_id[-8:]}"


def end_account(conn: Connection, user_id: str) -> User:
    """Take all from an account that made it one: its names, what it signs in with, and its invites. Its id stays, as
    what it wrote does. A running server is told."""
    for table, column in (
        (s.credential, s.credential.c.user_id),
        (s.identity, s.identity.c.user_id),
        (s.token, s.token.c.user_id),
        (s.invite, s.invite.c.by_id),
        (s.profile, s.profile.c.user_id),
        (s.user_block, s.user_block.c.user_id),
        (s.user_hidden_room, s.user_hidden_room.c.user_id),
        (s.room_invitation, s.room_invitation.c.user_id),
        (s.room_invitation, s.room_invitation.c.by_id),
        (s.user_block, s.user_block.c.blocked_id),
    ):
        conn.execute(delete(table).where(column == user_id))
    names = {"name": alias_of(user_id), "name_key": None, "display_name": ENDED, "display_key": None}
    conn.execute(
        update(s.user)
        .where(s.user.c.id == user_id)
        .values(**names, role="member", state="disabled", avatar=None)
    )
    add_signal(conn, user_id)
    ended = user_by_id(conn, user_id)
    if ended is None:
        raise errors.internal()
    return ended


def drop_waiting(conn: Connection, user_id: str) -> bool:
    """Remove an account that waits, with its name: it has never been signed in to. False if it doesn't wait."""
    gone = (
        conn.execute(delete(s.user).where(s.user.c.id == user_id, s.user.c.state == "waiting")).rowcount > 0
    )
    if gone:
        conn.execute(delete(s.credential).where(s.credential.c.user_id == user_id))
    return gone


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
        state=None,
        avatar=None,
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


def set_role(conn: Connection, user_id: str, role: str) -> None:
    """A new role for an account."""
    conn.execute(update(s.user).where(s.user.c.id == user_id).values(role=role))


def set_password_hash(conn: Connection, user_id: str, hash: str) -> None:
    """Set or replace the credential."""
    statement = upsert(conn.dialect, s.credential).values(user_id=user_id, hash=hash)
    conn.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_={"hash": hash}))


def password_hash(conn: Connection, user_id: str) -> str | None:
    """The credential, for verification."""
    return conn.execute(select(s.credential.c.hash).where(s.credential.c.user_id == user_id)).scalar()


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
