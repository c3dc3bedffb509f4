"""Words that users wait for, found in a text at once for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_KEYWORDS = 50
KEYWORD_CHARS = 60

_WORD = re.compile(r"\w+")
# Scripts that put no spaces between words: there a keyword may stand anywhere.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]"
)


class Keywords:
    """Each user's words. A text is cut into words once; what begins with one of them is compared with the text."""

    def __init__(self) -> None:
        self._by_user: dict[str, tuple[str, ...]] = {}
        self._users: dict[str, set[str]] = {}
        """Who waits for a keyword."""
        self._starts: dict[str, set[str]] = {}
        """Keywords by the first word in them, or by their first character of a script without spaces."""

    def __bool__(self) -> bool:
        return bool(self._users)

    def put(self, user_id: str, words: Iterable[str]) -> None:
        """Let these be all words of a user."""
        for keyword in self._by_user.pop(user_id, ()):
            self._users[keyword].discard(user_id)
            if not self._users[keyword]:
                del self._users[keyword]
                start = _start(keyword)
                self._starts[start].discard(keyword)
                if not self._starts[start]:
                    del self._starts[start]
        keywords = tuple(dict.fromkeys(key for word in words if _start(key := tidy(word).casefold())))
        if keywords:
            self._by_user[user_id] = keywords
        for keyword in keywords:
            self._users.setdefault(keyword, set()).add(user_id)
            self._starts.setdefault(_start(keyword), set()).add(keyword)

    def users(self, text: str) -> list[str]:
        """The ids of the users that wait for something in a text."""
        text = text.casefold()
        words = set(_WORD.findall(text))
        starts = words if text.isascii() else words.union(char for char in text if _UNSPACED.match(char))
        found: set[str] = set()
        for start in starts & self._starts.keys():
            for keyword in self._starts[start]:
                if _contains(text, keyword):
                    found |= self._users[keyword]
        return sorted(found)


def tidy(word: str) -> str:
    """A keyword with single spaces."""
    return " ".join(word.split())


def _start(keyword: str) -> str:
    """By what a keyword is found; empty for one without a letter or a digit, which isn't looked for."""
    found = _WORD.search(keyword)
    if found is None:
        return ""
    return found[0][0] if _UNSPACED.match(found[0][0]) else found[0]


def _contains(text: str, keyword: str) -> bool:
    """Whether a text has a keyword as words of its own, or, in scripts without spaces, anywhere."""
    at = text.find(keyword)
    while at >= 0:
        end = at + len(keyword)
        if _apart(text[at - 1 : at], keyword[0]) and _apart(text[end : end + 1], keyword[-1]):
            return True
        at = text.find(keyword, at + 1)
    return False


def _apart(outside: str, edge: str) -> bool:
    """Whether a keyword with this character at its edge may stand beside what is outside."""
    return (
        not _WORD.match(outside)
        or not _WORD.match(edge)
        or bool(_UNSPACED.match(outside) or _UNSPACED.match(edge))
    )
