"""What a text names after an ``@``.

The rule, as docs/protocol.md gives it to users:

- An ``@`` after a letter or a digit is no mention (``a@carl.org``), nor is one in an address with a scheme. Letters of
  scripts that put no spaces between words don't count: ``你好@carl``.
- A name ends where no letter or digit follows, even across ``.``, ``-`` or ``_``: neither ``@carla`` nor
  ``@carl.smith`` is carl, ``@carl's`` and ``@carl.`` are.
- Of several names that fit, those without punctuation at their end come first, then the longer one.
- A name may have spaces where one that is known has.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from .names import RAW_PER_CHAR, SHOWN_CHARS, USER_CHARS, name_key

# Whole addresses are passed over. What can't stand in a name ends it; see `chatserver.model.names.user_name`.
_AT = re.compile(
    rf"[a-z][a-z0-9+.-]{{0,19}}://[!-~]*|@([^\s@:/#+,]{{1,{RAW_PER_CHAR * USER_CHARS}}})", re.IGNORECASE
)

# What follows is looked at, not passed over: it may hold an address.
_AT_SPACED = re.compile(
    rf"[a-z][a-z0-9+.-]{{0,19}}://[!-~]*|@(?=([^\s@:/#+,][^\n\r\t@:/#+,]{{0,{RAW_PER_CHAR * SHOWN_CHARS}}}))",
    re.IGNORECASE,
)

_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3105-\u312f\u31f0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
"""Thai, Lao, Tibetan, Burmese, Khmer, kana, bopomofo, Han; and Hangul, which adds its particles to names."""

_JOINERS = ".-_"


def named_after_at(text: str, known: Callable[[str], str | None], spaces: bool = False) -> tuple[str, ...]:
    """What a text names, each once, in its order: ``known(name)`` gives what a name means, or None. With ``spaces``
    a name may have spaces in it."""
    found = dict.fromkeys(
        _longest(run, known, SHOWN_CHARS if spaces else USER_CHARS) for run in _runs(text, spaces)
    )
    return tuple(each for each in found if each is not None)


def named_in(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` that a text names after an ``@``, by the rule by which it mentions users."""
    if "@" not in text:
        return ()
    keys = {name_key(name): name for name in names}
    return named_after_at(text, lambda name: keys.get(name_key(name)), any(" " in key for key in keys))


def _runs(text: str, spaces: bool) -> Iterator[str]:
    """What stands after each @ that may begin a name, each once: a text may be nothing but the same name."""
    matches = (_AT_SPACED if spaces else _AT).finditer(text)
    yield from dict.fromkeys(m[1] for m in matches if m[1] is not None and not _ends_a_word(text, m.start()))


def _longest(run: str, known: Callable[[str], str | None], chars: int) -> str | None:
    """What the longest name means with which ``run`` begins."""
    composed = unicodedata.normalize("NFC", run)[: chars + 2]
    ends = [end for end in range(min(chars, len(composed)), 0, -1) if _is_end(composed, end)]
    ends.sort(key=lambda end: _is_punctuation(composed[end - 1]))
    return next((found for end in ends if (found := known(composed[:end])) is not None), None)


def _is_end(text: str, end: int) -> bool:
    """Whether a name may end there: no letter or digit goes on with it."""
    after = text[end : end + 2]
    if not after:
        return True
    if unicodedata.category(after[0])[0] == "M":
        return False
    if after[0] in _JOINERS:
        after = after[1:]
    return not after or not _is_word(after[0]) or _is_unspaced(after[0]) or _is_unspaced(text[end - 1])


def _ends_a_word(text: str, end: int) -> bool:
    """Whether a letter or a digit, with its marks, stands just before, in a script that puts spaces between words."""
    last = end - 1
    while last >= 0 and unicodedata.category(text[last])[0] == "M":
        last -= 1
    return last >= 0 and _is_word(text[last]) and not _is_unspaced(text[last])


def _is_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LN"


def _is_unspaced(char: str) -> bool:
    return _UNSPACED.match(char) is not None


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char) in ("Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm")
