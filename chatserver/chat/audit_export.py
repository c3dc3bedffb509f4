"""The audit log as a file: JSON Lines, or CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any

from ..model.audit import AuditEntry
from ..protocol import events as wire
from ..protocol import replies

FORMATS: Mapping[str, str] = MappingProxyType(
    {"jsonl": "application/jsonl; charset=utf-8", "csv": "text/csv; charset=utf-8"}
)
"""Each with its media type."""
COLUMNS = ("id", "ts", "action", "by", "user", "room", "reason", "until", "detail")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


async def exported(entries: AsyncIterator[AuditEntry], format: str) -> AsyncIterator[str]:
    """The lines of the file, one for each entry, those of CSV below their heads."""
    if format == "csv":
        # With the first entry: what is refused comes as an exception before any line.
        head = _csv(COLUMNS)
        async for entry in entries:
            fields = replies.audit_fields(entry)
            line = _csv([_cell(fields.get(name, "")) for name in COLUMNS])
            yield head + line
            head = ""
        if head:
            yield head
        return
    async for entry in entries:
        yield wire.encode(replies.audit_fields(entry)).decode() + "\n"


def text_line(entry: AuditEntry) -> str:
    """An entry as one line for people."""
    by, target = entry.by_name or "server", f" {entry.target_name}" if entry.target_name else ""
    parts = [f"{wire.iso(entry.ts)} {by} {entry.action}{target}"]
    parts += [f"in {entry.room}"] if entry.room else []
    parts += [f"until {wire.iso(entry.until)}"] if entry.until else []
    parts += [f"({entry.detail})"] if entry.detail else []
    return " ".join(parts) + (f": {entry.reason}" if entry.reason else "")


def _cell(value: Any) -> str:
    text = str(value.get("name", "")) if isinstance(value, Mapping) else str(value)
    # A spreadsheet would calculate with what its users wrote.
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv(cells: Any) -> str:
    file = io.StringIO()
    csv.writer(file).writerow(cells)
    return file.getvalue()
