"""What users say of themselves: queries and changes. Each takes a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from ..model.people import Profile
from ..model.values import User
from . import schema as s
from .accounts import user_by_id
from .compiled_statement import upsert

_COLUMNS = Profile.__struct_fields__
_EMPTY = msgspec.structs.asdict(Profile())


def profiles(conn: Connection, user_id: str | None = None) -> dict[str, Profile]:
    """All profiles, or that of one user, by the user's id."""
    query = select(s.profile.c.user_id, *(s.profile.c[name] for name in _COLUMNS))
    if user_id is not None:
        query = query.where(s.profile.c.user_id == user_id)
    return {id: Profile(**dict(zip(_COLUMNS, values, strict=True))) for id, *values in conn.execute(query)}


def change_profile(conn: Connection, user_id: str, changes: Mapping[str, Any]) -> None:
    """Other values for some fields of a user's profile."""
    statement = upsert(conn.dialect, s.profile).values(user_id=user_id, **{**_EMPTY, **changes})
    conn.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=dict(changes)))


def set_avatar(conn: Connection, user: User, avatar: str | None) -> User:
    """Another picture for a user; the user as they are from then on."""
    conn.execute(update(s.user).where(s.user.c.id == user.id).values(avatar=avatar))
    return user_by_id(conn, user.id) or user


def reset_name(conn: Connection, user: User) -> User:
    """Show an account by its own name again."""
    values = {"display_name": s.user.c.name, "display_key": None}
    conn.execute(update(s.user).where(s.user.c.id == user.id).values(**values))
    return user_by_id(conn, user.id) or user
