"""Kick, mute, ban, and their undoing, each in the room's own order: nothing of theirs follows the event."""

from __future__ import annotations

from collections.abc import Callable

from ..accounts.sanctions import Kind
from ..model import errors, names
from ..model.audit import entry
from ..model.errors import Close, Reject
from ..model.values import User
from ..plugins.moderation_api import Ban
from ..store import Store, audit
from ..store import changes as log
from ..store import queries as reading
from ..store.sanctions import Sanction
from .access import Access
from .registry import RoomRegistry
from .room import LiveRoom

REASON_CHARS = 500
CLOSE_BYTES = 120


class Moderation:
    """The use cases of moderation. The caller checks permissions; rank is checked here. Refusals are `Reject`."""

    def __init__(
        self,
        rooms: RoomRegistry,
        store: Store,
        access: Access,
        is_here: Callable[[str], bool],
        close: Callable[[str, Close, str], None],
        clock: Callable[[], float],
    ) -> None:
        self._is_here = is_here
        self._close = close
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
        live.require_not_banned(by)
        self._access.sanctions.refuse_banned(by)
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

    # The whole server

    def _require_above(self, by: User, target: User) -> None:
        if by.id == target.id:
            raise Reject("You can't do this to yourself.", "invalid", field="user")
        self._access.sanctions.refuse_banned(by)
        if not self._access.permissions.outranks(by, target):
            raise Reject(f"You can't do this to {target.name}.", "forbidden", field="user")

    async def server_kick(self, target: User, *, by: User, reason: str) -> None:
        """End all connections of a user; their clients don't come back by themselves."""
        self._require_above(by, target)
        if not self._is_here(target.id):
            raise Reject(f"{target.name} is not here.", "not_found", field="user")
        reason = _clean(reason)
        noted = entry("kicked", self._clock(), by=by, target=target, reason=reason, detail="server")
        await self._store.write(lambda conn: audit.record(conn, noted))
        self._close(target.id, Close.KICKED, _closing(Close.KICKED, reason))

    async def server_mute(self, target: User, *, by: User, minutes: float, reason: str) -> None:
        """Let a user read, not write, in all rooms."""
        self._require_above(by, target)
        sanction = Sanction(target, by, _clean(reason), self._until(minutes))
        await self._access.sanctions.impose("mute", sanction, 0)

    async def server_ban(
        self, target: User, *, by: User, minutes: float, reason: str, address_minutes: float
    ) -> None:
        """Keep a user out of the server; from a guest's addresses no new guests come for ``address_minutes``."""
        self._require_above(by, target)
        sanction = Sanction(target, by, _clean(reason), self._until(minutes))
        await self._access.sanctions.impose("ban", sanction, address_minutes * 60)
        self._close(target.id, Close.BANNED, _closing(Close.BANNED, sanction.reason))

    async def server_lift(self, kind: Kind, target: User, *, by: User) -> None:
        """Take a mute or ban of the server away."""
        self._require_above(by, target)
        await self._access.sanctions.lift(kind, target, by)

    async def server_listed(self, kind: Kind) -> list[Ban]:
        """The mutes or bans of the server in force."""
        found = await self._access.sanctions.listed(kind)
        return [Ban(each.user, each.by, each.reason, each.until) for each in found]

    async def bans(self, room: str) -> list[Ban]:
        """The bans in force. Raises `Reject` ``not_found``."""
        name, now = (await self._rooms.get(room)).room.name, self._clock()
        rows = await self._store.read(lambda conn: reading.bans(conn, name, now))
        return [Ban(*row) for row in rows]


def _closing(code: Close, reason: str) -> str:
    """The reason of a close frame, which has 123 bytes at most (RFC 6455, section 5.5)."""
    text = f"{code.reason}: {reason}" if reason else code.reason
    return text.encode()[:CLOSE_BYTES].decode(errors="ignore")


def _clean(reason: str) -> str:
    return names.one_line(reason, REASON_CHARS, "reason")
