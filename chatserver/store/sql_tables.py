"""Which tables a statement names: enough of SQL's grammar to keep plugins to their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Literal, NamedTuple

from .schema import metadata

_TOKEN = re.compile(
    r"""
    \s+ | --[^\n]* | /\*.*?\*/                                  # nothing
    | (?P<text>[eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<quoted>"(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\])
    | (?P<word>[^\W\d][\w$]*)
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
_NAMES = frozenset({"word", "quoted", "text"})
_FUNCTIONS = frozenset(
    {"json_each", "json_tree", "generate_series", "unnest", "json_array_elements", "jsonb_each",
     "jsonb_array_elements", "string_to_table", "regexp_matches", "regexp_split_to_table"}
)  # fmt: skip
"""What gives rows and is no table."""
_ENDS_FROM = frozenset(
    {"WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "RETURNING", "WINDOW",
     "SET", "SELECT", "VALUES", "FOR", "FETCH", "OFFSET"}
)  # fmt: skip
_BEGINS_QUERY = frozenset({"SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE", "TABLE"})
_SCHEMA = frozenset({"TABLE", "INDEX", "VIEW", "TRIGGER"})
_NAMED = frozenset({"INDEX", "TRIGGER"})
"""What a statement makes, changes or drops besides tables and views, under a name that is the plugin's too."""


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def keyword(self) -> str:
        return self.text.upper() if self.kind == "word" else ""

    @property
    def mark(self) -> str:
        return self.text if self.kind == "other" else ""


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
            # SQLite takes a text for a name where it expects one.
            yield _Token("text", found["text"].strip("'"))
        elif found["other"] is not None:
            yield _Token("other", found["other"])


@lru_cache(maxsize=1024)
def tables_named(sql: str) -> frozenset[str]:
    """The tables, views, indexes and triggers that a statement reads, writes, makes, drops or refers to, without those
    that it names itself in WITH and reads."""
    tokens = [*_tokens(sql), _Token("end", ""), _Token("end", "")]
    changes_schema = tokens[0].keyword in ("CREATE", "ALTER", "DROP")
    index = changes_schema and bool(_NAMED & {token.keyword for token in tokens[:5]})
    own = _with_names(tokens)
    found: set[str] = set()
    levels = [_Level(True)]
    at = 0
    while tokens[at].kind != "end":
        token, level = tokens[at], levels[-1]
        at += 1
        if token.mark == "(":
            inside = _Level(tokens[at].keyword in _BEGINS_QUERY)
            before = tokens[at - 2] if at > 1 else token
            levels.append(inside)
            if (
                not inside.query
                and level.from_list
                and (before.keyword in ("FROM", "JOIN") or before.mark in (",", "("))
            ):
                # A list of tables in parentheses.
                inside.query = inside.from_list = True
                at = _take(tokens, at, own, found)
            continue
        if token.mark == ")":
            if len(levels) > 1:
                levels.pop()
            continue
        keyword = token.keyword
        last = tokens[at - 2].keyword if at > 1 else ""
        expected = level.from_list and token.mark == ","
        if keyword == "SELECT":
            # One that goes on after parentheses: (SELECT 1) UNION SELECT 2.
            level.query = True
        if keyword in _BEFORE_TABLE and level.query:
            distinct = last == "DISTINCT" and keyword == "FROM" and tokens[at - 3].keyword in ("IS", "NOT")
            update = keyword == "UPDATE" and last in ("FOR", "DO", "ON", "KEY")
            # Columns, or how a table or an index is made.
            using = keyword == "USING" and (tokens[at].mark == "(" or changes_schema)
            expected = not (distinct or update or using)
            if expected:
                drops = keyword in ("TABLE", "VIEW") and tokens[0].keyword == "DROP"
                level.from_list = keyword in ("FROM", "JOIN", "USING") or drops
        elif keyword == "REFERENCES" or (changes_schema and keyword == "TO" and last == "RENAME"):
            expected = True
        elif keyword == "ON" and index and len(levels) == 1:
            expected, index = True, False
        elif keyword in _NAMED and index and at <= 4:
            expected = tokens[at].keyword != "ON"
        elif keyword in _ENDS_FROM:
            level.from_list = False
        if expected:
            # What WITH names can only be read: UPDATE writes to the table of this name.
            reads = (
                keyword in ("JOIN", "USING") or (keyword == "FROM" and last != "DELETE") or token.mark == ","
            )
            at = _take(tokens, at, own if reads else frozenset(), found)
    return frozenset(found)


def _take(tokens: list[_Token], at: int, own: AbstractSet[str], found: set[str]) -> int:
    """Add the table that is named from here on, if there is one; where it goes on."""
    at, name = _name(tokens, at)
    if name is not None and name.casefold() not in own:
        found.add(name)
    return at


def _name(tokens: list[_Token], at: int) -> tuple[int, str | None]:
    """The table that is named from here on, and where it goes on; None for a function, a query, or nothing."""
    while tokens[at].keyword in _BETWEEN:
        at += 1
    if tokens[at].kind not in _NAMES or tokens[at].keyword in _NO_TABLE:
        return at, None
    name = tokens[at].text
    at += 1
    while tokens[at].mark == "." and tokens[at + 1].kind in _NAMES:
        name = tokens[at + 1].text
        at += 2
    if name.casefold() in _FUNCTIONS and tokens[at].mark == "(":
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
        if tokens[after].mark != "(" or at == 0:
            continue
        before = at - 1
        if tokens[before].mark == ")":
            depth = 0
            while before > 0:
                depth += {")": 1, "(": -1}.get(tokens[before].mark, 0)
                before -= 1
                if depth == 0:
                    break
        if tokens[before].kind in _NAMES:
            named.add(tokens[before].text.casefold())
    return named


@lru_cache(maxsize=1024)
def foreign_table(sql: str, plugin: str) -> str | None:
    """A table that a statement names and that isn't the plugin's; None if there is none.

    No query in WITH can be called like a table of the server, as the name means the table outside of its reach.
    """
    prefix = f"{plugin}_"
    own = _with_names([*_tokens(sql), _Token("end", ""), _Token("end", "")])
    for name in sorted(tables_named(sql) | own):
        core = name.casefold() in metadata.tables
        if core or (name not in own and not name.casefold().startswith(prefix)):
            return name
    return None


Kind = Literal["read", "write", "schema"]


@lru_cache(maxsize=1024)
def statement_kind(sql: str) -> Kind:
    """Whether a statement reads rows, writes some, or changes tables. Raises ValueError for any other one, as PRAGMA
    or COMMIT, and for more than one."""
    tokens = [*_tokens(sql), _Token("end", ""), _Token("end", "")]
    first = tokens[0].keyword
    keywords = [token.keyword for token in tokens]
    end = next((at for at, token in enumerate(tokens) if token.mark == ";"), None)
    # The statements of a trigger are its own.
    if (
        end is not None
        and tokens[end + 1].kind != "end"
        and not ("TRIGGER" in keywords[:5] and "BEGIN" in keywords[:end])
    ):
        raise ValueError("a plugin runs one statement at a time")
    if first in ("CREATE", "ALTER", "DROP") and _SCHEMA & set(keywords[1:4]):
        return "schema"
    if first in ("INSERT", "UPDATE", "DELETE", "REPLACE"):
        return "write"
    if first not in ("SELECT", "WITH", "VALUES"):
        said = " ".join(token.text for token in tokens[:2] if token.kind == "word") or sql
        raise ValueError(f"a plugin can't run {said!r:.80}: it reads and writes its own tables")
    for at, keyword in enumerate(keywords):
        before, after = keywords[at - 1] if at else "", keywords[at + 1] if at + 1 < len(keywords) else ""
        if (
            keyword == "INTO"
            or (keyword == "DELETE" and after == "FROM")
            or (keyword == "UPDATE" and before not in ("FOR", "KEY"))
        ):
            return "write"
    return "read"
