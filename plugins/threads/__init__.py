"""Threads: the replies to a message beside it, while all of them stay in the room as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from chatserver import Event, Message, Plugin, Reject, RequestSpec, Transaction, User, command, hookimpl

from .table import (
    COUNTS,
    FOLLOW,
    FOLLOW_FIRST,
    FOLLOWED,
    FOLLOWERS,
    FORGET,
    MIGRATIONS,
    REPLIES,
    ROOT,
    SEEN,
    add,
    remove,
    shown,
)

LINES = 10
"""How many threads the command shows."""
TOLD = 500
"""How many followers are told of a reply."""
END = 2**62

MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
OWN = (
    "SELECT root_id AS message_id, seen FROM threads_follower"
    " WHERE user_id = :user_id AND follows = 1 ORDER BY root_id"
)


class Of(msgspec.Struct):
    """The wire request ``threads:of``: the threads that messages of a room begin or stand in."""

    room: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    message_ids: Annotated[tuple[MessageId, ...], msgspec.Meta(max_length=200)]


class Open(msgspec.Struct):
    """The wire request ``threads:open``: a thread with its newest replies, those before a seq."""

    message_id: MessageId
    before: Annotated[int, msgspec.Meta(ge=0)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


class Follow(msgspec.Struct):
    """The wire request ``threads:follow``: whether the user follows a thread."""

    message_id: MessageId
    on: bool = True


class Seen(msgspec.Struct):
    """The wire request ``threads:seen``: the user has read a thread up to a seq."""

    message_id: MessageId
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Ask(msgspec.Struct):
    """The wire request ``threads``: those that the user follows, the one with the newest reply first."""

    before: float | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 30


class Threads(Plugin):
    """Shows the replies to a message beside it, and what is new in those that one follows."""

    migrations = MIGRATIONS

    @hookimpl
    def startup(self):
        # What was written before the plugin was there, or while it was off.
        self.follow(self.catch_up, events=("message",), only_missed=True)

    @hookimpl
    async def own_data(self, user: User):
        rows = await self.db.query(OWN, user_id=user.id)
        return [{"type": "follows", **row} for row in rows]

    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("threads", Ask, self.answer, bare=True),
            RequestSpec("of", Of, self.answer_of),
            RequestSpec("open", Open, self.answer_open),
            RequestSpec("follow", Follow, self.answer_follow),
            RequestSpec("seen", Seen, self.answer_seen),
        ]

    @hookimpl(events=("message", "deleted"))
    def in_commit(self, tx: Transaction, events: Sequence[Event]):
        for event in events:
            if event.type == "deleted":
                if event.message_id is not None:
                    remove(tx, event.message_id)
            elif event.message is not None and event.message.reply_to is not None:
                add(tx, event.message)

    @hookimpl
    async def erase_user(self, user: User):
        await self.db.execute(FORGET, user_id=user.id)

    def catch_up(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Note the replies that `in_commit` has not."""
        for event in events:
            if event.message is not None and not event.message.deleted:
                add(tx, event.message)

    @hookimpl
    def after_post(self, message: Message):
        if message.reply_to is not None:
            self.spawn(self.tell(message))

    async def tell(self, message: Message) -> None:
        """Let the author of a thread's first message follow it, and tell those who do of a reply."""
        root_id = await self.root_of(message.id)
        root = await self.chat.message(root_id)
        if root is not None and not root.user.bot and root.user.id != message.user.id:
            await self.db.execute(FOLLOW_FIRST, root_id=root_id, user_id=root.user.id, seen=root.seq)
        told = {"root_id": root_id, "room": message.room, "message_id": message.id, "seq": message.seq}
        members = {each.user.id: each.user for each in await self.chat.members(message.room)}
        for row in await self.db.query(FOLLOWERS, root_id=root_id, most=TOLD):
            user = User(row["user_id"], "", "")
            if self.chat.status(user) == "offline" and user.id != message.user.id:
                continue
            if await self.may_be_told(user.id, message, members):
                self.chat.publish_to(user, "replied", told)

    async def may_be_told(self, user_id: str, message: Message, members: dict[str, User]) -> bool:
        """Whether a follower may read a reply: one who was removed from a private room may not."""
        try:
            user = members.get(user_id) or await self.chat.user(user_id)
            if self.chat.blocks(user, message.user):
                return False
        except Reject:
            return False
        return await self.chat.may_read(message.room, user=user, seq=message.seq)

    # Reading

    async def root_of(self, message_id: str) -> str:
        """The id of the message that begins the thread in which a message stands: its own, where it answers none."""
        rows = await self.db.query(ROOT, message_id=message_id)
        return str(rows[0]["root_id"]) if rows else message_id

    async def place(self, user: User, message_id: str) -> tuple[str, str]:
        """The root's id and the room of the thread in which a message stands that ``user`` may read, be its first one
        deleted. Raises `Reject` ``not_found``."""
        message = await self.chat.message(message_id)
        if message is None or not await self.chat.may_read(message.room, user=user, seq=message.seq):
            raise Reject("There is no such message.", "not_found", field="message_id")
        root_id = await self.root_of(message_id)
        if message.deleted and not await self.db.query(COUNTS, root_id=root_id, user_id=user.id):
            raise Reject("There is no such message.", "not_found", field="message_id")
        return root_id, message.room

    async def thread(self, user: User, root_id: str, room: str) -> dict[str, Any]:
        """A thread as clients get it; one without replies has none."""
        for row in await self.db.query(COUNTS, root_id=root_id, user_id=user.id):
            return shown(row)
        return {
            "root_id": root_id,
            "room": room,
            "replies": 0,
            "unread": 0,
            "follows": False,
            "last_seq": 0,
            "last_ts": 0.0,
        }

    async def answer_of(self, ctx, fields: Of) -> dict[str, Any]:
        if not await self.chat.may_read(fields.room, user=ctx.user):
            raise Reject(f"There is no room {fields.room[:64]!r}.", "not_found", field="room")
        room = (await self.chat.room(fields.room)).name
        roots = {
            message_id: await self.root_of(message_id) for message_id in dict.fromkeys(fields.message_ids)
        }
        threads: list[dict[str, Any]] = []
        for root_id in dict.fromkeys(roots.values()):
            rows = await self.db.query(COUNTS, root_id=root_id, user_id=ctx.user.id)
            # What was said before the user came is not told of.
            threads += [
                shown(row)
                for row in rows
                if row["room"] == room and await self.chat.may_read(room, user=ctx.user, seq=row["first"])
            ]
        known = {each["root_id"] for each in threads}
        return {
            "threads": threads,
            "roots": {id: root for id, root in roots.items() if root in known and id != root},
        }

    async def answer_open(self, ctx, fields: Open) -> dict[str, Any]:
        root_id, room = await self.place(ctx.user, fields.message_id)
        before = END if fields.before is None else fields.before
        rows = await self.db.query(REPLIES, root_id=root_id, before=before, most=fields.limit + 1)
        messages = []
        for row in reversed(rows[: fields.limit]):
            messages += await self.read_at(ctx.user, room, row["seq"])
        root = await self.chat.message(root_id)
        return {
            "thread": await self.thread(ctx.user, root_id, room),
            "root": next(iter(await self.read_at(ctx.user, room, root.seq)), None)
            if root is not None
            else None,
            "messages": messages,
            "more": len(rows) > fields.limit,
        }

    async def read_at(self, user: User, room: str, seq: int) -> list[dict[str, Any]]:
        """The message at a seq, if the user may read it."""
        events, _ = await self.chat.events(room, user=user, before=seq + 1, limit=1)
        return [self.chat.wire(event) for event in events if event.seq == seq]

    async def answer(self, ctx, fields: Ask) -> dict[str, Any]:
        found, more = await self.followed(ctx.user, fields.before, fields.limit)
        return {"threads": found, "more": more}

    async def followed(
        self, user: User, before: float | None, limit: int
    ) -> tuple[list[dict[str, Any]], bool]:
        """The threads that a user follows and may read, each with its first message, and whether there are more."""
        rows = await self.db.query(
            FOLLOWED, user_id=user.id, before=1e18 if before is None else before, most=limit + 1
        )
        found = []
        for row in rows[:limit]:
            if await self.chat.may_read(row["room"], user=user, seq=row["last"]):
                root = await self.chat.message(row["root_id"])
                message = (
                    next(iter(await self.read_at(user, row["room"], root.seq)), None)
                    if root is not None
                    else None
                )
                found.append({**shown(row), "root": message})
        return found, len(rows) > limit

    @command(examples=["/threads"])
    async def threads(self, ctx):
        """Show the threads that you follow, and what is new in them."""
        found, more = await self.followed(ctx.user, None, LINES)
        lines = []
        for each in found:
            root = each["root"] or {"content": "", "user": {"name": "…"}}
            new = f", {each['unread']} new" if each["unread"] else ""
            text = " ".join(root["content"].split())[:100]
            lines.append(f"{root['user']['name']}: {text} ({each['replies']} replies{new})")
        return "\n".join([*lines, *(["…"] if more else [])]) or "You follow no thread."

    # Following

    async def answer_follow(self, ctx, fields: Follow) -> dict[str, Any]:
        root_id, room = await self.place(ctx.user, fields.message_id)
        thread = await self.thread(ctx.user, root_id, room)
        await self.db.execute(
            FOLLOW, root_id=root_id, user_id=ctx.user.id, follows=int(fields.on), seen=thread["last_seq"]
        )
        return await self.changed(ctx.user, root_id, room)

    async def answer_seen(self, ctx, fields: Seen) -> dict[str, Any]:
        root_id, room = await self.place(ctx.user, fields.message_id)
        await self.db.execute(SEEN, root_id=root_id, user_id=ctx.user.id, seen=fields.seq)
        return await self.changed(ctx.user, root_id, room)

    async def changed(self, user: User, root_id: str, room: str) -> dict[str, Any]:
        """Tell all connections of a user how a thread stands for them."""
        thread = await self.thread(user, root_id, room)
        self.chat.publish_to(user, "changed", {"thread": thread})
        return {"thread": thread}
