"""A user's name taken out of texts of others, where it stands after an ``@``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable


def unnamed(text: str, names: Iterable[str], alias: str) -> str:
    """The text with ``@alias`` for each ``@name``, however it is written: ``@ann`` is not taken out of ``@anna``."""
    text = unicodedata.normalize("NFC", text)
    # The longer one first: it may begin with the other.
    for name in sorted(set(names), key=len, reverse=True):
        text = re.sub(rf"@{re.escape(name)}(?!\w)", lambda _: f"@{alias}", text, flags=re.IGNORECASE)
    return text
