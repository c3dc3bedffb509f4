"""Commands for the whole server: kick, mute and ban, and what is in force."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from chatserver import User, command

from .words_for_people import UNTIL_LIFTED, Reason, Time, lasting, line, minutes

SERVER = "moderation.server"
"""The permission, which counts everywhere: who only runs a room doesn't have it."""


class ServerCommands:
    """The commands ``/server …``, for the class of the plugin."""

    @command("server kick", permission=SERVER, examples=["/server kick bob shouting"])
    async def server_kick(self, ctx, user: User, *, reason: Reason = ""):
        """End all connections of a user, who may come back by themselves."""
        await self.chat.server_kick(user, by=await everywhere(self, ctx), reason=reason)
        return f"{user.name} was removed from the server."

    @command("server mute", permission=SERVER, examples=["/server mute bob 1h shouting"])
    async def server_mute(self, ctx, user: User, time: Time = UNTIL_LIFTED, *, reason: Reason = ""):
        """Let a user read but not write in all rooms, for a time or until you lift it."""
        await self.chat.server_mute(
            user, by=await everywhere(self, ctx), minutes=minutes(time), reason=reason
        )
        return f"{user.name} is muted on this server{lasting(time)}."

    @command("server unmute", permission=SERVER, examples=["/server unmute bob"])
    async def server_unmute(self, ctx, user: User):
        """Let a user write again."""
        await self.chat.server_unmute(user, by=await everywhere(self, ctx))
        return f"{user.name} may write again."

    @command("server ban", permission=SERVER, examples=["/server ban bob 1d spam"])
    async def server_ban(self, ctx, user: User, time: Time = UNTIL_LIFTED, *, reason: Reason = ""):
        """Keep a user out of the server, for a time or until you lift it; a guest's address, too, for a while."""
        hours = timedelta(hours=self.settings.guest_address_hours)
        await self.chat.server_ban(
            user,
            by=await everywhere(self, ctx),
            minutes=minutes(time),
            reason=reason,
            address_minutes=minutes(hours),
        )
        return f"{user.name} is banned from this server{lasting(time)}."

    @command("server reset", permission="user.reset", examples=["/server reset bob picture not for here"])
    async def server_reset(
        self, ctx, user: User, part: Literal["name", "picture", "status"], *, reason: Reason = ""
    ):
        """Take away a user's shown name, picture or status text."""
        await self.chat.reset_profile(user, part, by=ctx.user, reason=reason)
        return f"The {part} of {user.name} was taken away."

    @command("server unban", permission=SERVER, examples=["/server unban bob"])
    async def server_unban(self, ctx, user: User):
        """Let a banned user, by name or id, and new guests from their address in again."""
        await self.chat.server_unban(user, by=await everywhere(self, ctx))
        return f"{user.name} may come back."

    @command("server bans", permission=SERVER, examples=["/server bans"])
    async def server_bans(self, ctx):
        """List who is banned from the server, with their ids."""
        await everywhere(self, ctx)
        bans = await self.chat.server_bans()
        return (
            "\n".join(f"{line(ban)} ({ban.user.id})" for ban in bans) or "No user is banned from this server."
        )


async def everywhere(plugin, ctx) -> User:
    """The caller. Raises `Reject` for one who has the permission in a room only."""
    await plugin.require(ctx.user, SERVER)
    return ctx.user
