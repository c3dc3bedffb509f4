"""Whether a text has any markup: most messages have none, and cost no parser."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[^\s#>+=\d*_`\[<&\\$~|-][^\n*_`\[<&\\$~|]*")
"""A line without any sign of markup: nearly all messages."""
_INLINE = re.compile(r"[*_`\[<&\\]|\$[^$]*\$|\$\$|~~|\|\|")
"""What begins a markup inside of a line."""
_BLOCK = re.compile(
    r"""
    [ ]{0,3}(?:
        [#]{1,6}(?:[ \t]|$)             # a heading
      | >                               # a quote
      | [-+](?:[ \t]|$) | \d{1,9}[.)](?:[ \t]|$)   # a list
      | ~~~                             # code
      | -[ \t]*-[ \t-]*$ | =+[ \t]*$    # a rule, or a line below a heading or a table's head
    )
    | [ ]{4} | [ ]{0,3}\t               # code, by its indentation
    | .*[|]                             # a table
    """,
    re.VERBOSE | re.MULTILINE,
)
_TAG = re.compile(r"<[^>]*>")
_NEXT_BLOCK = re.compile(rf"^(?:{_BLOCK.pattern})", re.VERBOSE | re.MULTILINE)


def has_markup(text: str) -> bool:
    """Whether a text may be more than plain text. Without markup its HTML is the escaped text."""
    if _PLAIN.fullmatch(text):
        return False
    if _INLINE.search(text) or _BLOCK.match(text):
        return True
    return "\n" in text and _NEXT_BLOCK.search(text) is not None


def shows(html: str) -> bool:
    """Whether there is anything to be seen of a message's HTML."""
    return "<hr" in html or bool(_TAG.sub("", html).strip())
