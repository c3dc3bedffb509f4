"""Keeping a room civil: kick, mute, ban, and words that are not said here."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chatserver import (
    Draft,
    Message,
    Plugin,
    Reject,
    RequestSpec,
    Route,
    User,
    command,
    hookimpl,
    settings,
)

from .http import OneReport, ReportList
from .report_table import BY_REPORTER, BY_STATE, REPORTS
from .reports import PERMISSION, Ask, Claim, Close, NewReport, Reports
from .server_commands import SERVER, ServerCommands
from .words import pattern, plain
from .words_for_people import UNTIL_LIFTED, Reason, Time, here, lasting, line, minutes


class Moderation(ServerCommands, Plugin):
    """Kick, mute and ban by permission, only on users of a lower role; each becomes an event of the room."""

    # A filter that lets everything through when it breaks is none.
    on_error = "reject"
    migrations = (REPORTS, BY_STATE, BY_REPORTER)

    @settings
    class Settings:
        words: tuple[str, ...] = ()
        reports_per_hour: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
        """How often a user may report in an hour."""

        guest_address_hours: Annotated[float, msgspec.Meta(ge=0, le=8760)] = 24
        """How long no new guests come from the address of a guest who was banned from the server."""

    @hookimpl
    def startup(self):
        self._words = pattern(self.settings.words)
        self.reports = Reports(self, self.settings.reports_per_hour)

    @hookimpl
    def register_permissions(self):
        return {
            "moderation.kick": "moderator",
            "moderation.mute": "moderator",
            "moderation.ban": "moderator",
            "moderation.report": "guest",
            SERVER: "moderator",
            PERMISSION: "moderator",
        }

    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("report", NewReport, self._report, bare=True),
            RequestSpec(
                "reports", Ask, lambda ctx, fields: self.reports.reports(ctx.user, fields), bare=True
            ),
            RequestSpec("claim", Claim, lambda ctx, fields: self.reports.claim(ctx.user, fields)),
            RequestSpec("close", Close, lambda ctx, fields: self.reports.close(ctx.user, fields)),
        ]

    @hookimpl
    def register_routes(self):
        return [Route("reports", ReportList, bare=True), Route("reports/([0-9]+)", OneReport, bare=True)]

    @hookimpl
    async def after_connect(self, user: User):
        await self.reports.came(user)

    @hookimpl
    def after_disconnect(self, user: User):
        self.reports.went(user)

    @hookimpl
    def before_post(self, draft: Draft):
        self._check(draft.content)

    @hookimpl
    def before_edit(self, message: Message, draft: Draft):
        self._check(draft.content)

    async def require(self, user: User, permission: str) -> None:
        """Raises `Reject` ``forbidden`` unless a user has a permission everywhere."""
        if not await self.chat.may(user, permission):
            raise Reject(f"You may not do this: it needs the permission {permission}.", "forbidden")

    @command(permission="moderation.kick", examples=["/kick bob", "/kick bob 10 shouting"])
    async def kick(self, ctx, user: User, time: Time = UNTIL_LIFTED, *, reason: Reason = ""):
        """Remove a user from this room, and keep them out for a while if you give a time."""
        await self.chat.kick(here(ctx), user, minutes=minutes(time), reason=reason, by=ctx.user)
        return f"{user.name} was removed{lasting(time, '')}."

    @command(permission="moderation.mute", examples=["/mute bob", "/mute bob 10m shouting"])
    async def mute(self, ctx, user: User, time: Time = UNTIL_LIFTED, *, reason: Reason = ""):
        """Let a user read but not write in this room, for a time or until you lift it."""
        await self.chat.mute(here(ctx), user, minutes=minutes(time), reason=reason, by=ctx.user)
        return f"{user.name} is muted{lasting(time)}."

    @command(permission="moderation.mute", examples=["/unmute bob"])
    async def unmute(self, ctx, user: User):
        """Let a muted user write again."""
        await self.chat.unmute(here(ctx), user, by=ctx.user)
        return f"{user.name} may write again."

    @command(permission="moderation.ban", examples=["/ban bob", "/ban bob 1d spam"])
    async def ban(self, ctx, user: User, time: Time = UNTIL_LIFTED, *, reason: Reason = ""):
        """Remove a user from this room and keep them out, for a time or until you lift it."""
        await self.chat.ban(here(ctx), user, minutes=minutes(time), reason=reason, by=ctx.user)
        return f"{user.name} is banned{lasting(time)}."

    @command(permission="moderation.ban", examples=["/unban bob"])
    async def unban(self, ctx, user: User):
        """Let a banned user in again."""
        await self.chat.unban(here(ctx), user, by=ctx.user)
        return f"{user.name} may come back."

    @command(permission="moderation.ban", examples=["/bans"])
    async def bans(self, ctx):
        """List who is banned from this room, with their ids."""
        bans = await self.chat.bans(here(ctx))
        return "\n".join(f"{line(ban)} ({ban.user.id})" for ban in bans) or "No user is banned here."

    async def _report(self, ctx, fields: NewReport):
        return await self.report_by(ctx.user, fields)

    async def report_by(self, user: User, fields: NewReport):
        """Add a report of this user's. Raises `Reject`."""
        if not await self.chat.may(user, "moderation.report"):
            raise Reject("You may not report.", "forbidden")
        return await self.reports.report(user, fields)

    @command(permission="moderation.report", examples=["/report bob He keeps insulting people"])
    async def report(self, ctx, user: User, *, reason: str):
        """Report a user to the moderators; a message is reported by its menu."""
        room = ctx.room.name if ctx.room is not None else None
        made = await self.reports.report(ctx.user, NewReport(reason=reason[:500], user=user.id, room=room))
        return f"Thank you. Your report has the number {made['report']}; you will be told what becomes of it."

    def _check(self, content: str) -> None:
        if self._words and self._words.search(plain(content)):
            raise Reject("Please rephrase that.")
