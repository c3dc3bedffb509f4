"""The index: its tables, and what is written to them along with messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatserver import Message, Transaction

from .words import PRIVATE, count, indexed

MIGRATIONS = (
    "CREATE TABLE search_room (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # `ts` in milliseconds; in one room it never falls with `id`.
    """
    CREATE TABLE search_doc (
        id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, words INTEGER NOT NULL, rev INTEGER NOT NULL
    )
    """,
    # Holds no texts. `ascii` splits at ASCII that is no letter or digit, and nowhere else.
    "CREATE VIRTUAL TABLE search_text USING fts5 (body, content = '', columnsize = 0, tokenize = 'ascii')",
)

SEQ_BITS = 32
"""A document's id is its room's number, and its message's seq in these bits: a room's are a range, in their order."""

_ADD_DOC = "INSERT INTO search_doc (id, ts, words, rev) VALUES (:id, :ts, :words, :rev)"
_ADD_TEXT = "INSERT INTO search_text (rowid, body) VALUES (:id, :body)"
# Without the texts, the index finds a document's words by being told them once more.
_REMOVE_TEXT = "INSERT INTO search_text (search_text, rowid, body) VALUES ('delete', :id, :body)"
_REMOVE_DOC = "DELETE FROM search_doc WHERE id = :id RETURNING id"


class Index:
    """Writes to the index, on the writer's thread."""

    def __init__(self) -> None:
        # Only those that earlier transactions have left there; a lost entry costs a query.
        self._rooms: dict[str, int] = {}

    def add(self, tx: Transaction, messages: Iterable[Message]) -> None:
        """Index new messages."""
        rows = [
            {
                "id": self._id(tx, each),
                "ts": round(each.ts * 1000),
                "words": count(each.content),
                "rev": each.rev,
                "body": body(each),
            }
            for each in messages
        ]
        tx.executemany(_ADD_DOC, rows)
        tx.executemany(_ADD_TEXT, rows)

    def catch_up(self, tx: Transaction, message: Message) -> None:
        """Index a message that may be indexed already, or as it was before an edit that the index doesn't know of.

        Without its old text it can't be taken out. So its old words stay; who reads hits looks whether they are there.
        """
        id = self._id(tx, message)
        found = tx.execute("SELECT rev FROM search_doc WHERE id = :id", id=id)
        if found and (message.deleted or found[0]["rev"] != message.rev):
            tx.execute(_REMOVE_DOC, id=id)
        if not message.deleted and (not found or found[0]["rev"] != message.rev):
            self.add(tx, [message])

    def remove(self, tx: Transaction, message: Message) -> bool:
        """Take out a message as it was; False if it wasn't there."""
        id = self._id(tx, message)
        if not tx.execute(_REMOVE_DOC, id=id):
            return False
        tx.execute(_REMOVE_TEXT, id=id, body=body(message))
        return True

    def _id(self, tx: Transaction, message: Message) -> int:
        return self._room(tx, message.room) << SEQ_BITS | message.seq

    def _room(self, tx: Transaction, name: str) -> int:
        if name not in self._rooms:
            found = tx.execute("SELECT id FROM search_room WHERE name = :name", name=name)
            if not found:
                # It may be undone with the transaction, so it isn't kept in mind yet.
                return tx.execute("INSERT INTO search_room (name) VALUES (:name) RETURNING id", name=name)[0][
                    "id"
                ]
            self._rooms[name] = found[0]["id"]
        return self._rooms[name]


def body(message: Message) -> str:
    """The words of a message, and those for what it is."""
    return " ".join([indexed(message.content), *(PRIVATE + mark for mark in _marks(message))])


def _marks(message: Message) -> Iterator[str]:
    yield message.user.id
    if message.attachments:
        yield "file"
    if any(each.mime.startswith("image/") for each in message.attachments):
        yield "image"
    if "://" in message.content:
        yield "link"
