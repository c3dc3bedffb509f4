"""Previews of links."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from chatserver import (
    Draft,
    Event,
    EventTransaction,
    Message,
    Plugin,
    Reject,
    RequestSpec,
    Route,
    Transaction,
    addresses,
    command,
    hookimpl,
    settings,
)

from .finder import Finder
from .picture import PictureHandler
from .table import MIGRATIONS, Table, use
from .wanted import mark, may_have, wanted

AT_ONCE = 4
WAITING = 200
"""With more messages that wait, further ones get no preview."""
SWEEP_SECONDS = 3600
MOST_OFF = 50

Kind = Literal["public", "private", "direct"]


class Dismiss(msgspec.Struct):
    """The wire request ``links:dismiss``: take away the preview of an address; without ``url`` all of the message."""

    message_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None


class Links(Plugin):
    """Shows what a link leads to: title, text and picture, which the server asks for, so that no reader does."""

    migrations = MIGRATIONS

    @settings
    class Settings:
        kinds: tuple[Kind, ...] = ("public", "private")
        """The kinds of rooms in which links are looked at."""
        per_message: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3
        """How many previews a message has."""
        per_minute: Annotated[int, msgspec.Meta(ge=1)] = 20
        """How many of a user's links are looked at within a minute."""
        keep_hours: Annotated[float, msgspec.Meta(gt=0)] = 24
        """How long what a page said is known, until it is asked again."""
        pictures_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1024 * 1024 * 1024
        """What pictures may take on the disk; 0 for previews without pictures."""
        never: tuple[str, ...] = ()
        """Hosts that are never asked, with all below them."""

    @hookimpl
    def startup(self):
        self.table = Table(self.db)
        keep = self.settings.keep_hours * 3600
        self.finder = Finder(self, self.table, self.data_dir, keep, self.settings.pictures_bytes, self.never)
        self.waiting: asyncio.Queue[Message] = asyncio.Queue(WAITING)
        self.looked_at: Counter[str] = Counter()
        self.every(60, self.looked_at.clear)
        self.every(SWEEP_SECONDS, self.finder.sweep)
        for _ in range(AT_ONCE):
            self.spawn(self.work())

    @hookimpl
    def register_permissions(self):
        return {"links.switch": "moderator"}

    @hookimpl
    def register_requests(self):
        return [RequestSpec("dismiss", Dismiss, self.dismiss)]

    @hookimpl
    def register_events(self):
        return ["preview"]

    @hookimpl
    def register_routes(self):
        return [Route("p/([0-9a-f]{32})", PictureHandler)]

    @hookimpl
    def before_edit(self, message: Message, draft: Draft) -> Draft | None:
        extra = message.extras.get(self.name)
        if extra is None:
            return None
        linked = {target for _, _, target in addresses(draft.content)}
        left = [each for each in extra["previews"] if each["url"] in linked]
        return draft.with_extra(kept(left, extra.get("off", ())))

    @hookimpl(events=("deleted",))
    def in_commit(self, tx: Transaction, events: Sequence[Event]):
        for event in events:
            if event.message_id is not None:
                use(tx, event.message_id, set())

    @hookimpl
    def after_post(self, message: Message):
        if may_have(message.content):
            self.want(message)

    @hookimpl
    def after_edit(self, message: Message):
        if may_have(message.content):
            self.want(message)

    def want(self, message: Message) -> None:
        if message.kind in ("text", "action") and not self.waiting.full():
            self.waiting.put_nowait(message)

    async def work(self) -> None:
        """Look at the links of one message after the other."""
        while True:
            message = await self.waiting.get()
            try:
                await self.look(message)
            except Reject as refusal:
                self.log.debug("%s has no previews: %s", message.id, refusal.message)
            except Exception:
                self.log.exception("the links of %s could not be looked at", message.id)

    async def look(self, message: Message) -> None:
        extra = message.extras.get(self.name, {})
        off = extra.get("off", [])
        there = {each["url"]: each for each in extra.get("previews", ())}
        urls = [
            url
            for url in wanted(message, self.settings.per_message)
            if mark(url) not in off and not self.never(url)
        ]
        if not urls or list(there) == urls or not await self.may_look(message):
            return
        found = []
        for url in urls:
            preview = there.get(url) or await self.preview(url, message.user.id)
            if preview is not None:
                found.append(preview)
        if found and found != list(there.values()):
            await self.show(message, found)

    async def may_look(self, message: Message) -> bool:
        room = await self.chat.room(message.room)
        return room.kind in self.settings.kinds and not await self.table.is_quiet(room.name)

    def never(self, url: str) -> bool:
        host = f".{(urlsplit(url).hostname or '').rstrip('.')}"
        return any(host.endswith(f".{each.lower().strip('.')}") for each in self.settings.never)

    async def preview(self, url: str, user_id: str) -> dict[str, Any] | None:
        if self.looked_at[user_id] >= self.settings.per_minute:
            return None
        self.looked_at[user_id] += 1
        found = await self.finder.find(url)
        return None if found is None else {"url": url, **found}

    async def show(self, message: Message, previews: list[dict[str, Any]]) -> None:
        def below(tx: EventTransaction) -> None:
            now = tx.message(message.id)
            if now is None or now.content != message.content:
                raise Reject("It was edited or deleted meanwhile.")
            off = now.extras.get(self.name, {}).get("off", ())
            self.write(tx, message.id, [each for each in previews if mark(each["url"]) not in off], off)

        await self.chat.append(message.room, "preview", {}, also=below)

    async def dismiss(self, ctx, fields: Dismiss) -> dict[str, Any]:
        message = await self.chat.message_for(ctx.user, fields.message_id)
        room = await self.chat.room(message.room)
        own = message.user.id == ctx.user.id
        if not own and not (
            await self.chat.may(ctx.user, "message.delete_any", room)
            and await self.chat.outranks(ctx.user, message.user, room)
        ):
            raise Reject("Only its author may take a preview away.", "forbidden")

        def take(tx: EventTransaction) -> None:
            now = tx.message(message.id)
            extra = now.extras.get(self.name, {}) if now is not None else {}
            gone = [
                each["url"]
                for each in extra.get("previews", ())
                if fields.url is None or each["url"] == fields.url
            ]
            if not gone:
                raise Reject("There is no such preview.", "not_found", field="url")
            left = [each for each in extra["previews"] if each["url"] not in gone]
            self.write(tx, message.id, left, [*extra.get("off", ()), *map(mark, gone)])

        event = await self.chat.append(message.room, "preview", {}, user=ctx.user, also=take, as_message=True)
        return {"seq": event.seq}

    def write(
        self, tx: EventTransaction, message_id: str, previews: list[dict[str, Any]], off: Sequence[str]
    ) -> None:
        use(tx, message_id, {each["picture"]["id"] for each in previews if each["picture"]})
        tx.annotate(message_id, kept(previews, off))

    @command(permission="links.switch", examples=["/previews off", "/previews on"])
    async def previews(self, ctx, state: Literal["on", "off"]):
        """Switch previews of links in this room on or off; those that are there stay."""
        room = ctx.here()
        await self.table.set_quiet(room.name, state == "off")
        return f"Links in this room have {'previews' if state == 'on' else 'no previews'} from now on."


def kept(previews: list[dict[str, Any]], off: Sequence[str]) -> dict[str, Any] | None:
    """The extra of a message; None for one without previews of which none was taken away."""
    if not previews and not off:
        return None
    return {"previews": previews, **({"off": list(off)[-MOST_OFF:]} if off else {})}
