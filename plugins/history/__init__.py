"""What was said before: on joining, on scrolling back, and by command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from chatserver import Message, Plugin, Reject, RequestSpec, Room, User, command, hookimpl, settings

LIMIT = 200

Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=LIMIT)]


class Page(msgspec.Struct):
    """The wire request ``history``: one of ``before``, ``after`` and ``around``, or none for the newest page."""

    room: str
    before: Seq | None = None
    after: Seq | None = None
    around: Seq | None = None
    limit: Limit = 50


class History(Plugin):
    """Without this plugin nobody sees what was said before they came."""

    @settings
    class Settings:
        replay: Annotated[
            int, msgspec.Meta(ge=0, le=LIMIT, description=f"a number of messages, at most {LIMIT}")
        ] = 50

    @hookimpl
    def register_permissions(self):
        # The core asks this one before it shows anybody what is older than their own joining.
        return {"history.read": "guest"}

    @hookimpl
    def register_requests(self):
        return [RequestSpec("history", Page, self.page, bare=True)]

    @hookimpl
    def backlog(self, user: User, room: Room):
        return self.settings.replay

    async def page(self, ctx, fields: Page):
        if sum(mark is not None for mark in (fields.before, fields.after, fields.around)) > 1:
            raise Reject("Give one of before, after and around.", "invalid", field="before")
        events, more = await self.chat.events(
            fields.room,
            user=ctx.user,
            before=fields.before,
            after=fields.after,
            around=fields.around,
            limit=fields.limit,
        )
        return {"events": [self.chat.wire(event) for event in events], "more": more}

    @command(permission="history.read", examples=["/history", "/history 20"])
    async def history(self, ctx, count: Annotated[int, f"how many messages, at most {LIMIT}"] = 10):
        """Show the last messages of this room once more, to you alone."""
        if ctx.room is None:
            raise Reject("This works in a room only.", "invalid", field="room")
        if not 1 <= count <= LIMIT:
            raise Reject(f"Between 1 and {LIMIT} messages, please.", "invalid", field="count")
        lines = await self.last_lines(ctx.room, ctx.user, count)
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
