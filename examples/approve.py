"""Requests that a moderator approves or refuses with a reason: buttons and a form, without any JavaScript."""

from dataclasses import dataclass
from typing import Annotated

from chatserver import Action, ActionContext, Context, Field, Form, Plugin, command, hookimpl


@dataclass
class Reason:
    why: Annotated[str, Field("Why?", multiline=True, max=500)]


REFUSE = Form("Refuse the request", Reason, submit="Refuse")


class Approve(Plugin):
    @hookimpl
    def register_permissions(self):
        return {"approve.ask": "guest", "approve.decide": "moderator"}

    @command(permission="approve.ask", cooldown=10, examples=["/request a day off on Friday"])
    async def request(self, ctx: Context, *, text: str):
        """Ask the moderators for something."""
        approve = Action("Approve", self.approve, permission="approve.decide", style="primary")
        refuse = Action("Refuse…", self.refuse, permission="approve.decide")
        await ctx.reply(f"{ctx.user.display_name} asks for {text}", actions=[approve, refuse])

    async def approve(self, ctx: ActionContext):
        await self.decide(ctx, "Approved")

    async def refuse(self, ctx: ActionContext):
        reason = await ctx.ask(REFUSE)
        await self.decide(ctx, f"Refused, as {reason.why}")

    async def decide(self, ctx: ActionContext, outcome: str):
        # First: of two moderators at once, only one gets past it.
        await ctx.update(actions=[], extra={"by": ctx.user.id})
        await ctx.reply(f"{outcome} ({ctx.user.display_name}).")
