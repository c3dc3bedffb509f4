"""The tokens of sessions, links and programs: queries and changes. Each takes a connection. Only hashes are kept."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from ..model.people import KeptToken
from ..model.values import User
from . import schema as s
from .accounts import add_signal
from .compiled_statement import CompiledStatement
from .rows import PLAIN, user_columns, user_of

_INSERT = CompiledStatement(insert(s.token))
_FACTS = CompiledStatement(
    select(
        s.token.c.kind,
        s.token.c.scopes,
        s.token.c.expires,
        s.token.c.ends,
        s.token.c.used,
        s.user.c.name_key,
        *user_columns(s.user),
    )
    .join(s.user, s.user.c.id == s.token.c.user_id)
    .where(s.token.c.hash == bindparam("token"), s.token.c.expires > bindparam("now"))
)


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token to keep. Times are in seconds since the epoch, ``address`` and ``client`` say from where it was asked."""

    hash: str
    user_id: str
    kind: str
    created: float
    expires: float
    ends: float | None = None
    address: str | None = None
    client: str | None = None
    name: str | None = None
    scopes: str | None = None


def add(conn: Connection, token: NewToken) -> None:
    """Keep the hash of a new token."""
    _INSERT.run(conn, **msgspec.structs.asdict(token), used=token.created)


class TokenFacts(msgspec.Struct):
    """What a token says: whose it is, of which kind, when it ends, when it was used, whether its user's name is
    still theirs, and the hash by which it is kept, None where it isn't."""

    user: User
    kind: str
    expires: float
    ends: float | None
    used: float
    holds_name: bool
    hash: str | None = None


def facts(conn: Connection, hash: str, now: float) -> TokenFacts | None:
    """What is known of a token; None if it is unknown or has ended."""
    row = _FACTS.first(conn, token=hash, now=now)
    if row is None:
        return None
    user = user_of(row, PLAIN)
    if row.scopes is not None:
        user = msgspec.structs.replace(user, scopes=msgspec.json.decode(row.scopes, type=frozenset[str]))
    return TokenFacts(user, row.kind, row.expires, row.ends, row.used or 0.0, row.name_key is not None, hash)


def touch(conn: Connection, hash: str, used: float, expires: float) -> None:
    """Note that a token was used, and let it live longer."""
    conn.execute(update(s.token).where(s.token.c.hash == hash).values(used=used, expires=expires))


def drop(
    conn: Connection,
    *,
    user_id: str | None = None,
    hash: str | None = None,
    but: str | None = None,
    kind: str | None = None,
    before: float | None = None,
) -> int:
    """Revoke one token, those of a user (``but`` one, or of one ``kind``), or those that ended before a time.

    How many there were.
    """
    statement = delete(s.token)
    for column, value in ((s.token.c.user_id, user_id), (s.token.c.hash, hash), (s.token.c.kind, kind)):
        if value is not None:
            statement = statement.where(column == value)
    if but is not None:
        statement = statement.where(s.token.c.hash != but)
    if before is not None:
        statement = statement.where(s.token.c.expires < before)
    return conn.execute(statement).rowcount


def of_user(conn: Connection, user_id: str, kind: str, now: float) -> list[KeptToken]:
    """The tokens of one kind that a user has, the one used last first."""
    query = select(*(s.token.c[name] for name in KeptToken.__struct_fields__)).where(
        s.token.c.user_id == user_id, s.token.c.kind == kind, s.token.c.expires > now
    )
    found = [KeptToken(*row) for row in conn.execute(query)]
    return sorted(found, key=lambda kept: (kept.used or 0.0, kept.hash), reverse=True)


def keep_newest(
    conn: Connection, user_id: str, kind: str, most: int, now: float, in_use: Collection[str]
) -> None:
    """End all but the ``most`` tokens of a kind that are ``in_use``, by their hashes, or were used last; a running
    server is told."""
    found = of_user(conn, user_id, kind, now)
    surplus = sorted(found, key=lambda kept: kept.hash not in in_use)[most:]
    for kept in surplus:
        drop(conn, hash=kept.hash)
    if surplus:
        add_signal(conn, user_id)


def is_link(conn: Connection, hash: str, kind: str, now: float) -> str | None:
    """Whose one-time link of this kind it is; None if it is unknown or out of date."""
    query = select(s.token.c.user_id).where(
        s.token.c.hash == hash, s.token.c.kind == kind, s.token.c.expires > now
    )
    return conn.execute(query).scalar()
