"""The use cases of rooms: making, changing, joining, leaving, inviting."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from inspect import isawaitable
from types import MappingProxyType
from typing import Any

from msgspec.structs import asdict

from ..config import RoomConfig
from ..model import errors, names
from ..model.confusables import confusable_key
from ..model.errors import Reject
from ..model.ids import SYSTEM_ID
from ..model.permissions import in_scope
from ..model.values import Room, RoomRole, User
from ..plugins.host import PluginHost
from ..store import Committed, Store
from ..store import accounts as people
from ..store import changes as log
from ..store import queries as reading
from .access import Access
from .consent import Consent
from .registry import RoomRegistry
from .room import LiveRoom
from .room_limits import RoomLimits
from .room_settings import changed_settings, new_settings

_OF_THEIR_OWN: Mapping[str, str] = MappingProxyType(
    {"keep_days": "room.retention", "permissions": "room.permissions"}
)
"""Settings of a room that have a permission of their own."""
_STEPS: Mapping[RoomRole, int] = MappingProxyType({"member": 0, "moderator": 1, "owner": 2})

SYSTEM = User(SYSTEM_ID, "system", "system", "member")
"""The user in whose name the server itself acts; signing in as it is impossible."""


class RoomService:
    """The use cases of rooms. Refusals are raised as `Reject`."""

    def __init__(
        self,
        rooms: RoomRegistry,
        store: Store,
        access: Access,
        plugins: PluginHost,
        limits: RoomLimits,
        consent: Consent,
    ) -> None:
        self._consent = consent
        self._limits = limits
        self._rooms = rooms
        self._store = store
        self._access = access
        self._plugins = plugins

    async def readable(self, user: User, name: str) -> LiveRoom:
        """A room that ``user`` may read."""
        live = await self._rooms.get(name)
        self._access.require_readable(user, live)
        return live

    async def create(self, by: User, name: str, settings: Mapping[str, Any]) -> LiveRoom:
        """A new room, with ``by`` as its owner. ``settings`` are those of `RoomSettings`, by name."""
        self._access.sanctions.refuse_sanctioned(by)
        await self._access.require(by, "room.create")
        room = Room(names.room_name(name), **asdict(new_settings(settings)))
        if room.kind not in ("public", "private"):
            raise Reject("A room is public or private.", "invalid", field="kind")
        for kind, text in (("room", room.name), ("title", room.title), ("topic", room.topic)):
            await self._plugins.check_text(by, kind, text, room)
        await self._access.check_overrides(by, room.permissions, None)
        self._limits.take("room", by)
        live, _ = await self._rooms.create(log.CreateRoom(by, room, ((by, "owner"),)))
        return live

    async def make_missing(self, wanted: Sequence[RoomConfig]) -> None:
        """Make those of the settings' rooms that aren't there yet. They have no owner."""
        named = {room.name: room for room in wanted}
        missing = await self._store.read(lambda conn: reading.missing_names(conn, list(named)))
        if not missing:
            return
        key = confusable_key(SYSTEM.name)
        await self._store.write(lambda conn: people.ensure_user(conn, SYSTEM, key, time.time()))
        for name in missing:
            config = named[name]
            room = Room(**asdict(config))
            try:
                await self._rooms.create(log.CreateRoom(SYSTEM, room))
            except Reject as taken:
                # By another server, which starts as well.
                if taken.code != "name_taken":
                    raise

    async def change(self, by: User, name: str, settings: Mapping[str, Any]) -> LiveRoom:
        """New values for some of the settings of `RoomChange`, by name; None leaves a value alone."""
        live = await self.readable(by, name)
        if live.room.kind == "direct":
            raise errors.direct_room("can't be changed")
        changed = changed_settings(settings)
        only_topic = set(changed) <= {"topic"}
        if only_topic and by.id not in live.members:
            raise errors.not_in_room(live.room)
        live.require_not_muted(by)
        for name, permission in _OF_THEIR_OWN.items():
            if name in changed:
                await self._access.require(by, permission, live)
        if set(changed) - set(_OF_THEIR_OWN) or not changed:
            await self._access.require(by, "room.topic" if only_topic else "room.change", live)
        await self._access.check_overrides(by, changed.get("permissions", {}), live)
        for kind in ("title", "topic"):
            await self._plugins.check_text(by, kind, changed.get(kind, ""), live.room)
        await live.append(log.ChangeRoom(by, changed))
        return live

    async def join(self, user: User, name: str) -> LiveRoom:
        """Become a member of a public room, or, where permitted, of a private one. Nothing changes for one who is."""
        live = await self._rooms.get(name)
        if user.id in live.members:
            return live
        may_enter = await self._access.may(user, "room.join_private", live)
        if live.room.kind != "private" or not may_enter:
            self._access.require_readable(user, live)
        if live.room.archived:
            raise errors.archived()
        await self._access.require(user, "room.join", live)
        if self._plugins.current.hooks.has("before_join"):
            allowed = self._plugins.current.hooks.filter("before_join", user, live.room)
            if isawaitable(allowed):
                await allowed
        await live.append(log.ChangeMember(user, user, "joined"))
        return live

    async def leave(self, user: User, name: str) -> None:
        """Stop being a member. No role lacks this; a token has to be good for joining."""
        live = await self._rooms.get(name)
        if user.id not in live.members:
            raise errors.not_in_room(live.room)
        if not in_scope(user, "room.join"):
            raise errors.forbidden("room.join")
        if live.room.kind == "direct":
            raise errors.direct_room("can't be left")
        if live.is_last_owner(user):
            raise errors.last_owner(live.room.name)
        await live.append(log.ChangeMember(user, user, "left"))

    async def invitable(self, by: User, name: str) -> LiveRoom:
        """The room, if ``by`` may add users to it."""
        live = await self._rooms.get(name)
        if by.id not in live.members:
            raise errors.not_in_room(live.room)
        if live.room.kind == "direct":
            raise errors.direct_room("is for two")
        live.require_not_muted(by)
        await self._access.require(by, "room.invite", live)
        return live

    async def invite(self, by: User, name: str, target: User) -> bool:
        """Add a user to a room, or, where the user wants that, ask them; whether they were added, or are in it."""
        live = await self.invitable(by, name)
        _require_reader(target, "user")
        if live.banned(target):
            raise Reject(f"{target.name} is banned from this room.", "banned", field="user")
        if target.id in live.members:
            return True
        if target.role == "guest" and not live.room.guests:
            raise errors.no_guests()
        asks = await self._consent.needed(by, target)
        self._limits.take("invitation", by)
        if self._plugins.current.hooks.has("before_invite"):
            allowed = self._plugins.current.hooks.filter("before_invite", target, live.room, by)
            if isawaitable(allowed):
                await allowed
        if asks:
            await self._consent.ask(by, live.room, target)
        else:
            await live.append(log.ChangeMember(by, target, "added"))
        return not asks

    async def answer(self, user: User, name: str, accept: bool) -> None:
        """Accept an invitation, as if the one who asked added the user now, or refuse it. Raises `Reject` ``not_found``
        where there is none, or the one who asked may not add users there any more."""
        if not in_scope(user, "room.join"):
            raise errors.forbidden("room.join")
        by = await self._consent.take(user, names.room_key(name))
        if not accept:
            return
        try:
            live = await self.invitable(by, name)
        except Reject as refusal:
            raise Reject("This invitation is good no more.", "not_found", field="room") from refusal
        if user.id not in live.members:
            await live.append(log.ChangeMember(by, user, "added"))

    async def hide(self, user: User, name: str, on: bool) -> None:
        """Take a direct room out of the user's list until its next message, or show it again."""
        live = await self._rooms.get(name)
        if user.id not in live.members:
            raise errors.not_in_room(live.room)
        if live.room.kind != "direct":
            raise Reject("A conversation of two can be hidden. Leave other rooms.", "invalid", field="room")
        await self._consent.hide(user, live.room.name, on)

    async def remove(self, by: User, name: str, target: User) -> None:
        """Take a member out of a room."""
        live = await self._rooms.get(name)
        if by.id not in live.members and live.room.kind != "public":
            raise errors.no_room(live.room.name)
        if live.room.kind == "direct":
            raise errors.direct_room("is for two")
        live.require_not_banned(by)
        await self._access.require(by, "room.remove", live)
        self._access.require_rank(by, target, live)
        if target.id not in live.members:
            raise errors.not_a_member(target)
        await live.append(log.ChangeMember(by, target, "removed"))

    async def set_role(self, by: User, name: str, target: User, role: RoomRole) -> int:
        """Give a member another role in the room; the ``seq`` of the event, 0 where nothing changed.

        An owner hands the room over by making another member an owner, and may step down then.
        """
        live = await self.readable(by, name)
        if live.room.kind == "direct":
            raise errors.direct_room("is for two")
        live.require_not_banned(by)
        if by.id != target.id:
            await self._access.require(by, "room.roles", live)
            self._access.require_rank(by, target, live)
        member = live.members.get(target.id)
        if member is None:
            raise errors.not_a_member(target)
        if by.id == target.id and _STEPS[role] > _STEPS[member.role]:
            await self._access.require(by, "room.roles", live)
        if role == "owner" and target.role == "guest":
            raise Reject("A guest can't own a room.", "invalid", field="role")
        done = await live.append(log.ChangeMember(by, target, "role", role=role))
        return done.event.seq if done.event is not None else 0

    async def direct(self, user: User, other: User, *then: log.Change) -> tuple[LiveRoom, Committed | None]:
        """The direct room of two people. A new one gets the entries ``then`` in the transaction that makes it, and
        the second value says what became of the last; for a room that was there already it is None."""
        room = direct_room(user, other)
        try:
            return await self._rooms.get(room.name), None
        except Reject as missing:
            if missing.code != "not_found":
                raise
        await self._access.require(user, "direct.start")
        self._limits.take("direct", user)
        members: tuple[tuple[User, RoomRole], ...] = ((user, "member"), (other, "member"))
        try:
            return await self._rooms.create(log.CreateRoom(user, room, members), *then)
        except Reject as taken:
            if taken.code != "name_taken":
                raise
            return await self._rooms.get(room.name), None

    async def direct_to_be(self, user: User, other: User) -> Room:
        """The direct room of two people, or the one that a first message would make. Raises `Reject` as it would."""
        room = direct_room(user, other)
        try:
            return (await self._rooms.get(room.name)).room
        except Reject as missing:
            if missing.code != "not_found":
                raise
        self._access.blocks.refuse(user, other.id, "to")
        await self._access.require(user, "message.post")
        await self._access.require(user, "direct.start")
        return room


def _require_reader(user: User, field: str) -> None:
    """Raises `Reject` for the user that the server's own doings are put down to."""
    if user.id == SYSTEM_ID:
        raise Reject("system takes no messages.", "invalid", field=field)


def direct_room(user: User, other: User) -> Room:
    """The direct room of two people, there or not. Raises `Reject` ``invalid`` for one person alone."""
    if user.id == other.id:
        raise Reject("You can't write to yourself.", "invalid", field="to")
    _require_reader(other, "to")
    return Room("dm:" + "+".join(sorted((user.id, other.id))), kind="direct")
