"""The audit log over HTTP, by pages or whole."""

from __future__ import annotations

import msgspec

from ..chat.audit_export import FORMATS, exported
from ..model.errors import Reject
from ..protocol import replies, requests
from ..protocol.decoder import invalid
from .handler import Handler

NUMBERS = ("limit", "cursor")
TEXTS = ("room", "user", "by", "action", "search", "after", "before")


class AuditEntries(Handler):
    """GET /api/v1/audit"""

    async def get(self) -> None:
        user = await self.require_user()
        format = self.get_query_argument("format", "json")
        asked = self._asked_for()
        if format == "json":
            entries, more = await self.services.audit.page(user, asked)
            self.reply({"entries": [replies.audit_fields(each) for each in entries], "more": more})
            return
        if format not in FORMATS:
            raise Reject(f"format: json, {' or '.join(FORMATS)}.", "invalid", field="format")
        lines = exported(self.services.audit.everything(user, asked), format)
        # The first line before any header: what is refused is an error yet.
        first = await anext(lines, "")
        self.set_header("Content-Type", FORMATS[format])
        self.set_header("Content-Disposition", f'attachment; filename="audit.{format}"')
        self.write(first)
        async for line in lines:
            self.write(line)
            if self._write_buffer_size() > 64 * 1024:
                await self.flush()
        await self.finish()

    def _asked_for(self) -> requests.Audit:
        given = {name: self.get_query_argument(name, None) for name in TEXTS}
        numbers = {name: self.number(name) for name in NUMBERS}
        fields = {name: value for name, value in {**given, **numbers}.items() if value is not None}
        try:
            return msgspec.convert({"type": "audit", **fields}, requests.Audit)
        except msgspec.ValidationError as error:
            raise invalid(error, "A query") from None

    def _write_buffer_size(self) -> int:
        return sum(len(chunk) for chunk in self._write_buffer)
