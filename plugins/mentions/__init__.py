"""Mentions beyond names: @here, @room, groups, keywords; a list of all; and what each user is told of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec

from chatserver import (
    Draft,
    Message,
    Plugin,
    Reject,
    RequestSpec,
    Transaction,
    User,
    command,
    hookimpl,
    named_in,
    settings,
)

from .keywords import KEYWORD_CHARS, MOST_KEYWORDS, Keywords, tidy
from .wishes import ALL, FORGET, MIGRATIONS, ONE, Level, Quiet, RoomLevel, Wishes, read, shown, write

HERE, ROOM = "here", "room"
LINES = 10
"""How many mentions the command shows."""
SHOWN_IDS = 300
"""How many members of groups a message names."""

RoomName = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Ask(msgspec.Struct):
    """The wire request ``mentions``: a page of the list, which begins after the ``before`` of the page above."""

    before: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 30


class Notify(msgspec.Struct):
    """The wire request ``notify``: of what the user is told in a room; without a level, as in all others."""

    room: RoomName
    level: Level | None = None
    until: Annotated[float, msgspec.Meta(ge=0, le=1e11)] | None = None


class Wish(msgspec.Struct):
    """The wire request ``mentions:wishes``: what is given is changed; the reply is all of it."""

    level: Level | None = None
    keywords: (
        Annotated[
            tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=KEYWORD_CHARS)], ...],
            msgspec.Meta(max_length=MOST_KEYWORDS),
        ]
        | None
    ) = None
    quiet: Quiet | None = None


class Mentions(Plugin):
    """Tells people of what is for them, and of nothing else."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        groups: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
        """Names that stand for several users, by the names of their accounts: ``backend: [alice, bob]``."""
        most: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
        """How many users one message mentions by ``@room``, ``@here`` and groups."""

        def __post_init__(self):
            for name in self.groups:
                if not name or len(name) > 32 or any(char.isspace() or char in "@:/#+," for char in name):
                    raise ValueError(f"groups: {name!r} can't stand after an @")
                if name.casefold() in (HERE, ROOM):
                    raise ValueError(f"groups: @{name} means something else already")

    @hookimpl
    async def startup(self):
        self.names = (HERE, ROOM, *self.settings.groups)
        self.keywords = Keywords()
        self.known = {row["user_id"]: read(row["value"]) for row in await self.db.query(ALL)}
        for user_id, wishes in self.known.items():
            self.keywords.put(user_id, wishes.keywords)

    @hookimpl
    def register_permissions(self):
        return {"mentions.here": "member", "mentions.room": "moderator", "mentions.groups": "guest"}

    @hookimpl
    def register_requests(self):
        return [
            RequestSpec("mentions", Ask, self.answer, bare=True),
            RequestSpec("notify", Notify, self.answer_notify, bare=True),
            RequestSpec("wishes", Wish, self.answer_wishes),
        ]

    @hookimpl
    def own_data(self, user: User):
        wishes = self.known.get(user.id)
        return [] if wishes is None else [{"type": "wishes", **msgspec.to_builtins(wishes)}]

    @hookimpl
    def client_settings(self, user: User):
        return {"groups": list(self.settings.groups)}

    # Whom a message mentions

    @hookimpl
    def before_post(self, draft: Draft):
        return self.add(draft)

    @hookimpl
    def before_edit(self, message: Message, draft: Draft):
        return self.add(draft)

    def add(self, draft: Draft) -> Draft | Awaitable[Draft] | None:
        """Let a message mention those whom it calls by another word than their name. In a direct room both are told of
        all anyway."""
        called = (
            named_in(draft.content, self.names)
            if "@" in draft.content and draft.room.kind != "direct"
            else ()
        )
        waiting = self.keywords.users(draft.content) if self.keywords else []
        if called:
            return self.call(draft, called, waiting)
        if draft.edits is not None and "mentions" in draft.extras:
            return draft.with_extra(None).replace(mentions=(*draft.mentions, *waiting))
        return draft.replace(mentions=(*draft.mentions, *waiting)) if waiting else None

    async def call(self, draft: Draft, called: Iterable[str], also: Iterable[str]) -> Draft:
        """Find the users of @here, @room and groups, as far as the author may call them."""
        user, room = draft.user, draft.room
        found: dict[str, None] = {}
        extra: dict[str, Any] = {}
        groups = {}
        for name in called:
            permission = f"mentions.{name if name in (HERE, ROOM) else 'groups'}"
            if not await self.chat.may(user, permission, room):
                self.chat.notice(user, f"@{name} mentions no one: you may not.", room=room, level="warning")
                continue
            if name == HERE:
                found.update((each.id, None) for each in self.chat.online(room))
                extra[HERE] = True
            else:
                members = [each.user for each in await self.chat.members(room)]
                if name == ROOM:
                    extra[ROOM] = True
                else:
                    wanted = {each.casefold() for each in self.settings.groups[name]}
                    members = [each for each in members if each.name.casefold() in wanted]
                    groups[name] = [each.id for each in members]
                found.update((each.id, None) for each in members)
        if len(found) > self.settings.most:
            raise Reject(f"This mentions more than {self.settings.most} people.", "invalid", field="content")
        if groups:
            extra["groups"] = list(groups)
            extra["users"] = list(dict.fromkeys(id for ids in groups.values() for id in ids))[:SHOWN_IDS]
        ids = [each for each in found if not self.is_silent(each, room.name)]
        draft = draft.replace(mentions=(*draft.mentions, *ids, *also))
        return draft.with_extra(extra or None) if extra or draft.edits is not None else draft

    def is_silent(self, user_id: str, room: str) -> bool:
        """Whether a user wants to hear nothing of a room but their own name."""
        wishes = self.known.get(user_id)
        return wishes is not None and wishes.level_in(room, self.now()) == "none"

    # The list of all

    async def answer(self, ctx, fields: Ask) -> dict[str, Any]:
        found, before = await self.chat.mentions(user=ctx.user, before=fields.before, limit=fields.limit)
        listed = [
            {"message": self.chat.wire(event), "room": event.room, "read": seen} for event, seen in found
        ]
        return {"mentions": listed, "more": before is not None, "before": before}

    @command(examples=["/mentions"])
    async def mentions(self, ctx):
        """Show the last messages that mention you."""
        found, before = await self.chat.mentions(user=ctx.user, limit=LINES)
        lines = []
        for event, seen in found:
            where = "" if event.room.startswith("dm:") else f" #{event.room}"
            text = " ".join(event.message.content.split())[:200] if event.message is not None else ""
            lines.append(f"{'' if seen else '• '}{event.user.name}{where}: {text}")
        return "\n".join([*lines, *(["…"] if before else [])]) or "No one has mentioned you."

    # What a user is told of

    async def change(self, user: User, change: Callable[[Wishes], Wishes]) -> Wishes:
        """Change what a user wants, and tell the user's connections. Raises what ``change`` raises."""

        def work(tx: Transaction) -> Wishes:
            rows = tx.execute(ONE, user_id=user.id)
            wishes = change(read(rows[0]["value"] if rows else None))
            write(tx, user.id, wishes)
            return wishes

        wishes: Wishes = await self.db.transaction(work)
        self.known[user.id] = wishes
        self.keywords.put(user.id, wishes.keywords)
        self.chat.publish_to(user, "wishes", shown(wishes))
        return wishes

    async def answer_notify(self, ctx, fields: Notify) -> dict[str, Any]:
        if not await self.chat.may_read(fields.room, user=ctx.user):
            raise Reject(f"There is no room {fields.room[:64]!r}.", "not_found", field="room")
        room = (await self.chat.room(fields.room)).name
        await self.set_level(ctx.user, room, fields.level, fields.until)
        return {}

    async def set_level(self, user: User, room: str, level: Level | None, until: float | None) -> None:
        now = self.now()
        if until is not None and (until <= now or level is None):
            raise Reject("A level is for a time to come.", "invalid", field="until")
        wanted = None if level is None else RoomLevel(level, until)
        await self.change(user, lambda wishes: wishes.at(room, wanted, now))

    @hookimpl
    async def erase_user(self, user: User):
        await self.db.execute(FORGET, user_id=user.id)
        self.known.pop(user.id, None)
        self.keywords.put(user.id, ())

    async def answer_wishes(self, ctx, fields: Wish) -> dict[str, Any]:
        given: dict[str, Any] = {
            name: value for name in ("level", "quiet") if (value := getattr(fields, name)) is not None
        }
        if fields.keywords is not None:
            given["keywords"] = cleaned(fields.keywords)
        if not given:
            wishes = self.known.get(ctx.user.id, Wishes())
            return {**shown(wishes), "known": ctx.user.id in self.known}
        wishes = await self.change(ctx.user, lambda wishes: msgspec.structs.replace(wishes, **given))
        return {**shown(wishes), "known": True}

    @command(examples=["/notify all", "/notify none 8h", "/notify default"])
    async def notify(
        self,
        ctx,
        level: Literal["all", "mentions", "none", "default"],
        time: Annotated[timedelta | None, "for how long"] = None,
    ):
        """Choose what you are told of in this room: everything, mentions, or nothing."""
        room = ctx.here()
        until = None if time is None else self.now() + time.total_seconds()
        await self.set_level(ctx.user, room.name, None if level == "default" else level, until)
        return (
            "Of this room you are told as of all others."
            if level == "default"
            else f"Told in this room: {level}."
        )

    @command("keywords", examples=["/keywords", "/keywords tea, release plan", "/keywords none"])
    async def keywords_command(self, ctx, *, words: Annotated[str, "with commas between, or none"] = ""):
        """Show the words by which you are told of a message, or choose others."""
        if words:
            chosen = (
                ()
                if words.strip().lower() == "none"
                else cleaned(words.replace("，", ",").replace("、", ",").split(","))
            )
            if len(chosen) > MOST_KEYWORDS or any(len(each) > KEYWORD_CHARS for each in chosen):
                raise Reject(
                    f"At most {MOST_KEYWORDS} words of {KEYWORD_CHARS} characters.", "invalid", field="words"
                )
            wishes = await self.change(
                ctx.user, lambda wishes: msgspec.structs.replace(wishes, keywords=chosen)
            )
        else:
            wishes = self.known.get(ctx.user.id, Wishes())
        return f"Your words: {', '.join(wishes.keywords)}" if wishes.keywords else "You wait for no words."

    @command(examples=["/dnd 2h", "/dnd off"])
    async def dnd(
        self,
        ctx,
        time: Annotated[timedelta | None, "for how long"] = None,
        *,
        off: Annotated[str, "off"] = "",
    ):
        """Be told of nothing for a time."""
        if (time is None) == (off.strip().lower() != "off") or (time is not None and off):
            raise Reject("Say for how long, or off.", "invalid", field="time")
        until = 0.0 if time is None else self.now() + time.total_seconds()

        def change(wishes: Wishes) -> Wishes:
            return msgspec.structs.replace(wishes, quiet=msgspec.structs.replace(wishes.quiet, until=until))

        await self.change(ctx.user, change)
        return "You are told of things again." if time is None else "You are told of nothing until then."


def cleaned(words: Iterable[str]) -> tuple[str, ...]:
    """Keywords with single spaces, each once, those without a letter or a digit left out."""
    return tuple(dict.fromkeys(each for each in map(tidy, words) if any(map(str.isalnum, each))))
