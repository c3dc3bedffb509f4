"""Rooms and members as lists show them."""

from __future__ import annotations

from typing import Any

from ..delivery.presence import Presence
from ..model import names
from ..model.values import Member, RoomPosition, Status, User
from ..protocol import events as wire
from ..store import Store, room_lists
from .registry import RoomRegistry
from .room import LiveRoom
from .room_memory import RoomMemory

PUBLIC_LISTED = 100
DIRECTORY_PAGE = 50
ATTEMPTS = 3
"""How often the counts of a list are read again when they change meanwhile."""


class RoomLists:
    """Lists of rooms, and of a room's members. The caller checks whether the user may see them."""

    def __init__(self, rooms: RoomRegistry, store: Store, presence: Presence, members_page: int) -> None:
        self._rooms = rooms
        self._store = store
        self._presence = presence
        self._members_page = members_page

    async def of(self, user: User) -> room_lists.RoomList:
        """The rooms that a user is in, and public ones that the user could join."""
        for _ in range(ATTEMPTS):
            lists = await self._store.read(lambda conn: room_lists.room_list(conn, user.id, PUBLIC_LISTED))
            if not any(map(self._recounted, lists.mine)):
                break
        return lists

    async def directory(
        self, search: str, after: str | None, user: User
    ) -> tuple[list[dict[str, Any]], bool]:
        """A page of the public rooms whose name, title or topic has the text, by name, and whether there are more."""
        found = await self._store.read(
            lambda conn: room_lists.public_rooms(
                conn, user.id, search, names.room_key(after or ""), DIRECTORY_PAGE + 1
            )
        )
        return [self._fields(entry, None) for entry in found[:DIRECTORY_PAGE]], len(found) > DIRECTORY_PAGE

    def _recounted(self, entry: room_lists.Membership) -> bool:
        """Whether its counts changed while they were read. New messages are added by `fields`."""
        live = self._rooms.loaded(entry.room.name)
        return live is not None and live.recounted > entry.position.seq

    def fields(self, lists: room_lists.RoomList) -> list[dict[str, Any]]:
        """The rooms as ``welcome`` shows them, with the positions of now."""
        listed = (*lists.mine, *lists.public)
        return [self._fields(entry, lists.partners.get(entry.room.name)) for entry in listed]

    def _fields(self, entry: room_lists.Membership, other: User | None) -> dict[str, Any]:
        live = self._rooms.loaded(entry.room.name)
        position: RoomPosition = live.position if live is not None else entry.position
        newer = position.messages - entry.position.messages if entry.role is not None else 0
        return wire.room_fields(
            live.room if live is not None else entry.room,
            head=position.seq,
            role=entry.role,
            unread=entry.unread + newer,
            mentions=entry.mentions,
            read=entry.read,
            members=entry.members,
            floor=live.floor if live is not None else entry.floor,
            other=other,
            hidden=entry.hidden and not newer,
        )

    def members(
        self, live: LiveRoom, after: str | None = None
    ) -> tuple[list[tuple[Member, Status, str]], int, bool]:
        """A page of members with state and text, those who are here first; how many there are; and more or not.

        Guests who are gone are not listed: they may never come back.
        """
        here: list[tuple[Member, Status, str]] = []
        away: list[tuple[Member, Status, str]] = []
        with_guests = live.room.kind == "direct"
        for member in live.member_list.in_order:
            status, text = self._presence.status(member.user.id)
            if status != "offline":
                here.append((member, status, text))
            elif with_guests or member.user.role != "guest":
                away.append((member, status, text))
        listed = here + away
        start = 0
        if after is not None:
            start = next((i + 1 for i, line in enumerate(listed) if line[0].user.id == after), len(listed))
        return (
            listed[start : start + self._members_page],
            len(listed),
            start + self._members_page < len(listed),
        )


def listing(live: RoomMemory, user: User) -> dict[str, Any]:
    """The room as a user who just came in sees it."""
    member = live.members.get(user.id)
    return wire.room_fields(
        live.room,
        head=live.position.seq,
        role=member.role if member else None,
        read=live.position.seq,
        members=len(live.members),
        floor=live.floor,
        other=other_member(live, user),
    )


def other_member(live: RoomMemory, user: User) -> User | None:
    """The user whom a direct room is with; None for other rooms."""
    if live.room.kind != "direct":
        return None
    return next((member.user for id, member in live.members.items() if id != user.id), user)
