"""The audit log over HTTP, by pages or whole."""

from __future__ import annotations

from typing import Literal

from ..chat.audit_export import FORMATS, exported
from ..protocol import replies, requests
from .endpoint import endpoint
from .handler import Handler


class AuditQuery(requests.Audit, frozen=True, tag=False, forbid_unknown_fields=False):
    """Which entries, and in which format."""

    format: Literal["json", "jsonl", "csv"] = "json"


class AuditEntries(Handler):
    """GET /api/v1/audit"""

    @endpoint(query=AuditQuery, media=("application/json", "application/jsonl", "text/csv"))
    async def get(self) -> None:
        """The audit log, by pages or whole."""
        user = await self.require_user()
        asked = self.query(AuditQuery)
        if asked.format == "json":
            entries, more = await self.services.audit.page(user, asked)
            self.reply({"entries": [replies.audit_fields(each) for each in entries], "more": more})
            return
        lines = exported(self.services.audit.everything(user, asked), asked.format)
        # The first line before any header: what is refused is an error yet.
        first = await anext(lines, "")
        self.set_header("Content-Type", FORMATS[asked.format])
        self.set_header("Content-Disposition", f'attachment; filename="audit.{asked.format}"')
        self.write(first)
        async for line in lines:
            self.write(line)
            if self._write_buffer_size() > 64 * 1024:
                await self.flush()
        await self.finish()

    def _write_buffer_size(self) -> int:
        return sum(len(chunk) for chunk in self._write_buffer)
