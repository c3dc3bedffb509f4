"""Reports over HTTP."""

from __future__ import annotations

import msgspec

from chatserver import Handler, Reject, endpoint

from .reports import Ask, Claim, Close, NewReport, Note


class Change(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Claim a report, give it back, or close it."""

    claimed: bool | None = None
    outcome: str | None = None
    note: Note = ""


class ReportList(Handler):
    """GET and POST /api/v1/reports"""

    @endpoint(query=Ask)
    async def get(self) -> None:
        """Reports, by pages."""
        user = await self.require_user()
        self.reply(await self.plugin.reports.reports(user, self.query(Ask)))

    @endpoint(body=NewReport, status=201)
    async def post(self) -> None:
        """Report a message or a person."""
        user = await self.require_writer()
        self.reply(await self.plugin.report_by(user, self.body(NewReport)), 201)


class OneReport(Handler):
    """PATCH /api/v1/reports/{report}"""

    @endpoint(body=Change)
    async def patch(self, number: str) -> None:
        """Claim a report, give it back, or close it."""
        user = await self.require_user()
        change, reports = self.body(Change), self.plugin.reports
        if len(number) > 15:
            raise Reject("There is no such report.", "not_found", field="report")
        if change.outcome is not None:
            if change.outcome not in ("acted", "dismissed") or change.claimed is not None:
                raise Reject("outcome: acted or dismissed, and no claimed.", "invalid", field="outcome")
            asked = Close(report=int(number), outcome=change.outcome, note=change.note)
            self.reply(await reports.close(user, asked))
        elif change.claimed is not None:
            self.reply(await reports.claim(user, Claim(report=int(number), on=change.claimed)))
        else:
            raise Reject("Say claimed, or outcome.", "invalid", field="claimed")
