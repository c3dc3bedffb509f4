"""What was said before: on joining, on scrolling back, and by command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from chatserver import Message, Plugin, Reject, RequestSpec, Room, User, command, hookimpl, settings

LIMIT = 200

Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=LIMIT)]


MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Page(msgspec.Struct):
    """The wire request ``history``: at most one of ``before``, ``after``, ``around`` and ``around_message``; with none
    of them, the newest page.
    """

    room: str
    before: Seq | None = None
    after: Seq | None = None
    around: Seq | None = None
    around_message: MessageId | None = None
    limit: Limit = 50


class History(Plugin):
    """Shows members the messages from before they came; without this plugin they don't see them."""

    @settings
    class Settings:
        replay: Annotated[
            int, msgspec.Meta(ge=0, le=LIMIT, description=f"a number of messages, at most {LIMIT}")
        ] = 50

    @hookimpl
    def register_permissions(self):
        # The core asks for this one before it shows a member what is older than the membership.
        return {"history.read": "guest"}

    @hookimpl
    def register_requests(self):
        return [RequestSpec("history", Page, self.page, bare=True)]

    @hookimpl
    def backlog(self, user: User, room: Room):
        return self.settings.replay

    async def page(self, ctx, fields: Page):
        marks = (fields.before, fields.after, fields.around, fields.around_message)
        if sum(mark is not None for mark in marks) > 1:
            raise Reject("Give one of before, after, around and around_message.", "invalid", field="before")
        if fields.around_message is not None:
            middle = await self.seq_of(ctx.user, fields.room, fields.around_message)
            return await self.both_sides(ctx.user, fields.room, middle, fields.limit)
        if fields.around is not None:
            return await self.both_sides(ctx.user, fields.room, fields.around, fields.limit)
        events, more = await self.chat.events(
            fields.room, user=ctx.user, before=fields.before, after=fields.after, limit=fields.limit
        )
        return {"events": [self.chat.wire(event) for event in events], "more": more}

    async def seq_of(self, user: User, room: str, message_id: str) -> int:
        """Where a message stands. Raises Reject (``not_found``) if it is not in this room, or not for this user."""
        message = await self.chat.message(message_id)
        here = message is not None and message.room == (await self.chat.room(room)).name
        if message is None or not here or not await self.chat.may_read(room, user=user, seq=message.seq):
            raise Reject("There is no such message in this room.", "not_found", field="around_message")
        return message.seq

    async def both_sides(self, user: User, room: str, seq: int, limit: int):
        """Half a page up to ``seq``, half a page from there on; and for each side whether there is more."""
        older, more = await self.chat.events(room, user=user, before=seq + 1, limit=limit - limit // 2)
        newer, more_newer = await self.chat.events(room, user=user, after=seq, limit=max(limit // 2, 1))
        events = [self.chat.wire(event) for event in older + newer[: limit // 2]]
        return {"events": events, "more": more, "more_newer": more_newer or len(newer) > limit // 2}

    @command(permission="history.read", examples=["/history", "/history 20"])
    async def history(self, ctx, count: Annotated[int, f"how many messages, at most {LIMIT}"] = 10):
        """Show the last messages of this room once more, to you alone."""
        room = ctx.here()
        if not 1 <= count <= LIMIT:
            raise Reject(f"Between 1 and {LIMIT} messages, please.", "invalid", field="count")
        lines = await self.last_lines(room, ctx.user, count)
        return "\n".join(lines) or "Nothing was said here yet."

    async def last_lines(self, room: Room, user: User, count: int) -> list[str]:
        """The last ``count`` messages as text, however much else happened between them."""
        lines: list[str] = []
        before, more = None, True
        while more and len(lines) < count:
            events, more = await self.chat.events(room, user=user, before=before, limit=LIMIT)
            said = [event.message for event in events if event.message and not event.message.deleted]
            lines = [line(message) for message in said] + lines
            before = events[0].seq if events else None
        return lines[-count:]


def line(message: Message) -> str:
    """A message as one line of text: ``2026-07-04 16:20 UTC alice: hello``."""
    when = datetime.fromtimestamp(message.ts, UTC).strftime("%Y-%m-%d %H:%M UTC")
    between = " " if message.kind == "action" else ": "
    return f"{when} {message.user.name}{between}{message.content}"
