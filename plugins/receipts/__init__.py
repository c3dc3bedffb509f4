"""Read receipts: who has read how far, in small rooms, of those who let it be seen."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec

from chatserver import Plugin, Reject, RequestSpec, Room, User, command, hookimpl, settings

from .hidden import MIGRATION, Hidden

MIGRATIONS = (
    "CREATE TABLE receipts_off (kind VARCHAR(8) NOT NULL, name VARCHAR(256) NOT NULL, PRIMARY KEY (kind, name))",
    MIGRATION,
)
_OFF = "INSERT INTO receipts_off (kind, name) VALUES (:kind, :name) ON CONFLICT (kind, name) DO NOTHING"
_ON = "DELETE FROM receipts_off WHERE kind = :kind AND name = :name"
MERGE_SECONDS = 1.0
"""What is read within it is told at once."""

RoomName = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Ask(msgspec.Struct):
    """The wire request ``receipts``: who has read the message at ``seq``; without it, how far all have read."""

    room: RoomName
    seq: Annotated[int, msgspec.Meta(ge=0)] = 0


class Show(msgspec.Struct):
    """The wire request ``receipts:show``: whether others see how far the user has read."""

    on: bool | None = None


class ShowRoom(msgspec.Struct):
    """The wire request ``receipts:room``: whether a room shows who has read."""

    room: RoomName
    on: bool


class Receipts(Plugin):
    """Shows who has read what, in small rooms."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        most: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 30
        """Rooms with more members don't show who has read."""

    @hookimpl
    async def startup(self):
        self.off: dict[str, set[str]] = {"user": set(), "room": set()}
        for row in await self.db.query("SELECT kind, name FROM receipts_off"):
            self.off[row["kind"]].add(row["name"])
        self.hidden = Hidden(self.db)
        await self.hidden.load()
        self.moved: dict[tuple[str, str], tuple[User, int]] = {}

    @hookimpl
    def register_permissions(self):
        return {"receipts.room": "moderator"}

    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("receipts", Ask, self.answer, bare=True),
            RequestSpec("show", Show, self.answer_show),
            RequestSpec("room", ShowRoom, self.answer_room),
        ]

    @hookimpl
    async def after_read(self, user: User, room: Room, seq: int):
        if self.is_off(user, room.name) or user.bot:
            return
        if self.chat.status(user) == "offline":
            # One that is invisible would be seen by it.
            await self.hidden.unseen(room.name, user.id)
            return
        await self.hidden.seen(room.name, user.id, seq)
        if not self.moved:
            self.spawn(self.tell())
        self.moved[room.name, user.id] = user, seq

    @hookimpl
    async def erase_user(self, user: User):
        await self.db.execute(_ON, kind="user", name=user.id)
        self.off["user"].discard(user.id)

    @hookimpl
    def own_data(self, user: User):
        return [{"type": "shown", "on": user.id not in self.off["user"]}]

    def is_off(self, user: User, room: str) -> bool:
        return user.id in self.off["user"] or room in self.off["room"]

    async def tell(self) -> None:
        """Tell of all that was read lately, of each user once in each room."""
        await asyncio.sleep(MERGE_SECONDS)
        moved, self.moved = self.moved, {}
        for (room, _), (user, seq) in moved.items():
            try:
                members = await self.chat.members(room)
            except Reject:
                continue
            inside = any(each.user.id == user.id for each in members)
            if inside and len(members) <= self.settings.most and not self.is_off(user, room):
                self.chat.publish(room, "read", {"user": user.public(), "seq": seq})

    async def answer(self, ctx, fields: Ask) -> dict[str, Any]:
        room = await self.room_of(ctx.user, fields.room)
        members = await self.chat.members(room)
        if room.name in self.off["room"] or len(members) > self.settings.most:
            raise Reject("This room doesn't show who has read.", "forbidden", field="room")
        marks = await self.chat.read_marks(room)
        readers = []
        for member in members:
            user, seq = member.user, marks.get(member.user.id, 0)
            if self.chat.status(user) == "offline":
                seq = self.hidden.shown(room.name, user.id, seq)
            # Who came later has read only what came after.
            came = member.since if room.kind != "direct" else 0
            hidden = user.bot or user.id == ctx.user.id or user.id in self.off["user"]
            if not hidden and seq > came and seq >= fields.seq > (came if fields.seq else -1):
                readers.append({"user": user.public(), "seq": seq})
        return {"readers": sorted(readers, key=lambda each: -each["seq"])}

    async def room_of(self, user: User, name: str) -> Room:
        """A room that a user is in. Raises `Reject` ``not_found`` and ``not_member``."""
        if not await self.chat.may_read(name, user=user):
            raise Reject(f"There is no room {name[:64]!r}.", "not_found", field="room")
        room = await self.chat.room(name)
        if not any(each.user.id == user.id for each in await self.chat.members(room)):
            raise Reject("You are not in this room.", "not_member", field="room")
        return room

    async def answer_show(self, ctx, fields: Show) -> dict[str, Any]:
        if fields.on is not None:
            await self.set_user(ctx.user, fields.on)
        return {"on": ctx.user.id not in self.off["user"]}

    async def set_user(self, user: User, on: bool) -> None:
        await self.set("user", user.id, on)
        self.chat.publish_to(user, "shown", {"on": on})
        for room in [] if on else await self.chat.rooms(user=user):
            if self.here(room):
                self.chat.publish(room, "kept", {"user": user.public()})

    async def answer_room(self, ctx, fields: ShowRoom) -> dict[str, Any]:
        await self.set_room(ctx.user, await self.room_of(ctx.user, fields.room), fields.on)
        return {}

    async def set_room(self, user: User, room: Room, on: bool) -> None:
        if not await self.chat.may(user, "receipts.room", room):
            raise Reject("Only moderators change what a room shows.", "forbidden")
        await self.set("room", room.name, on)
        self.chat.publish(room, "room", {"on": on})

    async def set(self, kind: str, name: str, on: bool) -> None:
        await self.db.execute(_ON if on else _OFF, kind=kind, name=name)
        (self.off[kind].discard if on else self.off[kind].add)(name)

    @command(examples=["/receipts on"])
    async def receipts(self, ctx, on: Annotated[bool, "on or off"]):
        """Let others see how far you have read, or not."""
        await self.set_user(ctx.user, on)
        return "Others see how far you have read." if on else "Others don't see how far you have read."

    @command("receipts room", permission="receipts.room", examples=["/receipts room on"])
    async def receipts_room(self, ctx, on: Annotated[bool, "on or off"]):
        """Let this room show who has read what, or not."""
        room = ctx.here()
        await self.set_room(ctx.user, room, on)
        return "This room shows who has read." if on else "This room doesn't show who has read."
