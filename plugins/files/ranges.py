"""Byte ranges (RFC 9110, section 14)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE | re.ASCII)


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """The first byte asked for, and the one after the last; None for all of it.

    A header that isn't a single range of bytes asks for all of it, as the RFC allows. Raises ValueError for a range
    beyond the end.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size:
        raise ValueError("range beyond the end")
    return start, end
