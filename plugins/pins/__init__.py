"""Messages that a room keeps at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from chatserver import (
    Event,
    EventTransaction,
    Message,
    Plugin,
    Reject,
    RequestSpec,
    Transaction,
    User,
    command,
    hookimpl,
    settings,
)

LINES = 20
"""How many pins the command shows."""

MIGRATIONS = (
    """
    CREATE TABLE pins_pin (
        message_id VARCHAR(64) NOT NULL PRIMARY KEY, room VARCHAR(256) NOT NULL, seq BIGINT NOT NULL,
        user_id VARCHAR(64) NOT NULL, pinned BIGINT NOT NULL
    )
    """,
    "CREATE INDEX pins_pin_room ON pins_pin (room, pinned)",
)

_ADD = """
INSERT INTO pins_pin (message_id, room, seq, user_id, pinned)
SELECT :message_id, :room, :seq, :user_id, coalesce(max(pinned), 0) + 1 FROM pins_pin WHERE room = :room
"""
_REMOVE = "DELETE FROM pins_pin WHERE message_id = :message_id"


class Pin(msgspec.Struct):
    """The wire request ``pin``: ``on`` pins the message, and doesn't toggle."""

    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    on: bool = True


class Ask(msgspec.Struct):
    """The wire requests ``pins``, what is pinned in a room, and ``pins:ids``, the ids of that."""

    room: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Unchanged(Exception):
    """It is as it was asked to be already."""


class Pins(Plugin):
    """Pins messages, so that a room's members find them again."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        most: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
        """How many messages a room has pinned at most."""

    @hookimpl
    def register_permissions(self):
        return {"pins.pin": "member"}

    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("pin", Pin, self.pin, bare=True),
            RequestSpec("pins", Ask, self.answer, bare=True),
            RequestSpec("ids", Ask, self.ids),
        ]

    @hookimpl
    def register_events(self):
        return ["pinned"]

    @hookimpl(events=("deleted",))
    def in_commit(self, tx: Transaction, events: Sequence[Event]):
        for event in events:
            tx.execute(_REMOVE, message_id=event.message_id)

    async def pin(self, ctx, fields: Pin) -> dict[str, Any]:
        message = await self.chat.message_for(ctx.user, fields.message_id)
        if not await self.chat.may(ctx.user, "pins.pin", await self.chat.room(message.room)):
            raise Reject("You may not pin messages here.", "forbidden")

        def write(tx: EventTransaction) -> None:
            now = tx.message(message.id)
            if now is None:
                raise Reject("There is no such message.", "not_found", field="message_id")
            self.write(tx, now, ctx.user, fields.on)

        try:
            event = await self.chat.append(
                message.room, "pinned", {"on": fields.on}, user=ctx.user, also=write, as_message=True
            )
        except Unchanged:
            return {}
        return {"seq": event.seq}

    def write(self, tx: EventTransaction, message: Message, user: User, on: bool) -> None:
        """Pin a message, or take the pin out. Raises `Unchanged`, and `Reject` ``invalid`` for one too many."""
        there = tx.execute("SELECT 1 FROM pins_pin WHERE message_id = :message_id", message_id=message.id)
        if bool(there) == on:
            raise Unchanged
        if not on:
            tx.execute(_REMOVE, message_id=message.id)
            tx.annotate(message.id, None)
            return
        count = tx.execute("SELECT count(*) AS n FROM pins_pin WHERE room = :room", room=message.room)[0]["n"]
        if count >= self.settings.most:
            raise Reject(
                f"A room has {self.settings.most} pinned messages at most.", "invalid", field="message_id"
            )
        tx.execute(_ADD, message_id=message.id, room=message.room, seq=message.seq, user_id=user.id)
        tx.annotate(message.id, {"by": user.id, "name": user.display_name or user.name})

    @hookimpl
    async def erase_user(self, user: User, alias: str):
        rows = await self.db.query("SELECT message_id, room FROM pins_pin WHERE user_id = :id", id=user.id)
        named = {"by": user.id, "name": alias}
        for row in rows:

            def write(tx: EventTransaction, message_id: str = row["message_id"]) -> None:
                if tx.message(message_id) is not None:
                    tx.annotate(message_id, named)

            await self.chat.append(row["room"], "pinned", {"on": True}, also=write)

    async def answer(self, ctx, fields: Ask) -> dict[str, Any]:
        events = await self.pinned(ctx.user, fields.room)
        return {"messages": [self.chat.wire(event) for event in events]}

    async def ids(self, ctx, fields: Ask) -> dict[str, Any]:
        room, places = await self.places(ctx.user, fields.room)
        readable = [id for seq, id in places if await self.chat.may_read(room, user=ctx.user, seq=seq)]
        return {"message_ids": readable}

    @command(examples=["/pins"])
    async def pins(self, ctx):
        """Show what is pinned in this room."""
        room = ctx.here()
        found = [each.message for each in await self.pinned(ctx.user, room.name) if each.message is not None]
        lines = [f"{each.user.name}: {' '.join(each.content.split())[:200]}" for each in found[:LINES]]
        return "\n".join([*lines, *(["…"] if len(found) > LINES else [])]) or "Nothing is pinned here."

    async def pinned(self, user: User, room: str) -> list[Event]:
        """The pinned messages of a room that the user may read, the last one pinned first. Raises `Reject`."""
        name, places = await self.places(user, room)
        found = []
        for seq, _ in places:
            events, _ = await self.chat.events(name, user=user, before=seq + 1, limit=1)
            found += [each for each in events if each.seq == seq]
        return found

    async def places(self, user: User, room: str) -> tuple[str, list[tuple[int, str]]]:
        """A room's name, and seq and id of each message pinned in it, the last one first. Raises `Reject`."""
        if not await self.chat.may_read(room, user=user):
            raise Reject(f"There is no room {room!r}.", "not_found", field="room")
        name = (await self.chat.room(room)).name
        rows = await self.db.query(
            "SELECT seq, message_id FROM pins_pin WHERE room = :room ORDER BY pinned DESC", room=name
        )
        return name, [(row["seq"], row["message_id"]) for row in rows]
