"""Chores: the bot asks who does one, a click takes it, and the bot asks again where no one did."""

from dataclasses import dataclass
from datetime import timedelta

from chatserver import Context, Plugin, Reject, RequestContext, RequestSpec, command, hookimpl, job


@dataclass(frozen=True)
class Take:
    message_id: str


class Chores(Plugin):
    @hookimpl
    def register_requests(self):
        return [RequestSpec("take", Take, self.take)]

    @hookimpl
    def register_events(self):
        return ["taken"]

    @command(cooldown=10, examples=["/chore 2h water the plants"])
    async def chore(self, ctx: Context, time: timedelta, *, text: str):
        """Ask who does something, and ask again after a time."""
        message = await ctx.reply(f"Who will {text}?", extra={"by": None})
        await self.at(time, "ask_again", {"id": message.id})

    async def take(self, ctx: RequestContext, fields: Take):
        message = await self.chat.message(fields.message_id)
        if message is None:
            raise Reject("There is no such chore.", "not_found", field="message_id")

        def note(tx):
            now = tx.message(message.id)
            if now is None or self.name not in now.extras:
                raise Reject("There is no such chore.", "not_found", field="message_id")
            if by := now.extras[self.name]["by"]:
                raise Reject(f"{by} does it already.")
            tx.annotate(message.id, {"by": ctx.user.display_name})

        await self.chat.append(message.room, "taken", {}, user=ctx.user, also=note, as_message=True)

    @job
    async def ask_again(self, data):
        message = await self.chat.message(data["id"])
        if message and not message.deleted and message.extras[self.name]["by"] is None:
            await self.chat.post(message.room, "Nobody yet?", reply_to=message.id)
