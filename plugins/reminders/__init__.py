"""Reminders, and messages that are sent later."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from chatserver import Plugin, Reject, RequestSpec, User, command, hookimpl, job, settings

from .table import ALL, DONE, DROP, FORGET, MIGRATIONS, OF_USER, ONE, PUT_ZONE, ZONE, add
from .times import check, parse

TEXT_CHARS = 2000
QUOTE_CHARS = 300
TRIED_AGAIN = ("unavailable", "rate_limited", "plugin_failed", "internal")
"""Refusals after which the same may work a moment later."""

Kind = Literal["reminder", "message"]


class Add(msgspec.Struct):
    """The wire request ``reminders:add``: a reminder, by a text or of a message, or a message that is sent later."""

    kind: Kind
    at: Annotated[float, msgspec.Meta(ge=0, le=1e11)]
    text: Annotated[str, msgspec.Meta(max_length=TEXT_CHARS)] = ""
    room: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class Cancel(msgspec.Struct):
    """The wire request ``reminders:cancel``."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = msgspec.field(name="reminder")


class Zone(msgspec.Struct):
    """The wire request ``reminders:zone``: the user's time zone, such as ``Europe/Berlin``."""

    zone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Empty(msgspec.Struct):
    """The wire request ``reminders``: what the user has planned."""


class Reminders(Plugin):
    """Reminds people of what they asked for, and sends later what they wrote now."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        most: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
        """How much one user may have planned."""

    @hookimpl
    async def startup(self):
        # What was planned is there still, unless the server died between the row and its plan.
        for row in await self.db.query(ALL):
            await self.at(row["due"], "fire", row["id"], id=row["id"])

    @hookimpl
    def register_permissions(self):
        return {"reminders.use": "guest"}

    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("reminders", Empty, self.answer, bare=True),
            RequestSpec("add", Add, self.answer_add),
            RequestSpec("cancel", Cancel, self.answer_cancel),
            RequestSpec("zone", Zone, self.answer_zone),
        ]

    # Planning

    @command(
        permission="reminders.use",
        examples=["/remind me in 2h take the cake out", "/remind me tomorrow 9:00 call Bob"],
    )
    async def remind(self, ctx, who: Annotated[str, "me"], *, text: Annotated[str, "when, and of what"]):
        """Have yourself reminded."""
        if who.lower() != "me":
            raise Reject(
                "You can have yourself reminded: /remind me … Others read what you write /later.",
                "invalid",
                field="who",
            )
        zone = await self.zone_of(ctx.user)
        due, rest = parse(text, self.now(), zone)
        await self.plan(ctx.user, "reminder", due, rest, "" if ctx.room is None else ctx.room.name, "")
        return ctx.t("reminded", when=shown(due, zone), text=rest)

    @command(permission="reminders.use", examples=["/later tomorrow 9:00 Good morning!"])
    async def later(self, ctx, *, text: Annotated[str, "when, and what"]):
        """Send a message into this room later."""
        room = ctx.here()
        zone = await self.zone_of(ctx.user)
        due, rest = parse(text, self.now(), zone)
        await self.chat.may_post(room, user=ctx.user)
        await self.plan(ctx.user, "message", due, rest, room.name, "")
        return ctx.t("later", when=shown(due, zone))

    async def plan(self, user: User, kind: Kind, due: float, text: str, room: str, message_id: str) -> str:
        """Note what is to be done at a time, and have it done then; its id. Raises `Reject`."""
        if len(text) > TEXT_CHARS:
            raise Reject(f"At most {TEXT_CHARS} characters.", "too_large", field="text")
        id = uuid4().hex
        row = {
            "id": id,
            "user_id": user.id,
            "kind": kind,
            "due": due,
            "text": text,
            "room": room,
            "message_id": message_id,
        }
        await self.db.transaction(lambda tx: add(tx, self.settings.most, **row))
        await self.at(due, "fire", id, id=id)
        self.chat.publish_to(user, "changed", {})
        return id

    async def answer_add(self, ctx, fields: Add) -> dict[str, Any]:
        if not await self.chat.may(ctx.user, "reminders.use"):
            raise Reject("You may not plan anything.", "forbidden")
        try:
            check(fields.at, self.now())
        except Reject as refusal:
            raise Reject(refusal.message, "invalid", field="at") from None
        text, room, message_id = fields.text.strip(), "", ""
        if fields.message_id is not None and fields.kind == "reminder":
            message = await self.chat.message_for(ctx.user, fields.message_id)
            room, message_id = message.room, message.id
        elif not text:
            raise Reject("Say what.", "invalid", field="text")
        if fields.kind == "message":
            if fields.room is None:
                raise Reject("Say where.", "invalid", field="room")
            await self.chat.may_post(fields.room, user=ctx.user)
            room = (await self.chat.room(fields.room)).name
        return {"reminder": await self.plan(ctx.user, fields.kind, fields.at, text, room, message_id)}

    # What is planned

    async def answer(self, ctx, fields: Empty) -> dict[str, Any]:
        rows = await self.db.query(OF_USER, user_id=ctx.user.id)
        return {
            "reminders": [
                {**row, "text": row["text"] or await self.quoted(ctx.user, row["message_id"])} for row in rows
            ]
        }

    @command(examples=["/reminders"])
    async def reminders(self, ctx):
        """Show what you have planned."""
        zone = await self.zone_of(ctx.user)
        lines = []
        for number, row in enumerate(await self.db.query(OF_USER, user_id=ctx.user.id), 1):
            text = row["text"] or await self.quoted(ctx.user, row["message_id"])
            values = {
                "number": number,
                "when": shown(row["due"], zone),
                "room": row["room"],
                "text": text[:100],
            }
            lines.append(ctx.t(f"line.{row['kind']}", **values))
        return "\n".join(lines) or ctx.t("none")

    @command("reminders cancel", examples=["/reminders cancel 1"])
    async def cancel_by_number(self, ctx, number: Annotated[int, "as /reminders counts"]):
        """Take back what you have planned."""
        rows = await self.db.query(OF_USER, user_id=ctx.user.id)
        if not 1 <= number <= len(rows):
            raise Reject("There is no such reminder.", "not_found", field="number")
        await self.cancel(ctx.user, rows[number - 1]["id"])
        return ctx.t("cancelled")

    async def answer_cancel(self, ctx, fields: Cancel) -> dict[str, Any]:
        await self.cancel(ctx.user, fields.id)
        return {}

    async def cancel(self, user: User, id: str) -> None:
        """Take back what a user has planned. Raises `Reject` ``not_found``."""
        if not await self.db.execute(DROP, id=id, user_id=user.id):
            raise Reject("There is no such reminder.", "not_found", field="reminder")
        await self.cancel_job(id)
        self.chat.publish_to(user, "changed", {})

    # Time zones

    @command("reminders zone", examples=["/reminders zone Europe/Berlin"])
    async def set_zone(self, ctx, zone: Annotated[str, "such as Europe/Berlin"]):
        """Say in which time zone you are; your browser does it by itself."""
        await self.put_zone(ctx.user, zone)
        return ctx.t("zone", zone=zone)

    async def answer_zone(self, ctx, fields: Zone) -> dict[str, Any]:
        await self.put_zone(ctx.user, fields.zone)
        return {}

    async def put_zone(self, user: User, zone: str) -> None:
        if known(zone) is None or len(zone) > 64:
            raise Reject("There is no such time zone: Europe/Berlin is one.", "invalid", field="zone")
        await self.db.execute(PUT_ZONE, user_id=user.id, zone=zone)

    async def zone_of(self, user: User) -> ZoneInfo:
        """A user's time zone, UTC where it isn't known."""
        rows = await self.db.query(ZONE, user_id=user.id)
        return (known(rows[0]["zone"]) if rows else None) or ZoneInfo("UTC")

    @hookimpl
    async def erase_user(self, user: User):
        for statement in FORGET:
            await self.db.execute(statement, user_id=user.id)

    # When the time has come

    @job
    async def fire(self, id: str):
        """Do what was planned, once: what was sent just before the server died is not sent again."""
        for row in await self.db.query(ONE, id=id):
            try:
                user = await self.chat.user(row["user_id"])
            except Reject:
                # A guest who is gone.
                await self.db.execute(DONE, id=id)
                return
            if row["kind"] == "message":
                await self.send(user, row)
            else:
                await self.tell(user, row)
            await self.db.execute(DONE, id=id)
            self.chat.publish_to(user, "changed", {})

    async def send(self, user: User, row: Any) -> None:
        """Send a message in its author's name; one that is refused is told to them."""
        try:
            await self.chat.post(row["room"], row["text"], user=user, nonce=f"later-{row['id']}")
        except Reject as refusal:
            if refusal.code in TRIED_AGAIN:
                raise
            text = f"What you wrote for #{row['room']} was not sent: {refusal.message}\n\n{row['text']}"
            await self.chat.post_direct(user, text, nonce=f"later-{row['id']}")

    async def tell(self, user: User, row: Any) -> None:
        """Remind a user, by a message of the plugin's own user, which waits for them."""
        text, extra = row["text"], None
        if row["message_id"]:
            quote = await self.quoted(user, row["message_id"])
            text = "\n\n".join(filter(None, [text, quote])) or "(The message is gone.)"
            message = await self.chat.message(row["message_id"])
            if quote and message is not None:
                extra = {"room": message.room, "seq": message.seq}
        await self.chat.post_direct(user, f"⏰ {text}", nonce=f"remind-{row['id']}", extra=extra)

    @hookimpl
    async def own_data(self, user: User):
        rows = await self.db.query(OF_USER, user_id=user.id)
        zones = await self.db.query(ZONE, user_id=user.id)
        return [*({"type": "planned", **row} for row in rows), *({"type": "zone", **row} for row in zones)]

    async def quoted(self, user: User, message_id: str) -> str:
        """A message that a user may read, in a line; empty for any other."""
        try:
            message = await self.chat.message_for(user, message_id)
        except Reject:
            return ""
        return f"{message.user.name}: {' '.join(message.content.split())[:QUOTE_CHARS]}"


def known(zone: str) -> ZoneInfo | None:
    """The time zone of this name; None if there is none."""
    try:
        return ZoneInfo(zone)
    except (OSError, ValueError, KeyError):
        return None


def shown(due: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(due, zone):%Y-%m-%d %H:%M} ({zone.key})"
