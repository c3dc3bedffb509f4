"""Finding messages by their words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from chatserver import Event, Plugin, Reject, RequestSpec, Transaction, User, command, hookimpl

from .finder import Finder, Hit, Ranges, match, match_together
from .index import MIGRATIONS, Index, texts
from .query import Has, Query, day, parse
from .snippet import has_all, snippet

LIMIT = 100
AT_ONCE = 2
"""How many searches run at once, so that they leave readers of the database to others."""
LINES = 10
"""How many messages the command shows."""
_CURSOR = re.compile(r"(?:new\.(\d{1,15})\.(\d{1,18})|best\.(\d{1,6}))", re.ASCII)


class Ask(msgspec.Struct):
    """The wire request ``search``. What is said here and in the query has to be true both."""

    query: Annotated[str, msgspec.Meta(max_length=500)] = ""
    room: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    sender: Annotated[str, msgspec.Meta(max_length=100)] | None = msgspec.field(default=None, name="from")
    has: Has | None = None
    before: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    after: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    sort: Literal["new", "best"] = "new"
    limit: Annotated[int, msgspec.Meta(ge=1, le=LIMIT)] = 20
    cursor: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class Found(msgspec.Struct):
    """A page of what was found; ``cursor`` says where the next one begins, None for nowhere."""

    results: list[tuple[Event, str]]
    cursor: str | None = None


class Search(Plugin):
    """Keeps an index of all messages, written along with them, and finds those that a user may read."""

    migrations = MIGRATIONS
    tables_from_log = True

    @hookimpl
    def startup(self):
        self.finder = Finder(self.db)
        self.index = Index(self.db.dialect)
        self.texts = texts(self.db.dialect)
        self.turns = asyncio.Semaphore(AT_ONCE)
        self.tidying = asyncio.Lock()
        # What was written before the plugin was there, or while it was off.
        self.follow(
            self.catch_up,
            events=("message", "edited", "deleted"),
            only_missed=True,
            anew=self.index.clear,
        )

    @hookimpl
    def register_permissions(self):
        return {"search.use": "guest"}

    @hookimpl
    def register_requests(self):
        return [RequestSpec("search", Ask, self.answer, bare=True)]

    @hookimpl(events=("message", "edited", "deleted"))
    def in_commit(self, tx: Transaction, events: Sequence[Event]):
        new = [event.message for event in events if event.type == "message" and event.message is not None]
        self.index.add(tx, new)
        for event in events:
            # What was never indexed is not indexed by an edit.
            if event.before is not None and self.index.remove(tx, event.before) and event.type == "edited":
                self.index.add(tx, [event.message] if event.message is not None else [])

    @hookimpl
    async def after_expire(self):
        self.spawn(self.tidy())

    @hookimpl
    async def erase_user(self):
        await self.tidy()

    async def tidy(self) -> None:
        """Let the words that were taken out of the index be gone from the disk, too."""
        async with self.tidying:
            begin = True
            while await self.db.transaction(partial(self.texts.tidy, begin=begin)):
                begin = False

    def catch_up(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Index what `in_commit` has not."""
        for event in events:
            if event.message is not None:
                self.index.catch_up(tx, event.message)

    async def answer(self, ctx, fields: Ask) -> Mapping[str, Any]:
        query = self.asked(fields)
        async with self.turns:
            found = await self.find(ctx.user, query, fields)
        results = [
            {"message": self.chat.wire(event), "room": event.room, "snippet": piece}
            for event, piece in found.results
        ]
        return {"results": results, "more": found.cursor is not None, "cursor": found.cursor}

    @command(
        permission="search.use", examples=["/search pizza", '/search "due date" from:bob after:2026-07-01']
    )
    async def search(self, ctx, *, query: str):
        """Find messages; also by from:, in:, has:, before: and after:."""
        fields = Ask(query, limit=LINES)
        async with self.turns:
            found = await self.find(ctx.user, self.asked(fields), fields)
        lines = [line(event) for event, _ in found.results]
        return "\n".join([*lines, *(["…"] if found.cursor else [])]) or "Nothing was found."

    def asked(self, fields: Ask) -> Query:
        """All that is looked for. Raises `Reject`."""
        query = parse(fields.query)
        if fields.sender is not None:
            query = _narrowed(query, "sender", fields.sender, "from")
        if fields.room is not None:
            query = _narrowed(query, "room", fields.room, "room")
        after = [query.after, None if fields.after is None else day(fields.after, "after")]
        before = [query.before, None if fields.before is None else day(fields.before, "before")]
        query = msgspec.structs.replace(
            query,
            has=query.has | ({fields.has} if fields.has else set()),
            after=max((each for each in after if each is not None), default=None),
            before=min((each for each in before if each is not None), default=None),
        )
        if not query:
            raise Reject("Say what to look for: some words, from: or has:.", "invalid", field="query")
        return query

    async def find(self, user: User, query: Query, fields: Ask) -> Found:
        """A page of what ``user`` may read. Raises `Reject`."""
        if not await self.chat.may(user, "search.use"):
            raise Reject("You may not search.", "forbidden")
        cursor = _cursor(fields)
        sender = None if query.sender is None else await self.sender(query.sender, fields)
        numbers = await self.finder.rooms()
        names = {numbers[name]: name for name in await self.readable(user, query.room) if name in numbers}
        ranges = await self.finder.ranges(list(names), query.after, query.before)
        reading = _Reading(self, user, query, names, ranges)
        if fields.sort == "best":
            together = match_together(query, sender, self.texts)
            return await reading.best(match(query, sender, self.texts), together, cursor, fields.limit)
        return await reading.newest(match(query, sender, self.texts), cursor, fields.limit)

    async def sender(self, name: str, fields: Ask) -> str:
        """The id of a user. Raises Reject (``not_found``)."""
        try:
            return (await self.chat.user(name)).id
        except Reject as refusal:
            field = "query" if fields.sender is None else "from"
            raise Reject(refusal.message, refusal.code, field=field) from None

    async def readable(self, user: User, room: str | None) -> list[str]:
        """The names of the rooms to look in. Raises Reject (``not_found``) for a room that is none to this user."""
        if room is None:
            return [each.name for each in await self.chat.rooms(user=user)]
        name = room.removeprefix("#")
        if not await self.chat.may_read(name, user=user):
            raise Reject(f"There is no room {name!r}.", "not_found", field="room")
        return [(await self.chat.room(name)).name]


class _Reading:
    """One search: its hits are read as its user may read them."""

    def __init__(
        self, plugin: Search, user: User, query: Query, names: Mapping[int, str], ranges: Ranges
    ) -> None:
        self.plugin = plugin
        self.user = user
        self.query = query
        self.names = names
        self.ranges = dict(ranges)

    async def newest(self, wanted: str, after: Hit | int | None, limit: int) -> Found:
        last = after if isinstance(after, Hit) else None
        found: list[tuple[Event, str]] = []
        while self.ranges:
            hits = await self.plugin.finder.newest(wanted, self.ranges, limit + 1, last)
            if not hits:
                break
            for hit in hits:
                if len(found) == limit:
                    assert last is not None
                    return Found(found, f"new.{last.ts}.{last.id}")
                found += await self.read(hit)
                last = hit
        return Found(found)

    async def best(self, wanted: str, together: str | None, after: Hit | int | None, limit: int) -> Found:
        start = after if isinstance(after, int) else 0
        hits = await self.plugin.finder.best(wanted, together, self.ranges) if self.ranges else []
        found: list[tuple[Event, str]] = []
        for at, hit in enumerate(hits[start:], start):
            if len(found) == limit:
                return Found(found, f"best.{at}")
            found += await self.read(hit)
        return Found(found)

    async def read(self, hit: Hit) -> list[tuple[Event, str]]:
        """The message of a hit with its snippet; nothing if it is gone, or not for this user."""
        if hit.room not in self.ranges or hit.id < self.ranges[hit.room][0]:
            return []
        try:
            events, _ = await self.plugin.chat.events(
                self.names[hit.room], user=self.user, before=hit.seq + 1, limit=1
            )
        except Reject:
            del self.ranges[hit.room]
            return []
        if not events:
            # From before the user came: what is older is not for them either.
            self.ranges[hit.room] = hit.id + 1, self.ranges[hit.room][1]
            return []
        message = events[0].message
        if message is None or message.seq != hit.seq or message.deleted:
            return []
        if not has_all(message.content, self.query.terms):
            return []
        return [(events[0], snippet(message.content, self.query.terms))]


def _narrowed(query: Query, name: str, value: str, field: str) -> Query:
    """With a name that the request gives beside the query. Raises `Reject` where they name two."""
    written = getattr(query, name)
    if written is not None and written.lstrip("@#").casefold() != value.lstrip("@#").casefold():
        raise Reject(f"The query names another one: {written}.", "invalid", field=field)
    return msgspec.structs.replace(query, **{name: value})


def _cursor(fields: Ask) -> Hit | int | None:
    """Where the page begins. Raises `Reject` for what no page of this search has given."""
    if fields.cursor is None:
        return None
    found = _CURSOR.fullmatch(fields.cursor)
    if found is None or fields.cursor.startswith("best") != (fields.sort == "best"):
        raise Reject("This is no cursor of such a search.", "invalid", field="cursor")
    return int(found[3]) if found[3] else Hit(int(found[2]), int(found[1]), 0)


def line(event: Event) -> str:
    """A message as one line: ``2026-07-04 16:20 UTC #general alice: hello``."""
    when = datetime.fromtimestamp(event.ts, UTC).strftime("%Y-%m-%d %H:%M UTC")
    content = event.message.content if event.message is not None else ""
    where = "" if event.room.startswith("dm:") else f" #{event.room}"
    return f"{when}{where} {event.user.name}: {' '.join(content.split())[:200]}"
