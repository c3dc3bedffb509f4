"""Reports of messages and people: made by anyone, worked off by moderators, the reporter is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from chatserver import Plugin, Reject, Transaction, User

from . import report_table as table
from .report_table import Report, Wanted

PERMISSION = "moderation.reports"
CONTENT_CHARS = 2000
HOUR = 3600.0

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Note = Annotated[str, msgspec.Meta(max_length=500)]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Named = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class NewReport(msgspec.Struct, kw_only=True):
    """The wire request ``report``: a message, or a user."""

    reason: Reason
    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    user: Named | None = None
    room: Named | None = None


class Ask(msgspec.Struct, kw_only=True):
    """The wire request ``reports``. ``mine`` are those that the caller made."""

    state: Literal["open", "closed", "all"] = "open"
    mine: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Number | None = None


class Claim(msgspec.Struct, kw_only=True):
    """The wire request ``moderation:claim``: the caller works on a report, or no longer."""

    report: Number
    on: bool = True


class Close(msgspec.Struct, kw_only=True):
    """The wire request ``moderation:close``: the report is done with."""

    report: Number
    outcome: Literal["acted", "dismissed"]
    note: Note = ""


_STATES = {"open": ("open", "claimed"), "closed": table.CLOSED, "all": table.STATES}


class Reports:
    """The reports of one server. ``most`` is how many a user may make in an hour."""

    def __init__(self, plugin: Plugin, most: int) -> None:
        self._plugin = plugin
        self._most = most
        self._here: dict[str, User] = {}

    # Made

    async def report(self, by: User, asked: NewReport) -> dict[str, Any]:
        """Add a report. Raises `Reject`."""
        new = await self._new(by, asked)
        if new.user_id == by.id:
            raise Reject("You can't report yourself.", "invalid", field="user")
        number, is_new = await self._plugin.db.transaction(lambda tx: self._add(tx, new))
        if is_new:
            new = msgspec.structs.replace(new, number=number)
            # Not by whom: a moderator may be whom the report is about.
            await self._plugin.chat.audit("reported", room=new.room, detail=f"report {number}")
            where = f" in #{new.room}" if new.room is not None and not new.room.startswith("dm:") else ""
            what = "a message of " if new.message_id is not None else ""
            await self._tell_moderators(
                new, f"{by.name} reported {what}{new.user_name}{where}: {new.reason} (report {number})"
            )
        return {"report": number}

    async def _new(self, by: User, asked: NewReport) -> Report:
        reason = " ".join(asked.reason.split())
        if not reason:
            raise Reject("Say what is wrong.", "invalid", field="reason")
        if (asked.message_id is None) == (asked.user is None):
            raise Reject("Say message_id or user.", "invalid", field="message_id")
        about = {"reporter_id": by.id, "reporter_name": by.name, "reason": reason}
        start = {"number": 0, "ts": self._plugin.now(), "state": "open"}
        if asked.message_id is not None:
            message = await self._plugin.chat.message_for(by, asked.message_id)
            content = message.content or ", ".join(file.name for file in message.attachments)
            return Report(
                **start, **about, user_id=message.user.id, user_name=message.user.name, room=message.room,
                message_id=message.id, seq=message.seq, content=content[:CONTENT_CHARS],
            )  # fmt: skip
        assert asked.user is not None
        target = await self._plugin.chat.user(asked.user)
        room = None
        if asked.room is not None:
            if not await self._plugin.chat.may_read(asked.room, user=by):
                raise Reject(f"There is no room {asked.room!r}.", "not_found", field="room")
            room = (await self._plugin.chat.room(asked.room)).name
        return Report(**start, **about, user_id=target.id, user_name=target.name, room=room)

    def _add(self, tx: Transaction, new: Report) -> tuple[int, bool]:
        since = new.ts - HOUR
        made = tx.execute(
            "SELECT count(*) AS n, min(ts) AS first FROM moderation_report"
            " WHERE reporter_id = :reporter AND ts > :since",
            reporter=new.reporter_id,
            since=since,
        )[0]
        if made["n"] >= self._most:
            wait = made["first"] - since
            raise Reject(
                f"You may report {self._most} times an hour.", "rate_limited", retry_after=max(wait, 1.0)
            )
        return table.add(tx, new)

    # Worked off

    async def reports(self, user: User, asked: Ask) -> dict[str, Any]:
        """A page of reports, the newest first. Raises `Reject` ``forbidden``."""
        wanted = Wanted(states=_STATES[asked.state], below=asked.cursor)
        if asked.mine:
            wanted = msgspec.structs.replace(wanted, reporter=user.id)
        else:
            rooms = await self._rooms_of(user)
            wanted = msgspec.structs.replace(wanted, rooms=rooms, not_about=user.id)
        sql, params = table.query(wanted, asked.limit + 1)
        found = [Report(**row) for row in await self._plugin.db.query(sql, **params)]
        shown = [fields(each, for_reporter=asked.mine) for each in found[: asked.limit]]
        return {"reports": shown, "more": len(found) > asked.limit}

    async def _rooms_of(self, user: User) -> list[str] | None:
        """The rooms whose reports the user works off; None: all. Raises `Reject` ``forbidden``."""
        if await self._plugin.chat.may(user, PERMISSION):
            return None
        rooms = await self._plugin.chat.rooms(user=user)
        mine = [room.name for room in rooms if await self._plugin.chat.may(user, PERMISSION, room)]
        if not mine:
            raise Reject(f"You may not do this: it needs the permission {PERMISSION}.", "forbidden")
        return mine

    async def claim(self, by: User, asked: Claim) -> dict[str, Any]:
        """The user works on a report, or gives it back; what is claimed by another has to be given back first."""
        report = await self._theirs(by, asked.report)

        def change(tx: Transaction) -> Report:
            now = self._open(tx, report.number)
            if asked.on and now.by_id not in (None, by.id):
                raise Reject(f"{now.by_name} works on this report.", "invalid", field="report")
            table.settle(
                tx, report.number, "claimed" if asked.on else "open", by if asked.on else None, now.note
            )
            return self._now(tx, report.number)

        changed = await self._plugin.db.transaction(change)
        await self._note(by, changed, "report_claimed" if asked.on else "report_released")
        return {"report": fields(changed)}

    async def close(self, by: User, asked: Close) -> dict[str, Any]:
        """The report is done with; its reporter is told."""
        report = await self._theirs(by, asked.report)

        def change(tx: Transaction) -> Report:
            now = self._open(tx, report.number)
            if now.by_id not in (None, by.id):
                raise Reject(f"{now.by_name} works on this report.", "invalid", field="report")
            table.settle(tx, report.number, asked.outcome, by, " ".join(asked.note.split()))
            return self._now(tx, report.number)

        closed = await self._plugin.db.transaction(change)
        await self._note(by, closed, f"report_{asked.outcome}")
        if closed.reporter_id in self._here:
            await self._tell_reporter(closed)
        return {"report": fields(closed)}

    def _open(self, tx: Transaction, number: int) -> Report:
        now = self._now(tx, number)
        if now.closed:
            raise Reject("This report is closed.", "invalid", field="report")
        return now

    def _now(self, tx: Transaction, number: int) -> Report:
        found = table.get(tx, number)
        if found is None:
            raise _no_report()
        return found

    async def _theirs(self, user: User, number: int) -> Report:
        """A report that the user may work on: one about themselves is none. Raises `Reject` ``not_found``."""
        rows = await self._plugin.db.query(
            "SELECT * FROM moderation_report WHERE number = :number", number=number
        )
        rooms = await self._rooms_of(user)
        if not rows:
            raise _no_report()
        found = Report(**rows[0])
        if found.user_id == user.id or (rooms is not None and found.room not in rooms):
            raise _no_report()
        return found

    async def _note(self, by: User, report: Report, action: str) -> None:
        await self._plugin.chat.audit(
            action, by=by, room=report.room, reason=report.note, detail=f"report {report.number}"
        )
        await self._tell_moderators(report, None)

    # Told

    async def _tell_moderators(self, report: Report, text: str | None) -> None:
        """Tell those who work on such reports how many are open, and ``text``."""
        for user in list(self._here.values()):
            if user.id == report.user_id or not await self._may_work(user, report):
                continue
            if text is not None:
                self._plugin.chat.notice(user, text)
            self._plugin.chat.publish_to(user, "reports", {"report": report.number})

    async def _may_work(self, user: User, report: Report) -> bool:
        return await self._plugin.chat.may(user, PERMISSION) or (
            report.room is not None and await self._plugin.chat.may(user, PERMISSION, report.room)
        )

    async def came(self, user: User) -> None:
        """A user is here: tell what became of their reports meanwhile."""
        self._here[user.id] = user
        rows = await self._plugin.db.query(
            "SELECT * FROM moderation_report"
            " WHERE reporter_id = :user AND told = 0 AND state IN ('acted', 'dismissed') ORDER BY number LIMIT 20",
            user=user.id,
        )
        for row in rows:
            await self._tell_reporter(Report(**row))

    def went(self, user: User) -> None:
        """A user is gone."""
        self._here.pop(user.id, None)

    async def _tell_reporter(self, report: Report) -> None:
        reporter = await self._plugin.chat.user(report.reporter_id)
        became = "was acted on" if report.state == "acted" else "was looked at, and nothing was done"
        note = f": {report.note}" if report.note else "."
        text = f"Your report {report.number} about {report.user_name} {became}{note}"
        self._plugin.chat.notice(reporter, text)
        self._plugin.chat.publish_to(reporter, "reports", {"report": report.number})
        await self._plugin.db.execute(
            "UPDATE moderation_report SET told = 1 WHERE number = :number", number=report.number
        )


def _no_report() -> Reject:
    return Reject("There is no such report.", "not_found", field="report")


def fields(report: Report, *, for_reporter: bool = False) -> Mapping[str, Any]:
    """The report as it goes on the wire; its reporter isn't told which moderator closed it."""
    ts = datetime.fromtimestamp(report.ts, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shown: dict[str, Any] = {
        "report": report.number,
        "ts": ts,
        "state": report.state,
        "reporter": {"id": report.reporter_id, "name": report.reporter_name},
        "user": {"id": report.user_id, "name": report.user_name},
        "reason": report.reason,
    }
    for name in ("room", "message_id", "seq", "content", "note"):
        value = getattr(report, name)
        if value not in (None, ""):
            shown[name] = value
    if report.by_id is not None and not for_reporter:
        shown["by"] = {"id": report.by_id, "name": report.by_name}
    return shown
