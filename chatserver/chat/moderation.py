"""Kick, mute, ban, and their undoing, each in the room's own order: nothing of theirs follows the event."""

from __future__ import annotations

from collections.abc import Callable

from ..model import errors, names
from ..model.errors import Reject
from ..model.values import User
from ..plugins.api import Ban
from ..store import Store
from ..store import changes as log
from ..store import queries as reading
from .access import Access
from .registry import RoomRegistry
from .room import LiveRoom

REASON_CHARS = 500


class Moderation:
    """The use cases of moderation. The caller checks permissions; rank is checked here. Refusals are `Reject`."""

    def __init__(self, rooms: RoomRegistry, store: Store, access: Access, clock: Callable[[], float]) -> None:
        self._rooms = rooms
        self._store = store
        self._access = access
        self._clock = clock

    async def _live(self, name: str, by: User, target: User) -> LiveRoom:
        live = await self._rooms.get(name)
        if live.room.kind != "public" and by.id not in live.members:
            raise errors.no_room(live.room.name)
        if live.room.kind == "direct":
            raise errors.direct_room("has no moderation")
        if by.id == target.id:
            raise Reject("You can't do this to yourself.", "invalid", field="user")
        self._access.require_rank(by, target, live)
        return live

    def _until(self, minutes: float) -> float:
        if not 0 <= minutes <= 5_256_000:
            raise Reject("Minutes are 0 (until lifted) to 5256000 (ten years).", "invalid", field="minutes")
        return self._clock() + minutes * 60 if minutes else 0.0

    async def kick(self, room: str, target: User, *, by: User, minutes: float, reason: str) -> None:
        """Remove a member; with ``minutes`` the user can't come back before that."""
        live = await self._live(room, by, target)
        if target.id not in live.members:
            raise errors.not_a_member(target)
        await live.append(log.ChangeMember(by, target, "kicked", _clean(reason), self._until(minutes)))

    async def mute(self, room: str, target: User, *, by: User, minutes: float, reason: str) -> None:
        """Let a user read, not write."""
        live = await self._live(room, by, target)
        await live.append(log.ChangeMember(by, target, "muted", _clean(reason), self._until(minutes)))

    async def unmute(self, room: str, target: User, *, by: User) -> None:
        """Let a muted user write again."""
        live = await self._live(room, by, target)
        if target.id not in live.mutes:
            raise Reject(f"{target.name} is not muted here.", "not_found", field="user")
        await live.append(log.ChangeMember(by, target, "unmuted"))

    async def ban(self, room: str, target: User, *, by: User, minutes: float, reason: str) -> None:
        """Remove a user and keep them out."""
        live = await self._live(room, by, target)
        await live.append(log.ChangeMember(by, target, "banned", _clean(reason), self._until(minutes)))

    async def unban(self, room: str, target: User, *, by: User) -> None:
        """Let a banned user come in again."""
        live = await self._live(room, by, target)
        if target.id not in live.bans:
            raise Reject(f"{target.name} is not banned here.", "not_found", field="user")
        await live.append(log.ChangeMember(by, target, "unbanned"))

    async def bans(self, room: str) -> list[Ban]:
        """The bans in force. Raises `Reject` ``not_found``."""
        name, now = (await self._rooms.get(room)).room.name, self._clock()
        rows = await self._store.read(lambda conn: reading.bans(conn, name, now))
        return [Ban(*row) for row in rows]


def _clean(reason: str) -> str:
    return names.one_line(reason, REASON_CHARS, "reason")
