"""Which tables a statement names: enough of SQL's grammar to keep plugins to their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    \s+ | --[^\n]* | /\*.*?\*/                                  # nothing
    | (?P<text>[eE]?'(?:[^']|'')*' | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<quoted>"(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\])
    | (?P<word>[^\W\d]\w*)
    | (?P<other>::|:\w+|[\w.]*\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BEFORE_TABLE = frozenset({"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "REFERENCES", "VIEW", "USING"})
_BETWEEN = frozenset(
    {"IF", "NOT", "EXISTS", "ONLY", "LATERAL", "OR", "REPLACE", "IGNORE", "ROLLBACK", "ABORT", "FAIL"}
)  # fmt: skip
"""What may stand between one of those and the table."""
_NO_TABLE = frozenset(
    {"SELECT", "VALUES", "SET", "CASCADE", "RESTRICT", "NO", "NOWAIT", "SKIP", "OF", "UNNEST", "DEFAULT"}
)  # fmt: skip
"""What stands there instead of a table."""
_FUNCTIONS = frozenset(
    {"json_each", "json_tree", "generate_series", "unnest", "json_array_elements", "jsonb_each",
     "jsonb_array_elements", "string_to_table", "regexp_matches", "regexp_split_to_table"}
)  # fmt: skip
"""What gives rows and is no table."""
_ENDS_FROM = frozenset(
    {"WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "RETURNING", "WINDOW",
     "SET", "SELECT", "VALUES", "ON", "USING"}
)  # fmt: skip


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def keyword(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


class _Level:
    """A statement, or what is between two parentheses."""

    __slots__ = ("from_list", "query")

    def __init__(self, query: bool) -> None:
        self.query = query
        self.from_list = False


def _tokens(sql: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(sql):
        if found["word"] is not None:
            yield _Token("word", found["word"])
        elif found["quoted"] is not None:
            yield _Token("quoted", found["quoted"][1:-1])
        elif found["text"] is not None:
            yield _Token("text", "")
        elif found["other"] is not None:
            yield _Token("other", found["other"])


@lru_cache(maxsize=1024)
def tables_named(sql: str) -> frozenset[str]:
    """The tables and views that a statement reads, writes, makes or refers to, without those that it names itself in
    WITH."""
    tokens = [*_tokens(sql), _Token("end", ""), _Token("end", "")]
    own = _with_names(tokens)
    index = bool({"INDEX", "TRIGGER"} & {token.keyword for token in tokens[:5]})
    virtual = tokens[1].keyword == "VIRTUAL"
    found: set[str] = set()
    levels = [_Level(True)]
    at = 0
    while tokens[at].kind != "end":
        token, level = tokens[at], levels[-1]
        at += 1
        if token.text == "(":
            inside = _Level(tokens[at].keyword in ("SELECT", "WITH", "VALUES"))
            before = tokens[at - 2] if at > 1 else token
            levels.append(inside)
            if (
                not inside.query
                and level.from_list
                and (before.keyword in _BEFORE_TABLE or before.text == ",")
            ):
                # A list of tables in parentheses.
                inside.query = inside.from_list = True
                at = _take(tokens, at, own, found)
            continue
        if token.text == ")":
            if len(levels) > 1:
                levels.pop()
            continue
        keyword = token.keyword
        expected = level.from_list and token.text == "," and token.kind == "other"
        if keyword in _BEFORE_TABLE and level.query:
            distinct = keyword == "FROM" and tokens[at - 2].keyword == "DISTINCT" and at > 2
            last = tokens[at - 2].keyword if at > 1 else ""
            expected = not (distinct and tokens[at - 3].keyword in ("IS", "NOT")) and not (
                keyword == "UPDATE" and last in ("FOR", "DO", "ON", "KEY")
            )
            # Columns, or what makes a virtual table.
            expected = expected and not (keyword == "USING" and (tokens[at].text == "(" or virtual))
            level.from_list = expected and keyword in ("FROM", "JOIN", "USING")
        elif keyword == "REFERENCES":
            expected = True
        elif keyword == "ON" and index and len(levels) == 1:
            expected, index = True, False
        elif keyword in _ENDS_FROM:
            level.from_list = False
        if expected:
            at = _take(tokens, at, own, found)
    return frozenset(found)


def _take(tokens: list[_Token], at: int, own: set[str], found: set[str]) -> int:
    """Add the table that is named from here on, if there is one; where it goes on."""
    at, name = _name(tokens, at)
    if name is not None and name.casefold() not in own:
        found.add(name)
    return at


def _name(tokens: list[_Token], at: int) -> tuple[int, str | None]:
    """The table that is named from here on, and where it goes on; None for a function, a query, or nothing."""
    while tokens[at].keyword in _BETWEEN:
        at += 1
    if tokens[at].kind not in ("word", "quoted") or tokens[at].keyword in _NO_TABLE:
        return at, None
    name = tokens[at].text
    at += 1
    while tokens[at].text == "." and tokens[at + 1].kind in ("word", "quoted"):
        name = tokens[at + 1].text
        at += 2
    if name.casefold() in _FUNCTIONS and tokens[at].text == "(":
        return at, None
    return at, name


def _with_names(tokens: list[_Token]) -> set[str]:
    """The names that WITH gives to queries: ``name [(columns)] AS [NOT MATERIALIZED] (``."""
    if all(token.keyword != "WITH" for token in tokens):
        return set()
    named: set[str] = set()
    for at, token in enumerate(tokens):
        if token.keyword != "AS":
            continue
        after = at + 1
        while tokens[after].keyword in ("NOT", "MATERIALIZED"):
            after += 1
        if tokens[after].text != "(" or tokens[after].kind != "other" or at == 0:
            continue
        before = at - 1
        if tokens[before].text == ")":
            depth = 0
            while before > 0:
                depth += {")": 1, "(": -1}.get(tokens[before].text, 0)
                before -= 1
                if depth == 0:
                    break
        if tokens[before].kind in ("word", "quoted"):
            named.add(tokens[before].text.casefold())
    return named


def foreign_table(sql: str, plugin: str) -> str | None:
    """A table that a statement names and that isn't the plugin's; None if there is none."""
    prefix = f"{plugin}_"
    return next((name for name in sorted(tables_named(sql)) if not name.casefold().startswith(prefix)), None)
