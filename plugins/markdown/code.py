"""Colours for code: the classes of Pygments."""

from __future__ import annotations

import functools
from time import thread_time

from markdown_it.common.utils import escapeHtml
from pygments import format
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Text
from pygments.util import ClassNotFound

LONGEST_CHARS = 4_000
"""Longer code has no colours: they make it many times as long."""
LONGEST_SECONDS = 0.1
"""Of the processor's time: what is not done by then has no colours. Some languages take quadratic time for nonsense."""

_NAMES = """
    bash batch c clojure cmake common-lisp cpp csharp css dart diff docker elixir elm erlang fortran
    fsharp go graphql groovy haskell html http ini java javascript json jsx julia kotlin less lua make
    nginx nixos objective-c perl php powershell protobuf pycon pytb python ruby rust sass scala scheme
    scss solidity splus sql swift terraform tex toml tsx typescript vim xml yaml zig
"""
LANGUAGES = frozenset(_NAMES.split())
"""By the first names that Pygments has for them; those in which no single step takes long for any text."""


def highlighted(code: str, language: str) -> str:
    """The HTML of ``code``; without colours where it is too long, or the language is none of `LANGUAGES`."""
    lexer = _lexer(language) if len(code) <= LONGEST_CHARS else None
    if lexer is None:
        return escapeHtml(code)
    tokens = _tokens(lexer, code)
    # A lexer may say things twice, or leave some out, where it is confused by nonsense.
    if "".join(text for _, text in tokens) != code:
        return escapeHtml(code)
    html: str = format(tokens, HtmlFormatter(nowrap=True))
    return html


def _tokens(lexer, code: str) -> list[tuple[object, str]]:
    end = thread_time() + LONGEST_SECONDS
    tokens: list[tuple[object, str]] = []
    done = 0
    for kind, text in lexer.get_tokens(code):
        tokens.append((kind, text))
        done += len(text)
        if done > len(code) or thread_time() > end:
            return [*tokens, (Text, code[done:])]
    return tokens


@functools.lru_cache(maxsize=256)
def _lexer(language: str):
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
    return lexer if lexer.aliases[0] in LANGUAGES else None
