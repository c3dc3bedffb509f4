"""Reactions to messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from chatserver import (
    Event,
    EventTransaction,
    Plugin,
    Reject,
    RequestSpec,
    Transaction,
    User,
    hookimpl,
    settings,
)

from .characters import character
from .table import ALL, MIGRATIONS, Unchanged, forget, react

QUICK = ("👍", "❤️", "😂", "🎉", "😮", "🙏")

MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Emoji = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
OWN = "SELECT message_id, emoji FROM reactions_reaction WHERE user_id = :user_id ORDER BY message_id"


class React(msgspec.Struct):
    """The wire request ``react``: ``emoji`` is a character or a ``:shortcode:``; ``on`` sets it, and doesn't toggle."""

    message_id: MessageId
    emoji: Emoji
    on: bool = True


class Ask(msgspec.Struct):
    """The wire request ``reactions``: all who reacted to a message, or those with one emoji."""

    message_id: MessageId
    emoji: Emoji | None = None


class Reactions(Plugin):
    """Emoji below a message, each with how many reacted with it, and who."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        kinds: Annotated[int, msgspec.Meta(ge=1, le=50)] = 20
        """How many different emoji a message may have."""
        quick: tuple[str, ...] = QUICK
        """Those that the browser offers first."""

        def __post_init__(self):
            try:
                spelt(self.quick)
            except Reject as refusal:
                raise ValueError(f"quick: {refusal.message}") from None

    @hookimpl
    def register_permissions(self):
        return {"reactions.react": "guest"}

    @hookimpl
    async def own_data(self, user: User):
        rows = await self.db.query(OWN, user_id=user.id)
        return [{"type": "reaction", **row} for row in rows]

    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("react", React, self.react, bare=True),
            RequestSpec("reactions", Ask, self.who, bare=True),
        ]

    @hookimpl
    def register_events(self):
        return ["reaction"]

    @hookimpl
    def client_settings(self, user: User):
        return {"quick": spelt(self.settings.quick)}

    @hookimpl(events=("deleted",))
    def in_commit(self, tx: Transaction, events: Sequence[Event]):
        for event in events:
            if event.message_id is not None:
                forget(tx, event.message_id)

    async def react(self, ctx, fields: React) -> dict[str, Any]:
        emoji = self.spelling(fields.emoji)
        message = await self.chat.message_for(ctx.user, fields.message_id)
        if not await self.chat.may(ctx.user, "reactions.react", await self.chat.room(message.room)):
            raise Reject("You may not react here.", "forbidden")

        def write(tx: EventTransaction) -> None:
            now = tx.message(message.id)
            if now is None:
                raise Reject("There is no such message.", "not_found", field="message_id")
            react(tx, now, emoji, ctx.user.id, fields.on, self.settings.kinds)

        try:
            event = await self.chat.append(
                message.room,
                "reaction",
                {"emoji": emoji, "on": fields.on},
                user=ctx.user,
                also=write,
                as_message=True,
            )
        except Unchanged:
            return {}
        return {"seq": event.seq}

    def spelling(self, text: str) -> str:
        """The one spelling of an emoji; one of this server's own is ``:name:``. Raises `Reject` ``invalid``."""
        name = text.strip(":").lower()
        own = self.peer("emoji")
        return f":{name}:" if own is not None and own.has(name) else character(text)

    async def who(self, ctx, fields: Ask) -> dict[str, Any]:
        message = await self.chat.message_for(ctx.user, fields.message_id)
        wanted = None if fields.emoji is None else self.spelling(fields.emoji)
        found: dict[str, list[dict[str, Any]]] = {}
        for row in await self.db.query(ALL, message_id=message.id):
            if wanted is None or row["emoji"] == wanted:
                found.setdefault(row["emoji"], []).extend(await self.people(row["user_id"]))
        shown = message.extras.get("reactions", {})
        order = sorted(found, key=lambda emoji: list(shown).index(emoji) if emoji in shown else len(shown))
        return {"reactions": [{"emoji": emoji, "users": found[emoji]} for emoji in order]}

    async def people(self, user_id: str) -> list[dict[str, Any]]:
        """A user as others see one; none where a guest is gone."""
        try:
            return [(await self.chat.user(user_id)).public()]
        except Reject:
            return []


def spelt(quick: tuple[str, ...]) -> list[str]:
    """The emoji as reactions have them. Raises `Reject`. The usual ones are, and need no table at each start."""
    return list(QUICK) if quick == QUICK else [character(each) for each in quick]
