"""The rows of rooms and their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ..model.values import Room, RoomRole, RoomSettings, User
from . import schema as s
from .rows import room_columns, room_of, settings_of

DEFAULTS = RoomSettings()
ALWAYS_TOLD = ("kind", "history")
"""Settings that the event of a new room names even if they are the usual ones."""


def insert_room(conn: Connection, room: Room) -> int:
    """Insert a room that is not there yet; returns its number."""
    values = {"name": room.name, "head": 0, "messages": 0, "version": 0}
    done = conn.execute(insert(s.room).values(**values, **room_columns(room)))
    number = done.inserted_primary_key
    assert number is not None
    return int(number[0])


def insert_members(conn: Connection, room_id: int, members: Sequence[tuple[User, RoomRole]]) -> None:
    """Insert the members that a new room has from its start."""
    if members:
        rows = [{"room_id": room_id, "user_id": user.id, "role": role, "since": 0} for user, role in members]
        conn.execute(insert(s.member), rows)


def change_settings(conn: Connection, room_id: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Write new values of settings; returns those that were different before."""
    where = s.room.c.id == room_id
    before = room_of(conn.execute(select(s.room).where(where)).one())
    changes = {key: value for key, value in settings.items() if getattr(before, key) != value}
    if changes:
        after = RoomSettings(**settings_of(before) | changes)
        conn.execute(update(s.room).where(where).values(**room_columns(after)))
    return changes


def told_settings(room: Room) -> dict[str, Any]:
    """The settings that the event of a new room names."""
    return {
        name: value
        for name, value in settings_of(room).items()
        if name in ALWAYS_TOLD or value != getattr(DEFAULTS, name)
    }
