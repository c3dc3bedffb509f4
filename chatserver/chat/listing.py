"""A room in memory as one user's list of rooms shows it."""

from __future__ import annotations

from typing import Any

from ..model.values import User
from ..protocol import events as wire
from .room_memory import RoomMemory


def listing(live: RoomMemory, user: User) -> dict[str, Any]:
    """The room as a user who just came in sees it."""
    member = live.members.get(user.id)
    return wire.room_fields(
        live.room,
        head=live.position.seq,
        role=member.role if member else None,
        read=live.position.seq,
        members=len(live.members),
        other=other_member(live, user),
    )


def other_member(live: RoomMemory, user: User) -> User | None:
    """The user whom a direct room is with; None for other rooms."""
    if live.room.kind != "direct":
        return None
    return next((member.user for id, member in live.members.items() if id != user.id), user)
