"""Keeping a room civil: kick, mute, ban, and words that are not said here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from chatserver import (
    Ban,
    Draft,
    Message,
    Plugin,
    Reject,
    RequestSpec,
    Room,
    Route,
    User,
    command,
    hookimpl,
    settings,
)

from .http import OneReport, ReportList
from .report_table import BY_REPORTER, BY_STATE, REPORTS
from .reports import PERMISSION, Ask, Claim, Close, NewReport, Reports
from .words import pattern, plain

Time = Annotated[timedelta, "minutes, or 90s, 1h30m, 2 days"]
Reason = Annotated[str, "shown to everyone"]
UNTIL_LIFTED = timedelta(0)
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


class Moderation(Plugin):
    """Kick, mute and ban by permission, only on users of a lower role; each becomes an event of the room."""

    # A filter that lets everything through when it breaks is none.
    on_error = "reject"
    migrations = (REPORTS, BY_STATE, BY_REPORTER)

    @settings
    class Settings:
        words: tuple[str, ...] = ()
        reports_per_hour: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
        """How often a user may report in an hour."""

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
        """List who is banned from this room."""
        return "\n".join(line(ban) for ban in await self.chat.bans(here(ctx))) or "No user is banned here."

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


def here(ctx) -> Room:
    """The room in which the command was given. Raises `Reject` when it was in none."""
    if ctx.room is None:
        raise Reject("This works in a room only.", "invalid", field="room")
    return ctx.room


def minutes(time: timedelta) -> float:
    """The time as the core counts it."""
    return time.total_seconds() / 60


def lasting(time: timedelta, endless: str = " until you lift it") -> str:
    """`` for 10 minutes``, or ``endless``."""
    seconds = round(time.total_seconds())
    if not seconds:
        return endless
    size, unit = next((size, unit) for size, unit in UNITS if seconds % size == 0)
    count = seconds // size
    return f" for {count} {unit}{'s' if count != 1 else ''}"


def line(ban: Ban) -> str:
    """A ban as one line of text: ``bob, by alice, until 2026-07-04 16:20 UTC: shouting``."""
    until = datetime.fromtimestamp(ban.until, UTC).strftime("%Y-%m-%d %H:%M UTC") if ban.until else "lifted"
    return f"{ban.user.name}, by {ban.by.name}, until {until}" + (f": {ban.reason}" if ban.reason else "")
