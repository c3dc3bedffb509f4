"""The rows of mutes and bans of the whole server, and of addresses from which no new guests come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, or_, select

from ..model.values import User
from . import schema as s
from .rows import BY, user_columns, user_of

SERVER = 0
"""In the place of a room's number."""


class Sanction(msgspec.Struct, frozen=True):
    """A mute or ban: ``until`` 0 is until lifted."""

    user: User
    by: User
    reason: str
    until: float


class Known(msgspec.Struct, frozen=True):
    """What a server keeps in memory of them: until when, in seconds since the epoch, 0 for no end."""

    mutes: dict[str, float]
    bans: dict[str, float]
    addresses: dict[str, float]


def known(conn: Connection, now: float) -> Known:
    """All that are in force."""
    c = s.sanction.c
    found = conn.execute(select(c.user_id, c.kind, c.until).where(c.room_id == SERVER, _lasts(c.until, now)))
    by_kind: dict[str, dict[str, float]] = {"mute": {}, "ban": {}}
    for row in found:
        by_kind[row.kind][row.user_id] = row.until
    a = s.address_ban.c
    addresses = conn.execute(select(a.network, a.until).where(_lasts(a.until, now)))
    return Known(by_kind["mute"], by_kind["ban"], {row.network: row.until for row in addresses})


def impose(
    conn: Connection, kind: str, sanction: Sanction, networks: Sequence[str], network_until: float
) -> None:
    """Write one, in the place of an earlier one of this kind, and for a ban the networks of a guest."""
    lift(conn, kind, sanction.user.id)
    values = {"user_id": sanction.user.id, "by_id": sanction.by.id}
    conn.execute(
        insert(s.sanction).values(
            room_id=SERVER, kind=kind, reason=sanction.reason, until=sanction.until, **values
        )
    )
    for network in networks:
        conn.execute(delete(s.address_ban).where(s.address_ban.c.network == network))
        conn.execute(insert(s.address_ban).values(network=network, until=network_until, **values))


def lift(conn: Connection, kind: str, user_id: str) -> bool:
    """Take one away, a ban with its networks. Returns whether there was one."""
    c = s.sanction.c
    if kind == "ban":
        conn.execute(delete(s.address_ban).where(s.address_ban.c.user_id == user_id))
    where = c.room_id == SERVER, c.user_id == user_id, c.kind == kind
    return conn.execute(delete(s.sanction).where(*where)).rowcount > 0


def listed(conn: Connection, kind: str, now: float, room_id: int = SERVER) -> list[Sanction]:
    """Those in force, by name."""
    c, by = s.sanction.c, s.user.alias("by")
    query = (
        select(*user_columns(s.user, "user_"), *user_columns(by, "by_"), c.reason, c.until)
        .join(s.user, s.user.c.id == c.user_id)
        .join(by, by.c.id == c.by_id)
        .where(c.room_id == room_id, c.kind == kind, _lasts(c.until, now))
        .order_by(s.user.c.name)
    )
    return [Sanction(user_of(r), user_of(r, BY), r.reason, r.until) for r in conn.execute(query)]


def addresses_of(conn: Connection, user_id: str) -> list[str]:
    """From where a user's sessions were begun."""
    where = s.token.c.user_id == user_id, s.token.c.address.is_not(None)
    return list(conn.execute(select(s.token.c.address).where(*where).distinct()).scalars())


def _lasts(until: Any, now: float) -> Any:
    return or_(until == 0, until > now)
