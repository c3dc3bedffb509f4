"""Links with which people register: queries and changes. Each takes a connection."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from ..model.people import Invite
from . import schema as s
from .rows import pack


def _invite(row: Any) -> Invite:
    rooms = msgspec.json.decode(row.rooms, type=tuple[str, ...])
    return Invite(
        code=row.code,
        by_id=row.by_id,
        created=row.created,
        expires=row.expires,
        uses_left=row.uses_left,
        rooms=rooms,
    )


def add(conn: Connection, invite: Invite) -> None:
    """Keep a new one."""
    values = {**msgspec.structs.asdict(invite), "rooms": pack(invite.rooms)}
    conn.execute(insert(s.invite).values(**values))


def good(conn: Connection, code: str, now: float) -> Invite | None:
    """The invite of this code; None if it is unknown, used up or out of date."""
    query = select(s.invite).where(
        s.invite.c.code == code, s.invite.c.expires > now, s.invite.c.uses_left > 0
    )
    row = conn.execute(query).first()
    return _invite(row) if row is not None else None


def use(conn: Connection, code: str, now: float) -> bool:
    """Take one of its uses; False if there is none left."""
    some_left = s.invite.c.code == code, s.invite.c.expires > now, s.invite.c.uses_left > 0
    taken = update(s.invite).where(*some_left).values(uses_left=s.invite.c.uses_left - 1)
    return conn.execute(taken).rowcount > 0


def listed(conn: Connection, now: float, by_id: str | None = None) -> list[Invite]:
    """Those that can be used, or those of them that one user has made, the newest first."""
    query = select(s.invite).where(s.invite.c.expires > now, s.invite.c.uses_left > 0)
    if by_id is not None:
        query = query.where(s.invite.c.by_id == by_id)
    return [_invite(row) for row in conn.execute(query.order_by(s.invite.c.created.desc(), s.invite.c.code))]


def drop(conn: Connection, code: str, by_id: str | None = None) -> bool:
    """End one, of any user or of one; False if there is none."""
    statement = delete(s.invite).where(s.invite.c.code == code)
    if by_id is not None:
        statement = statement.where(s.invite.c.by_id == by_id)
    return conn.execute(statement).rowcount > 0


def forget(conn: Connection, now: float) -> None:
    """Drop what can't be used any more."""
    conn.execute(delete(s.invite).where((s.invite.c.expires < now) | (s.invite.c.uses_left <= 0)))
