"""The index in PostgreSQL: a ``tsvector`` of each document, made of the words here, not by one of its dictionaries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chatserver import Transaction

CREATE_DOCS = """
CREATE TABLE search_doc (
    id BIGINT PRIMARY KEY, ts BIGINT NOT NULL, words INTEGER NOT NULL, rev INTEGER NOT NULL, body TSVECTOR NOT NULL
)
"""
CREATE_TEXTS = "CREATE INDEX search_doc_body ON search_doc USING gin (body)"

# PostgreSQL's own limits, below which nothing is lost without a word.
LONGEST_BYTES = 2046
LAST_PLACE = 16_383

_ADD = """
INSERT INTO search_doc (id, ts, words, rev, body) VALUES (:id, :ts, :words, :rev, CAST(:body AS tsvector))
"""

ALL = "SELECT id, ts, words FROM search_doc WHERE body @@ CAST(:match AS tsquery) LIMIT :most"
NEWEST = """
SELECT hit.id, hit.ts, hit.words
FROM json_array_elements(CAST(:ranges AS json)) AS r (range) CROSS JOIN LATERAL (
    SELECT id, ts, words FROM search_doc WHERE body @@ CAST(:match AS tsquery)
    AND id BETWEEN CAST(r.range->>0 AS bigint) AND CAST(r.range->>1 AS bigint)
    ORDER BY id DESC LIMIT :most
) AS hit
"""
NEWEST_IN_ONE_RUN = NEWEST
FIRST_AND_LAST = """
SELECT CAST(range->>0 AS bigint) AS first, CAST(range->>1 AS bigint) AS last
FROM json_array_elements(CAST(:ranges AS json)) AS r (range)
"""
# As FTS5's `ascii`: at ASCII that is no letter or digit, and nowhere else.
_BETWEEN = re.compile(r"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def add(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Index documents: ``id``, ``ts``, ``words``, ``rev`` and ``body`` of each."""
    tx.executemany(_ADD, [{**row, "body": " ".join(_lexemes(row["body"]))} for row in rows])


def forget(tx: Transaction, id: int, body: str) -> None:
    """Take out the words of a document that was removed: they are in its row here."""


def tidy(tx: Transaction, begin: bool) -> bool:
    """Nothing: PostgreSQL's autovacuum does it."""
    return False


def clear(tx: Transaction) -> None:
    """Take out all documents."""
    tx.execute("DELETE FROM search_doc")


def phrase(words: Iterable[str], begins: bool) -> str:
    """Words that stand one after the other; the last may be only the beginning of one."""
    return f"({' <-> '.join(map(_quoted, words))}{':*' if begins else ''})"


AND = " & "


def _lexemes(body: str) -> Iterator[str]:
    """Each word with its place, as a tsvector is written."""
    words = filter(None, _BETWEEN.split(body.translate(_LOWER)))
    for place, word in enumerate(words, 1):
        yield f"{_quoted(word)}:{min(place, LAST_PLACE)}"


def _quoted(word: str) -> str:
    # Words have neither quotes nor backslashes: they are split there. A long one is known by its beginning.
    return f"'{word.encode()[:LONGEST_BYTES].decode(errors='ignore')}'"
