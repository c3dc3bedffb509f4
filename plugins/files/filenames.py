"""File names as they come in and go out by HTTP."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote

NAME_CHARS = 120
FALLBACK = "file"


def received(header: str) -> str:
    """The name in a percent-encoded ``X-File-Name``: the last part of a path, without what could deceive a reader."""
    name = re.split(r"[/\\]", unquote(header, errors="replace"))[-1]
    name = "".join(char for char in name if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    name = unicodedata.normalize("NFC", name).strip(" .")
    stem, dot, ending = name.rpartition(".")
    if len(name) > NAME_CHARS and stem and len(ending) < 20:
        name = stem[: NAME_CHARS - len(ending) - 1] + dot + ending
    return name[:NAME_CHARS] or FALLBACK


def disposition(name: str, *, inline: bool) -> str:
    """A ``Content-Disposition`` (RFC 6266), for old and new clients."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
