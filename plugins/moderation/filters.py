"""What may not be said: words, and patterns in the linear-time syntax of RE2."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from .words import pattern, plain

_SEPARATORS = re.compile(r"[\W_]+")
Matches = Callable[[str], bool]


class Filter:
    """Finds unwanted words and patterns in any form of a text. Raises ValueError for a bad pattern, with the reason."""

    def __init__(self, words: Sequence[str], patterns: Sequence[str]) -> None:
        found = pattern(words)
        self._matches: list[Matches] = [compiled(each) for each in patterns]
        if found is not None:
            self._matches.append(lambda text: found.search(text) is not None)

    def refuses(self, text: str) -> bool:
        """Whether there is something in the text that is not said here."""
        if not self._matches:
            return False
        seen = plain(text)
        forms = dict.fromkeys((seen, joined(seen)))
        return any(matches(form) for matches in self._matches for form in forms)


def joined(text: str) -> str:
    """The text with letters that stand alone put together: ``s.p a-m`` becomes ``spam``."""
    parts: list[str] = []
    run = ""
    for part in _SEPARATORS.split(text):
        if len(part) == 1:
            run += part
            continue
        parts += [run, part] if run else [part]
        run = ""
    return " ".join([*parts, run])


def compiled(source: str) -> Matches:
    """Whether a plain text has something that the pattern finds. Raises ValueError."""
    try:
        re2: Any = importlib.import_module("re2")
    except ImportError:
        raise ValueError("patterns need google-re2: pip install 'chatserver[hears]'") from None
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    try:
        found = re2.compile(source, options)
    except re2.error as error:
        (reason,) = error.args
        text = reason.decode() if isinstance(reason, bytes) else str(reason)
        raise ValueError(f"pattern {source!r}: {text} (the syntax is that of RE2)") from None
    return lambda text: found.search(text) is not None
