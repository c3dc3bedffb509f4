"""The index in SQLite: FTS5, which holds no texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chatserver import Transaction

# `ts` in milliseconds; in one room it never falls with `id`.
CREATE_DOCS = """
CREATE TABLE search_doc (
    id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, words INTEGER NOT NULL, rev INTEGER NOT NULL
)
"""
# `ascii` splits at ASCII that is no letter or digit, and nowhere else.
CREATE_TEXTS = (
    "CREATE VIRTUAL TABLE search_text USING fts5 (body, content = '', columnsize = 0, tokenize = 'ascii')"
)

_ADD_DOC = "INSERT INTO search_doc (id, ts, words, rev) VALUES (:id, :ts, :words, :rev)"
_ADD_TEXT = "INSERT INTO search_text (rowid, body) VALUES (:id, :body)"
# Without the texts, the index finds a document's words by being told them once more.
_REMOVE = "INSERT INTO search_text (search_text, rowid, body) VALUES ('delete', :id, :body)"

ALL = """
SELECT d.id, d.ts, d.words FROM search_text AS t JOIN search_doc AS d ON d.id = t.rowid
WHERE t.search_text MATCH :match LIMIT :most
"""
NEWEST = """
SELECT d.id, d.ts, d.words FROM json_each(:ranges) AS r, json_each((
    SELECT json_group_array(rowid) FROM (
        SELECT rowid FROM search_text WHERE search_text MATCH :match
        AND rowid BETWEEN json_extract(r.value, '$[0]') AND json_extract(r.value, '$[1]')
        ORDER BY rowid DESC LIMIT :most))
) AS hit JOIN search_doc AS d ON d.id = hit.value
"""
# The same in one run over all hits: a hit counts whose :most newer ones reach into the next room.
NEWEST_IN_ONE_RUN = """
SELECT d.id, d.ts, d.words FROM (
    SELECT rowid AS id, lead(rowid, :most) OVER () AS newer FROM (
        SELECT rowid FROM search_text WHERE search_text MATCH :match ORDER BY rowid)
) AS hit JOIN search_doc AS d ON d.id = hit.id
WHERE hit.newer IS NULL OR hit.newer >> 32 <> hit.id >> 32
"""
FIRST_AND_LAST = """
SELECT json_extract(value, '$[0]') AS first, json_extract(value, '$[1]') AS last FROM json_each(:ranges)
"""


def add(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Index documents: ``id``, ``ts``, ``words``, ``rev`` and ``body`` of each."""
    tx.executemany(_ADD_DOC, rows)
    tx.executemany(_ADD_TEXT, rows)


def forget(tx: Transaction, id: int, body: str) -> None:
    """Take out the words of a document that was added with this body, and removed."""
    tx.execute(_REMOVE, id=id, body=body)


_MERGE = "INSERT INTO search_text (search_text, rank) VALUES ('merge', :pages)"
PAGES = 200
"""So much of the index is written anew in one transaction, which takes about 10 ms."""


def tidy(tx: Transaction, begin: bool) -> bool:
    """Write a part of the index anew, without the words that were taken out, which it has only marked; whether there
    is more."""
    before = tx.execute("SELECT total_changes() AS n")[0]["n"]
    # A negative number begins with all of it.
    tx.execute(_MERGE, pages=-PAGES if begin else PAGES)
    # As SQLite's documentation has it: less than two changes are none.
    return bool(tx.execute("SELECT total_changes() AS n")[0]["n"] - before >= 2)


def clear(tx: Transaction) -> None:
    """Take out all documents."""
    tx.execute("DELETE FROM search_doc")
    tx.execute("INSERT INTO search_text (search_text) VALUES ('delete-all')")


def phrase(words: Iterable[str], begins: bool) -> str:
    """Words that stand one after the other; the last may be only the beginning of one."""
    return f'"{" ".join(words)}"{" *" if begins else ""}'


AND = " "
