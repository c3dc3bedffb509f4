"""Words that are not said in one room, as those who run it decide: kept, looked for, and changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from chatserver import Plugin, Reject, Room, Transaction, User, command

from .filters import Filter
from .words import plain

ROOM_WORDS = """
CREATE TABLE moderation_word (
    room VARCHAR(256) NOT NULL, word VARCHAR(100) NOT NULL, PRIMARY KEY (room, word)
)
"""
WORDS = "moderation.words"
MOST = 200
CHARS = 50
LOOK_SECONDS = 30.0
"""So soon a server follows what was changed on another one."""

Word = Annotated[str, msgspec.Meta(max_length=4096)]


class AskWords(msgspec.Struct):
    """The wire request ``moderation:words``: the words of a room, or new ones in their place."""

    room: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    words: Annotated[tuple[Word, ...], msgspec.Meta(max_length=1000)] | None = None


class RoomWords:
    """The words of each room that has some."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin
        self._words: dict[str, tuple[str, ...]] = {}
        self._filters: dict[str, Filter] = {}

    async def load(self) -> None:
        """Read all of them."""
        rows = await self._plugin.db.query("SELECT room, word FROM moderation_word ORDER BY room, word")
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["room"], []).append(row["word"])
        changed = {room: tuple(words) for room, words in found.items()}
        if changed != self._words:
            self._words = changed
            self._filters = {room: Filter(words, ()) for room, words in changed.items()}

    def of(self, room: str) -> tuple[str, ...]:
        """A room's words, sorted."""
        return self._words.get(room, ())

    def refuses(self, room: str, text: str) -> bool:
        """Whether there is something in the text that is not said in the room."""
        found = self._filters.get(room)
        return found is not None and found.refuses(text)

    async def put(self, room: Room, words: Iterable[str], by: User) -> None:
        """Let a room have these words and no others. Raises `Reject`."""
        wanted = sorted({tidy(word) for word in words})
        if len(wanted) > MOST:
            raise Reject(f"A room has {MOST} words at most.", "invalid", field="words")

        def write(tx: Transaction) -> None:
            tx.execute("DELETE FROM moderation_word WHERE room = :room", room=room.name)
            rows = [{"room": room.name, "word": word} for word in wanted]
            tx.executemany("INSERT INTO moderation_word (room, word) VALUES (:room, :word)", rows)

        if tuple(wanted) != self.of(room.name):
            await self._plugin.db.transaction(write)
            await self._plugin.chat.audit("words", by=by, room=room, detail=", ".join(wanted))
            await self.load()


def tidy(word: str) -> str:
    """A word as it is looked for. Raises `Reject` for what is none."""
    found = " ".join(plain(word).split())
    if not found or len(found) > CHARS or not any(char.isalnum() for char in found):
        raise Reject(
            f"A word has 1 to {CHARS} characters, a letter or digit among them.", "invalid", field="words"
        )
    return found


class RoomWordCommands:
    """``/words``, and the request for it, for the class of the plugin."""

    @command(permission=WORDS, examples=["/words"])
    async def words(self: Any, ctx):
        """List the words that are not said in this room."""
        return ", ".join(self.room_words.of(ctx.here().name)) or "This room has no words of its own."

    @command("words add", permission=WORDS, examples=["/words add spam"])
    async def add_word(self: Any, ctx, *, word: str):
        """Let a word not be said in this room, however it is written."""
        return await self.change_words(ctx, {*self.room_words.of(ctx.here().name), tidy(word)})

    @command("words remove", permission=WORDS, examples=["/words remove spam"])
    async def remove_word(self: Any, ctx, *, word: str):
        """Let a word be said again in this room."""
        words, word = set(self.room_words.of(ctx.here().name)), tidy(word)
        if word not in words:
            raise Reject(f"{word!r} is not one of this room's words.", "not_found", field="word")
        return await self.change_words(ctx, words - {word})

    async def change_words(self: Any, ctx, words: Iterable[str]) -> str:
        """What a command answers that changes them."""
        await self.room_words.put(ctx.here(), words, ctx.user)
        return f"Not said here: {', '.join(self.room_words.of(ctx.here().name)) or 'nothing in particular'}."

    async def answer_words(self: Any, ctx, fields: AskWords) -> dict[str, Any]:
        """The words of a room, after they are changed."""
        room = await self.chat.room(fields.room)
        if not await self.chat.may_read(room, user=ctx.user):
            raise Reject(f"There is no room {fields.room!r}.", "not_found", field="room")
        if not await self.chat.may(ctx.user, WORDS, room):
            raise Reject(f"You may not do this: it needs the permission {WORDS}.", "forbidden")
        if fields.words is not None:
            await self.room_words.put(room, fields.words, ctx.user)
        return {"words": self.room_words.of(room.name)}
