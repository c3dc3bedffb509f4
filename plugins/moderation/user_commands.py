"""Commands about one user's messages and warnings."""

from __future__ import annotations

from typing import Annotated

from chatserver import Reject, User, command

MOST = 100
PAGE = 200
PAGES = 20
"""So far back it is looked for messages."""


class UserCommands:
    """``/purge``, ``/warn`` and ``/warnings``, for the class of the plugin."""

    @command(permission="message.delete_any", examples=["/purge bob 10"])
    async def purge(self, ctx, user: User, count: Annotated[int, "how many, 100 at most"]):
        """Delete the last messages of a user in this room."""
        room = ctx.here()
        if not 1 <= count <= MOST:
            raise Reject(f"1 to {MOST} messages at once.", "invalid", field="count")
        if user.id != ctx.user.id and not await self.chat.outranks(ctx.user, user, room):
            raise Reject(f"You can't do this to {user.name}.", "forbidden", field="user")
        deleted, before = 0, None
        for _ in range(PAGES):
            events, more = await self.chat.events(room, user=ctx.user, before=before, limit=PAGE)
            for event in reversed(events):
                message = event.message
                if message is None or message.deleted or message.user.id != user.id:
                    continue
                if deleted < count and await self._delete(message.id, ctx.user):
                    deleted += 1
            if deleted == count or not more or not events:
                break
            before = events[0].seq
        what = "1 message" if deleted == 1 else f"{deleted} messages"
        return f"{what} of {user.name} {'was' if deleted == 1 else 'were'} deleted."

    async def _delete(self, message_id: str, by: User) -> bool:
        """Delete a message; False for one that is gone meanwhile."""
        try:
            await self.chat.delete(message_id, by=by)
        except Reject as refusal:
            if refusal.code != "not_found":
                raise
            return False
        return True

    @command(permission="moderation.warn", examples=["/warn bob Please keep to the topic"])
    async def warn(self, ctx, user: User, *, reason: str):
        """Warn a user, who is told; enough warnings have what the settings say as their consequence."""
        room = ctx.here()
        if user.id == ctx.user.id:
            raise Reject("You can't do this to yourself.", "invalid", field="user")
        if user.bot or not await self.chat.outranks(ctx.user, user, room):
            raise Reject(f"You can't do this to {user.name}.", "forbidden", field="user")
        count, step = await self.warnings_kept.warn(user, ctx.user, room, reason[:500])
        done = (
            "" if step is None else {"mute": " They are muted now.", "ban": " They are banned now."}[step.act]
        )
        return f"{user.name} was warned: {count} warning{'s' if count != 1 else ''} by now.{done}"

    @command(permission="moderation.warn", examples=["/warnings bob"])
    async def warnings(self, ctx, user: User):
        """List the warnings of a user that count."""
        everywhere = await self.chat.may(ctx.user, "moderation.warn")
        lines = await self.warnings_kept.listed(user, None if everywhere else ctx.here())
        return "\n".join(lines) or f"{user.name} has no warnings."
