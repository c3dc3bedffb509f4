"""Shortcodes in a text, and where they are left alone: code, links, and colons that mean something else."""

from __future__ import annotations

import re
import unicodedata

_CODE = re.compile(r":[^\s:`]{1,80}:")
_LETTER = re.compile(r"[^\W\d_]")
_WITHOUT_LETTER = frozenset({":+1:", ":-1:"})
_JSON_STRING_END = re.compile(r'"\s{0,40}[:,}\]]')

_TONES = {
    ":skin-tone-2:": "light",
    ":skin-tone-3:": "medium-light",
    ":skin-tone-4:": "medium",
    ":skin-tone-5:": "medium-dark",
    ":skin-tone-6:": "dark",
}
"""As other chats call them, by the steps of the Fitzpatrick scale."""

# Scripts whose text goes on directly after a foreign word: Thai and Lao, Myanmar, Khmer, Chinese, Japanese, Korean.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u31ff\u3400-\u9fff"
    "\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)

# What is copied as it is, or else a run of shortcodes. Code as in CommonMark: a fence that is never closed reaches to
# the end, lines after an empty one may be indented, a span's backticks are matched by as many.
_PARTS = re.compile(
    r"""
    (?P<kept>
        ^[ ]{0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,}).*(?:\n|\Z)
        (?s:.*?)(?:^[ ]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)
      | (?:\A|(?<=\n\n))(?:(?:[ ]{4}|[ ]{0,3}\t).*(?:\n|\Z))+
      | (?<!`)(?P<ticks>`+)(?!`)(?s:.+?)(?<!`)(?P=ticks)(?!`)
      | (?<![A-Za-z0-9+.\-])(?:[A-Za-z][A-Za-z0-9+.\-]{0,30}://|www\.|mailto:)[^\s<>]*
      | \]\([^\s()]*\)
    )
    | (?<!:)(?P<codes>(?::[^\s:`]{1,80}:)+)
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)

_OPENING = "([<>*_~|.,!?;"
"""ASCII characters that a shortcode may follow, besides white space."""
_CLOSING = ")]<>*_~|.,!?;'"
"""ASCII characters that may follow one; a quotation mark may too, unless it closes a string of JSON."""


def replace(text: str) -> str:
    """The text with every known shortcode turned into its character, outside of code and links.

    A shortcode counts between boundaries: white space, brackets, punctuation, other emoji, or a script in which no
    space is put there. So ``a:b:c``, ``10:100:20``, ``fd00:1234::1`` and JSON stay as they are. It has a letter in
    it, but for ``:+1:`` and ``:-1:``. ``:skin-tone-2:`` to ``:skin-tone-6:`` right after one give it that tone.
    """
    if not _CODE.search(text):
        return text
    return _PARTS.sub(_part, text)


def _part(found: re.Match[str]) -> str:
    codes: str | None = found["codes"]
    if codes is None or not stands_alone(found.string, found.start(), found.end()):
        return found[0]
    shown: list[str] = []
    for code in _CODE.findall(codes):
        toned = _toned(shown[-1], code) if shown else None
        if toned is None:
            shown.append(_character(code))
        else:
            shown[-1] = toned
    return "".join(shown)


def _toned(char: str, code: str) -> str | None:
    """A character in a skin tone; None for what has none, and where the code says no tone."""
    tone = _TONES.get(code)
    if tone is None:
        return None
    from emoji import demojize, emojize

    name: str = demojize(char)
    wanted = f"{name[:-1]}_{tone}_skin_tone:"
    found: str = emojize(wanted)
    return None if found == wanted or not name.startswith(":") else found


def stands_alone(text: str, start: int, end: int) -> bool:
    return _is_boundary(text[start - 1 : start], _OPENING) and (
        _is_boundary(text[end : end + 1], _CLOSING)
        or (text.startswith('"', end) and not _JSON_STRING_END.match(text, end))
    )


def _is_boundary(char: str, marks: str) -> bool:
    if not char or char.isspace():
        return True
    if char.isascii():
        return char in marks
    if _UNSPACED.match(char):
        return True
    # Marks belong to the letter before them; a variation selector belongs to an emoji.
    in_word = char.isalnum() or unicodedata.category(char) in ("Mn", "Mc")
    return not in_word or "\ufe00" <= char <= "\ufe0f"


def _character(code: str) -> str:
    if code not in _WITHOUT_LETTER and not _LETTER.search(code):
        return code
    # Loads a table of some thousand names: with the first shortcode, not with the server.
    from emoji import emojize

    for spelling in (code, code.lower()):
        character: str = emojize(spelling, language="alias")
        if character != spelling:
            return character
    return code
