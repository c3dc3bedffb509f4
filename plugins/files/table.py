"""What is known of each file. Its bytes are in `Storage`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

import msgspec

from chatserver import Attachment, Message

MIGRATIONS = (
    """CREATE TABLE files_file (
        id VARCHAR(32) PRIMARY KEY,
        room TEXT NOT NULL,
        user_id TEXT NOT NULL,
        name TEXT NOT NULL,
        size BIGINT NOT NULL,
        mime TEXT NOT NULL,
        inline INTEGER NOT NULL,
        width INTEGER,
        height INTEGER,
        created DOUBLE PRECISION NOT NULL,
        message_id TEXT,
        gone INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX files_file_user ON files_file (user_id)",
    "CREATE INDEX files_file_message ON files_file (message_id)",
    """CREATE TABLE files_use (
        message_id TEXT NOT NULL,
        file_id VARCHAR(32) NOT NULL,
        PRIMARY KEY (message_id, file_id)
    )""",
    "CREATE INDEX files_use_file ON files_use (file_id)",
    "INSERT INTO files_use (message_id, file_id) "
    "SELECT message_id, id FROM files_file WHERE message_id IS NOT NULL",
    "DROP INDEX files_file_message",
    "ALTER TABLE files_file DROP COLUMN message_id",
    "ALTER TABLE files_file ADD COLUMN preview INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE files_file ADD COLUMN address TEXT NOT NULL DEFAULT ''",
)

IDS = 500
"""How many ids one statement names."""
COLUMNS = "id, room, user_id, name, size, mime, inline, width, height, created, preview, address"
_SIZES = """
SELECT COALESCE(SUM(CASE WHEN user_id = :user_id THEN size ELSE 0 END), 0) AS "user",
    COALESCE(SUM(CASE WHEN room = :room THEN size ELSE 0 END), 0) AS room,
    COALESCE(SUM(CASE WHEN address = :address THEN size ELSE 0 END), 0) AS address,
    COALESCE(SUM(size), 0) AS server
FROM files_file
"""
_USED = "EXISTS (SELECT 1 FROM files_use WHERE file_id = files_file.id)"


class File(msgspec.Struct, frozen=True):
    """A row. ``inline``: safe to show in a page. ``preview``: there is a smaller picture of it. ``address``: where it
    was uploaded from, for a day. ``used``: a message names it."""

    id: str
    room: str
    user_id: str
    name: str
    size: int
    mime: str
    inline: bool
    width: int | None
    height: int | None
    created: float
    preview: bool = False
    address: str = ""
    used: bool = False

    def attachment(self) -> Attachment:
        """The file as a message shows it."""
        return Attachment(
            id=self.id,
            name=self.name,
            size=self.size,
            mime=self.mime,
            url=f"/plugins/files/f/{self.id}/{quote(self.name, safe='')}",
            inline=self.inline,
            width=self.width,
            height=self.height,
            preview=f"/plugins/files/p/{self.id}" if self.preview else None,
        )


class Table:
    """``files_file``, and in ``files_use`` which messages name which file.

    As a rule it is one. Two that are on their way at once may name the same file: neither can be refused any longer
    when they are written, so both keep it, and it goes with the last. A row marked ``gone`` is no longer found and
    waits for its bytes to be deleted.
    """

    def __init__(self, db) -> None:
        self._db = db

    async def add(self, file: File) -> None:
        names = COLUMNS.split(", ")
        values = ", ".join(f":{name}" for name in names)
        row = {name: getattr(file, name) for name in names}
        row |= {"inline": int(file.inline), "preview": int(file.preview)}
        await self._db.execute(f"INSERT INTO files_file ({COLUMNS}) VALUES ({values})", **row)

    async def get(self, file_id: str) -> File | None:
        found = await self.find([file_id])
        return found[0] if found else None

    async def find(self, ids: Sequence[str]) -> list[File]:
        """Those of the files that there are, in no order."""
        names, params = _listed(ids)
        rows = await self._db.query(
            f"SELECT {COLUMNS}, {_USED} AS used FROM files_file WHERE gone = 0 AND id IN ({names})", **params
        )
        flags = ("inline", "preview", "used")
        return [File(**{**row, **{name: bool(row[name]) for name in flags}}) for row in rows]

    async def messages(self, file_id: str) -> list[str]:
        """The ids of the messages that name the file."""
        rows = await self._db.query("SELECT message_id FROM files_use WHERE file_id = :id", id=file_id)
        return [row["message_id"] for row in rows]

    async def sizes(self, user_id: str, room: str, address: str) -> dict[str, int]:
        """How many bytes are kept for a ``user``, a ``room``, an ``address`` within a day, and on the ``server``."""
        rows = await self._db.query(_SIZES, user_id=user_id, room=room, address=address)
        return {name: int(size) for name, size in rows[0].items()}

    async def known(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that have a row, whose bytes have to be there."""
        found: set[str] = set()
        asked = list(ids)
        for start in range(0, len(asked), IDS):
            names, params = _listed(asked[start : start + IDS])
            rows = await self._db.query(f"SELECT id FROM files_file WHERE id IN ({names})", **params)
            found.update(row["id"] for row in rows)
        return found

    async def age(self, *, day_ago: float, expired: float | None) -> None:
        """Forget addresses after a day, and give up what is older than it may get (``expired``)."""

        def work(tx) -> None:
            tx.execute(
                "UPDATE files_file SET address = '' WHERE address <> '' AND created < :ago", ago=day_ago
            )
            if expired is not None:
                tx.execute(
                    "UPDATE files_file SET gone = 1 WHERE gone = 0 AND created < :expired", expired=expired
                )

        await self._db.transaction(work)

    async def give_up_of(self, user_id: str) -> None:
        """All files of a user are gone."""
        await self._db.execute(
            "UPDATE files_file SET gone = 1, name = '', address = '' WHERE user_id = :id", id=user_id
        )

    async def useless(self, *, unused_before: float) -> list[str]:
        rows = await self._db.query(
            f"SELECT id FROM files_file WHERE gone = 1 OR (created < :before AND NOT {_USED})",
            before=unused_before,
        )
        return [row["id"] for row in rows]

    async def remove(self, ids: Iterable[str]) -> None:
        params = [{"id": file_id} for file_id in ids]
        if params:
            await self._db.transaction(
                lambda tx: tx.executemany("DELETE FROM files_file WHERE id = :id", params)
            )

    def attach(self, tx, message: Message) -> None:
        """In the transaction that posts the message: its files are used now, those that are still there."""
        for attachment in message.attachments:
            tx.execute(
                "INSERT INTO files_use (message_id, file_id) "
                "SELECT CAST(:message AS TEXT), id FROM files_file WHERE id = :id AND gone = 0",
                message=message.id,
                id=attachment.id,
            )

    def give_up(self, tx, message_id: str) -> None:
        """In the transaction that deletes the message: files that no other one names are gone."""
        tx.execute(
            "UPDATE files_file SET gone = 1 WHERE id IN (SELECT file_id FROM files_use WHERE message_id = :message) "
            "AND NOT EXISTS (SELECT 1 FROM files_use AS other "
            "WHERE other.file_id = files_file.id AND other.message_id <> :message)",
            message=message_id,
        )
        tx.execute("DELETE FROM files_use WHERE message_id = :message", message=message_id)


def _listed(values: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Placeholders for an ``IN (…)`` and their values."""
    params = {f"v{index}": value for index, value in enumerate(values)}
    return ", ".join(f":{name}" for name in params), params
