"""Whom users have blocked: queries and changes. Each takes a connection."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from ..model.values import User
from . import schema as s
from .rows import PLAIN, user_columns, user_of


def all_blocks(conn: Connection) -> dict[str, frozenset[str]]:
    """The ids of those whom each user has blocked, by the user's id."""
    found: dict[str, set[str]] = {}
    for row in conn.execute(select(s.user_block.c.user_id, s.user_block.c.blocked_id)):
        found.setdefault(row.user_id, set()).add(row.blocked_id)
    return {user_id: frozenset(blocked) for user_id, blocked in found.items()}


def blocked_by(conn: Connection, user_id: str) -> list[User]:
    """Those whom a user has blocked, by name."""
    query = (
        select(*user_columns(s.user))
        .join(s.user_block, s.user_block.c.blocked_id == s.user.c.id)
        .where(s.user_block.c.user_id == user_id)
        .order_by(s.user.c.name, s.user.c.id)
    )
    return [user_of(row, PLAIN) for row in conn.execute(query)]


def set_block(conn: Connection, user_id: str, blocked_id: str, on: bool, now: float) -> None:
    """Block a user, or no longer."""
    c = s.user_block.c
    conn.execute(delete(s.user_block).where(c.user_id == user_id, c.blocked_id == blocked_id))
    if on:
        conn.execute(insert(s.user_block).values(user_id=user_id, blocked_id=blocked_id, ts=now))
