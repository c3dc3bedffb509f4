"""Finding unwanted words, without finding them inside innocent ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence


def plain(text: str) -> str:
    """The text without case, compatibility forms (``ｓｐａｍ``) and invisible characters (``sp\u200bam``)."""
    visible = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())


def pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """What finds any of these words in a `plain` text; None for no words."""
    wanted = [plain(word.strip()) for word in words]
    parts = [
        _edge(word[0], "(?<!{})") + re.escape(word) + _edge(word[-1], "(?!{})") for word in wanted if word
    ]
    return re.compile("|".join(parts)) if parts else None


def _edge(char: str, template: str) -> str:
    """Words end at a letter's edge only in scripts that put spaces between them; those without case mostly don't."""
    return template.format(r"\w") if char.isalnum() and unicodedata.category(char) != "Lo" else ""
