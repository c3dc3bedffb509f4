"""Keeping a room civil: kick, mute, ban, and words that are not said here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from chatserver import (
    Draft,
    Event,
    Message,
    Plugin,
    Reject,
    RequestSpec,
    Room,
    Route,
    Transaction,
    Upload,
    User,
    command,
    hookimpl,
    settings,
)

from .arrivals import ARRIVALS, LOCKED, Arrivals
from .filters import Filter
from .http import OneReport, ReportList
from .pace import Pace
from .report_table import BY_REPORTER, BY_STATE, REPORTS, erase, forget
from .reports import PERMISSION, Ask, Claim, Close, NewReport, Reports
from .room_words import LOOK_SECONDS, ROOM_WORDS, WORDS, AskWords, RoomWordCommands, RoomWords
from .server_commands import SERVER, ServerCommands
from .user_commands import UserCommands
from .warnings import BY_USER, WARNINGS, Warnings, step
from .words_for_people import UNTIL_LIFTED, Reason, Time, lasting, line, minutes

MADE = (
    "SELECT number, ts, state, user_name, room, message_id, reason FROM moderation_report"
    " WHERE reporter_id = :user_id ORDER BY number"
)
RECEIVED = "SELECT ts, room, reason FROM moderation_warning WHERE user_id = :user_id ORDER BY number"
Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


class Moderation(ServerCommands, UserCommands, RoomWordCommands, Plugin):
    """Kick, mute and ban by permission, only on users of a lower role; each becomes an event of the room."""

    # A filter that lets everything through when it breaks is none.
    on_error = "reject"
    migrations = (REPORTS, BY_STATE, BY_REPORTER, ARRIVALS, WARNINGS, BY_USER, ROOM_WORDS)

    @settings
    class Settings:
        words: tuple[str, ...] = ()
        patterns: tuple[str, ...] = ()
        """Regular expressions of RE2, for texts without case, width, invisible characters."""
        links_per_message: Count = 0
        flood_messages: Count = 0
        """So many messages in ``flood_seconds``; 0: any."""
        flood_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10
        repeats: Count = 0
        """How often the same text may be said in five minutes; 0: any."""
        newcomer_minutes: Count = 0
        """For so long after they first came users post neither links nor files."""
        newcomer_wait_seconds: Count = 0
        """So long after they first came users only read."""
        warning_days: Annotated[float, msgspec.Meta(gt=0, le=3650)] = 30
        """How long a warning counts."""
        warning_steps: tuple[str, ...] = ("3 mute 60", "5 ban 1440")
        """What follows at so many warnings: mute or ban, and for how many minutes; 0 is until lifted."""
        reports_per_hour: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20
        """How often a user may report in an hour."""

        guest_address_hours: Annotated[float, msgspec.Meta(ge=0, le=8760)] = 24
        """How long no new guests come from the address of a guest who was banned from the server."""

        def __post_init__(self):
            Filter((), self.patterns)
            steps = [step(each) for each in self.warning_steps]
            if len({each.warnings for each in steps}) < len(steps):
                raise ValueError("warning_steps: one step at most for a number of warnings")

    @hookimpl
    async def startup(self):
        self._filter = Filter(self.settings.words, self.settings.patterns)
        self._pace = Pace(self.settings, self.now)
        self.arrivals = Arrivals(self)
        steps = [step(each) for each in self.settings.warning_steps]
        self.warnings_kept = Warnings(self, self.settings.warning_days, steps)
        await self.arrivals.load()
        self.room_words = RoomWords(self)
        await self.room_words.load()
        self.every(LOOK_SECONDS, self.room_words.load)
        self.reports = Reports(self, self.settings.reports_per_hour)

    @hookimpl
    def register_permissions(self):
        return {
            "moderation.kick": "moderator",
            "moderation.mute": "moderator",
            "moderation.ban": "moderator",
            "moderation.warn": "moderator",
            "moderation.report": "guest",
            WORDS: "moderator",
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
            RequestSpec("words", AskWords, self.answer_words),
            RequestSpec("close", Close, lambda ctx, fields: self.reports.close(ctx.user, fields)),
        ]

    @hookimpl
    def register_routes(self):
        return [Route("reports", ReportList, bare=True), Route("reports/([0-9]+)", OneReport, bare=True)]

    @hookimpl
    async def after_connect(self, user: User):
        await self.arrivals.came(user)
        await self.reports.came(user)

    @hookimpl
    def after_disconnect(self, user: User):
        self.reports.went(user)

    @hookimpl(events=("deleted",))
    def in_commit(self, tx: Transaction, events: Sequence[Event]):
        # What its author deletes stays with the report; what is too old does not.
        for event in events:
            if event.data.get("expired") and event.message_id is not None:
                forget(tx, event.message_id)

    @hookimpl
    async def erase_user(self, user: User, alias: str):
        await self.db.transaction(lambda tx: erase(tx, user, alias))
        self.arrivals.forget(user.id)

    @hookimpl
    async def own_data(self, user: User):
        found = []
        for kind, sql in (("report", MADE), ("warning", RECEIVED)):
            found += [{"type": kind, **row} for row in await self.db.query(sql, user_id=user.id)]
        return found

    @hookimpl
    def before_post(self, draft: Draft):
        self._check(draft.content, draft.room)
        return None if self._pace.idle and self.arrivals.locked is None else self._hold_up(draft)

    async def _hold_up(self, draft: Draft) -> None:
        user = draft.user
        if await self._keeps_order(user):
            return
        self.arrivals.refuse_newcomer(user)
        self._pace.check(user.id, draft.content, bool(draft.files), self.arrivals.since(user))

    async def _keeps_order(self, user: User) -> bool:
        """Moderators of the server are not held up, by whatever role, nor are programs."""
        return user.bot or await self.chat.may(user, "moderation.mute")

    @hookimpl
    def before_text(self, user: User | None, kind: str, text: str, room: Room | None):
        self._check(text, room)
        if user is None:
            self.arrivals.refuse_newcomer(None)

    @hookimpl
    def before_register(self, name: str):
        self._check(name)
        self.arrivals.refuse_newcomer(None)

    @hookimpl
    def before_upload(self, upload: Upload):
        self._check(upload.name, upload.room)

    @hookimpl
    async def before_join(self, user: User):
        if self.arrivals.locked is not None and not await self._keeps_order(user):
            self.arrivals.refuse_newcomer(user)

    @hookimpl
    def before_edit(self, message: Message, draft: Draft):
        self._check(draft.content, draft.room)
        return None if self._pace.idle else self._check_links(draft)

    async def _check_links(self, draft: Draft) -> None:
        if not await self._keeps_order(draft.user):
            self._pace.check_links(draft.content, bool(draft.files), self.arrivals.since(draft.user))

    async def require(self, user: User, permission: str) -> None:
        """Raises `Reject` ``forbidden`` unless a user has a permission everywhere."""
        if not await self.chat.may(user, permission):
            raise Reject(f"You may not do this: it needs the permission {permission}.", "forbidden")

    @command(permission="moderation.kick", examples=["/kick bob", "/kick bob 10 shouting"])
    async def kick(self, ctx, user: User, time: Time = UNTIL_LIFTED, *, reason: Reason = ""):
        """Remove a user from this room, and keep them out for a while if you give a time."""
        await self.chat.kick(ctx.here(), user, minutes=minutes(time), reason=reason, by=ctx.user)
        return f"{user.name} was removed{lasting(time, '')}."

    @command(permission="moderation.mute", examples=["/mute bob", "/mute bob 10m shouting"])
    async def mute(self, ctx, user: User, time: Time = UNTIL_LIFTED, *, reason: Reason = ""):
        """Let a user read but not write in this room, for a time or until you lift it."""
        await self.chat.mute(ctx.here(), user, minutes=minutes(time), reason=reason, by=ctx.user)
        return f"{user.name} is muted{lasting(time)}."

    @command(permission="moderation.mute", examples=["/unmute bob"])
    async def unmute(self, ctx, user: User):
        """Let a muted user write again."""
        await self.chat.unmute(ctx.here(), user, by=ctx.user)
        return f"{user.name} may write again."

    @command(permission="moderation.ban", examples=["/ban bob", "/ban bob 1d spam"])
    async def ban(self, ctx, user: User, time: Time = UNTIL_LIFTED, *, reason: Reason = ""):
        """Remove a user from this room and keep them out, for a time or until you lift it."""
        await self.chat.ban(ctx.here(), user, minutes=minutes(time), reason=reason, by=ctx.user)
        return f"{user.name} is banned{lasting(time)}."

    @command(permission="moderation.ban", examples=["/unban bob"])
    async def unban(self, ctx, user: User):
        """Let a banned user in again."""
        await self.chat.unban(ctx.here(), user, by=ctx.user)
        return f"{user.name} may come back."

    @command(permission="moderation.ban", examples=["/bans"])
    async def bans(self, ctx):
        """List who is banned from this room, with their ids."""
        bans = await self.chat.bans(ctx.here())
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

    @command(permission=SERVER, examples=["/lockdown on", "/lockdown off"])
    async def lockdown(self, ctx, state: Literal["on", "off"] | None = None):
        """Let no newcomers in, and none who came in the last ten minutes speak, until it is over."""
        await self.require(ctx.user, SERVER)
        if state is not None and (state == "on") != (self.arrivals.locked is not None):
            if state == "on":
                self.keep[LOCKED] = self.now()
            else:
                del self.keep[LOCKED]
            await self.chat.audit(f"lockdown_{state}", by=ctx.user)
        return f"The lockdown is {'off' if self.arrivals.locked is None else 'on'}."

    def _check(self, text: str, room: Room | None = None) -> None:
        if self._filter.refuses(text) or (room is not None and self.room_words.refuses(room.name, text)):
            raise Reject("Please rephrase that.")
