"""Reports over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from chatserver import Handler, Reject

from .reports import Ask, Claim, Close, NewReport, Note


class Change(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Claim a report, give it back, or close it."""

    claimed: bool | None = None
    outcome: str | None = None
    note: Note = ""


class ReportList(Handler):
    """GET and POST /api/v1/reports"""

    async def get(self) -> None:
        user = await self.require_user()
        given: dict[str, Any] = {"state": self.get_query_argument("state", "open")}
        given["mine"] = self.get_query_argument("mine", "") in ("1", "true")
        given["limit"] = self.number("limit", 1, 100) or 50
        given["cursor"] = self.number("cursor", 1)
        try:
            asked = msgspec.convert(given, Ask)
        except msgspec.ValidationError:
            raise Reject("state: open, closed or all.", "invalid", field="state") from None
        self.reply(await self.plugin.reports.reports(user, asked))

    async def post(self) -> None:
        user = await self.require_writer()
        self.reply(await self.plugin.report_by(user, self.body(NewReport)), 201)


class OneReport(Handler):
    """PATCH /api/v1/reports/{report}"""

    async def patch(self, number: str) -> None:
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
