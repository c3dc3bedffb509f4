"""Shortcodes in a text, and where they are left alone: code, links, and colons that mean something else."""

from __future__ import annotations

import re

_CODE = re.compile(r":[^\s:`]{1,80}:")

# What is copied as it is, or else a run of shortcodes. Fences and spans as in CommonMark: a fence that is never
# closed reaches to the end, a span's backticks are matched by as many.
_PARTS = re.compile(
    r"""
    (?P<kept>
        ^[ ]{0,3}(?P<fence>`{3,}(?=[^`\n]*$)|~{3,}).*(?:\n|\Z)
        (?s:.*?)(?:^[ ]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)
      | (?<!`)(?P<ticks>`+)(?!`)(?s:.+?)(?<!`)(?P=ticks)(?!`)
      | (?<![A-Za-z0-9+.\-])(?:[A-Za-z][A-Za-z0-9+.\-]{0,30}://|www\.|mailto:)[^\s<>]*
      | \]\([^\s()]*\)
    )
    | (?<!:)(?P<codes>(?::[^\s:`]{1,80}:)+)
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


def replace(text: str) -> str:
    """The text with every known shortcode outside of code and links turned into its character.

    ``a:b:c`` and ``10:100:20`` stay: a run of codes with an ASCII letter or digit on both sides is no emoji.
    """
    if not _CODE.search(text):
        return text
    return _PARTS.sub(_part, text)


def _part(found: re.Match[str]) -> str:
    codes: str | None = found["codes"]
    if codes is None or (_wordlike(found.string, found.start() - 1) and _wordlike(found.string, found.end())):
        return found[0]
    return _CODE.sub(lambda code: _character(code[0]), codes)


def _wordlike(text: str, index: int) -> bool:
    return 0 <= index < len(text) and text[index].isascii() and text[index].isalnum()


def _character(code: str) -> str:
    # Loads a table of some thousand names: with the first shortcode, not with the server.
    from emoji import emojize

    for spelling in (code, code.lower()):
        character: str = emojize(spelling, language="alias")
        if character != spelling:
            return character
    return code
