"""Posting, editing, deleting: from a request to the room's live."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import re
from collections.abc import Awaitable, Callable
from inspect import isawaitable

import msgspec

from ..model.errors import Reject
from ..model.rate_limit import RateLimiter
from ..model.values import Draft, Message, Room, RoomPosition, User
from ..plugins.hooks import HookCaller
from ..protocol import requests
from ..store import Committed, Outcome, Store
from ..store import changes as log
from ..store import queries as reading
from .access import Access, forbidden
from .drafts import DraftPipeline, escaped
from .registry import RoomRegistry
from .room import LiveRoom, Settle
from .rooms import RoomService, direct_room

logger = logging.getLogger(__name__)

_MENTION = re.compile(r"(?<![^\s(\[{\"'*_~])@([^\s@:/#+,]{1,32})")
_AFTER_NAME = ".!?;)]}\"'*_~…。！？；」』）】"


class Way(msgspec.Struct, frozen=True):
    """By which way a message comes, and what follows from it."""

    kind: str = "text"
    allow_non_member: bool = False
    """A public room needs no membership."""
    limited: bool = True
    """It counts for the rate limit."""
    commands: bool = True
    """A leading slash means something."""


BY_SOCKET = Way()
BY_HTTP = Way(allow_non_member=True)


class Messages:
    """The use cases of messages. Everything ends in a call of ``settle`` with the outcome, or raises `Reject`."""

    def __init__(
        self,
        rooms: RoomRegistry,
        room_service: RoomService,
        store: Store,
        access: Access,
        pipeline: DraftPipeline,
        hooks: HookCaller,
        limiter: RateLimiter,
        clock: Callable[[], float],
    ) -> None:
        self._rooms = rooms
        self._room_service = room_service
        self._store = store
        self._access = access
        self._pipeline = pipeline
        self._hooks = hooks
        self._limiter = limiter
        self._clock = clock
        self._looking: set[asyncio.Future[None]] = set()

    def post(
        self, user: User, room: str, request: requests.Post, settle: Settle, way: Way = BY_SOCKET
    ) -> Awaitable[None] | None:
        """Post to a room. Plain calls up to the room's queue unless something on the way has to be awaited."""
        live = self._rooms.loaded(room)
        if live is None:
            return self._load_and_post(user, room, request, settle, way)
        return self._post(user, live, request, settle, way)

    async def _load_and_post(
        self, user: User, room: str, request: requests.Post, settle: Settle, way: Way
    ) -> None:
        waiting = self._post(user, await self._rooms.get(room), request, settle, way)
        if waiting is not None:
            await waiting

    def _post(
        self, user: User, live: LiveRoom, request: requests.Post, settle: Settle, way: Way
    ) -> Awaitable[None] | None:
        settle = self._repeat_aware(user, live, request, settle)
        refusal = self._refusal(user, live, way)
        if refusal is not None:
            settle(refusal)
            return None
        try:
            draft = self._draft(user, live.room, request, way)
            if request.reply_to is not None or self._access.asks:
                return self._post_asking(live, draft, request, settle, way)
            prepared = self._pipeline.post(draft)
        except Reject as reject:
            settle(reject)
            return None
        if isinstance(prepared, Draft):
            self._submit(live, prepared, request, settle, way)
            return None
        return self._post_later(live, prepared, request, settle, way)

    def _refusal(self, user: User, live: LiveRoom, way: Way) -> Reject | None:
        refusal = live.refusal(user, allow_non_member=way.allow_non_member)
        if refusal is not None and refusal.code == "not_member" and live.room.kind != "public":
            return Reject(f"There is no room {live.room.name!r}.", "not_found", field="room")
        if refusal is not None:
            return refusal
        if not self._access.by_role(user, "message.post", live):
            return forbidden("message.post")
        return self._limiter.refusal(user.id) if way.limited else None

    def _draft(self, user: User, room: Room, request: requests.Post, way: Way) -> Draft:
        content = self._pipeline.check(request.content, may_be_empty=bool(request.files))
        if way.commands and content.startswith("//"):
            content = content[1:]
        return Draft(user, room, content, way.kind, reply_to=request.reply_to, files=request.files)

    async def _post_asking(
        self, live: LiveRoom, draft: Draft, request: requests.Post, settle: Settle, way: Way
    ) -> None:
        """The way with questions: may hooks, and whether the message replied to is one of this room."""
        try:
            await self._access.require(draft.user, "message.post", live)
            if draft.reply_to is not None:
                await self._check_reply(draft.user, live, draft.reply_to)
            prepared = self._pipeline.post(draft)
        except Reject as reject:
            settle(reject)
            return
        if isinstance(prepared, Draft):
            self._submit(live, prepared, request, settle, way)
        else:
            await self._post_later(live, prepared, request, settle, way)

    async def _check_reply(self, user: User, live: LiveRoom, message_id: str) -> None:
        original = await self._store.read(lambda conn: reading.message(conn, message_id))
        if original is None or original.room != live.room.name or original.deleted:
            raise Reject("There is no such message in this room.", "invalid", field="reply_to")
        if original.seq <= await self._access.visible_after(user, live):
            raise Reject("There is no such message in this room.", "invalid", field="reply_to")

    async def _post_later(
        self,
        live: LiveRoom,
        prepared: Awaitable[Draft],
        request: requests.Post,
        settle: Settle,
        way: Way,
    ) -> None:
        try:
            draft = await prepared
        except Reject as reject:
            settle(reject)
        else:
            self._submit(live, draft, request, settle, way)

    def _submit(self, live: LiveRoom, draft: Draft, request: requests.Post, settle: Settle, way: Way) -> None:
        mentions = mentioned(draft, live) if "@" in draft.content else ()
        live.submit(self._entry(draft, request, mentions, way), settle)

    def _entry(self, draft: Draft, request: requests.Post, mentions: tuple[str, ...], way: Way) -> log.Post:
        return log.Post(
            draft.user,
            new_message_id(self._clock()),
            draft.content,
            _html(draft),
            draft.kind,
            request.nonce,
            request_hash(request) if request.nonce is not None else None,
            draft.reply_to,
            draft.attachments,
            mentions,
            way.allow_non_member,
        )

    async def post_direct(
        self, user: User, other: User, request: requests.Post, settle: Settle, way: Way = BY_SOCKET
    ) -> None:
        """Post to somebody. The first message makes the room, both memberships and itself in one transaction."""
        room = direct_room(user, other)
        try:
            await self._rooms.get(room.name)
        except Reject as missing:
            if missing.code != "not_found":
                raise
        else:
            waiting = self.post(user, room.name, request, settle, way)
            if waiting is not None:
                await waiting
            return
        await self._access.require(user, "message.post")
        refusal = self._limiter.refusal(user.id) if way.limited else None
        if refusal is not None:
            raise refusal
        if request.reply_to is not None:
            raise Reject("There is no such message in this room.", "invalid", field="reply_to")
        prepared = self._pipeline.post(self._draft(user, room, request, way))
        draft = prepared if isinstance(prepared, Draft) else await prepared
        entry = self._entry(draft, request, (), way)
        live, done = await self._room_service.direct(user, other, entry)
        if done is None:
            live.submit(entry, settle)
        else:
            settle(done)

    def _repeat_aware(self, user: User, live: LiveRoom, request: requests.Post, settle: Settle) -> Settle:
        """A message that was sent before is answered as it was then, whatever would be refused by now."""
        nonce = request.nonce
        if nonce is None:
            return settle

        def look_first(outcome: Outcome) -> None:
            if not isinstance(outcome, Reject) or outcome.code in ("nonce_conflict", "unavailable"):
                settle(outcome)
                return
            task = asyncio.ensure_future(self._look(user, live.room.name, nonce, request, outcome, settle))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)

        return look_first

    async def _look(
        self, user: User, room: str, nonce: str, request: requests.Post, refused: Reject, settle: Settle
    ) -> None:
        try:
            outcome = await self._earlier(user, room, nonce, request)
        except Exception:
            logger.exception("looking for what was sent before failed")
            outcome = Reject("This could not be looked up.", "unavailable", retry_after=5)
        settle(outcome or refused)

    async def _earlier(self, user: User, room: str, nonce: str, request: requests.Post) -> Outcome | None:
        """What became of this nonce; None if it is new."""
        earlier = await self._store.read(lambda conn: reading.sent_before(conn, room, user.id, nonce))
        if earlier is None:
            return None
        if earlier[3] != request_hash(request):
            return Reject("This nonce was used for another message.", "nonce_conflict", field="nonce")
        event = await self._store.read(lambda conn: reading.event_at(conn, room, earlier[1]))
        return Committed(RoomPosition(), event, dup=True)

    async def message(self, message_id: str) -> Message | None:
        """A message as it is now; who may see it is the caller's question."""
        return await self._store.read(lambda conn: reading.message(conn, message_id))

    async def _there(self, message_id: str) -> tuple[Message, LiveRoom]:
        message = await self.message(message_id)
        if message is None or message.deleted:
            raise no_message()
        return message, await self._rooms.get(message.room)

    async def _visible(self, user: User, message_id: str) -> tuple[Message, LiveRoom]:
        message, live = await self._there(message_id)
        try:
            visible = message.seq > await self._access.visible_after(user, live)
        except Reject:
            visible = False
        if not visible and message.user.id != user.id:
            raise no_message()
        return message, live

    async def edit(self, user: User, request: requests.Edit, *, allow_non_member: bool = False) -> Committed:
        """Change the text of the sender's own message. Raises `Reject`.

        With ``allow_non_member`` the sender need not be a member of a public room.
        """
        message, live = await self._visible(user, request.message_id)
        if message.user.id != user.id:
            raise Reject("This is somebody else's message.", "forbidden", field="message_id")
        refusal = live.refusal(user, allow_non_member=allow_non_member) or self._limiter.refusal(user.id)
        if refusal is not None:
            raise refusal
        await self._access.require(user, "message.edit", live)
        content = self._pipeline.check(request.content, may_be_empty=bool(message.attachments))
        draft = Draft(
            user, live.room, content, message.kind, None, message.reply_to,
            tuple(file.id for file in message.attachments), message.attachments, message.id,
        )  # fmt: skip
        prepared = self._pipeline.edit(message, draft)
        draft = prepared if isinstance(prepared, Draft) else await prepared
        hashed = _hash(request.content)
        return await live.append(
            log.Edit(user, message.id, draft.content, _html(draft), request.rev, hashed, allow_non_member)
        )

    async def delete(self, user: User, message_id: str, *, allow_non_member: bool = False) -> Committed:
        """Blank one's own message, or, with ``message.delete_any``, anybody's of no higher rank. Raises `Reject`."""
        message, live = await self._visible(user, message_id)
        own = message.user.id == user.id
        allow_non_member = allow_non_member or not own
        refusal = live.refusal(user, allow_non_member=allow_non_member)
        if refusal is not None:
            raise refusal
        await self._access.require(user, "message.delete" if own else "message.delete_any", live)
        if not own:
            self._access.require_rank(user, message.user, live)
        if self._hooks.has("before_delete"):
            allowed = self._hooks.filter("before_delete", None, message=message, user=user)
            if isawaitable(allowed):
                await allowed
        return await live.append(log.Delete(user, message.id, allow_non_member=allow_non_member))


def _html(draft: Draft) -> str:
    return escaped(draft.content) if draft.html is None else draft.html


def no_message() -> Reject:
    """There is none, or none that this user may see."""
    return Reject("There is no such message.", "not_found", field="message_id")


def new_message_id(now: float) -> str:
    """An id that sorts by time, so that the index grows at its end. It is no secret: access is asked elsewhere."""
    return f"m{int(now * 1000):011x}{random.getrandbits(64):016x}"


def request_hash(request: requests.Post) -> str:
    """What a request asked, to tell a retry from another message with the same nonce."""
    return _hash([request.content, request.reply_to, request.files])


def _hash(asked: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()


def mentioned(draft: Draft, live: LiveRoom) -> tuple[str, ...]:
    """Ids of the members whose names stand in the text, the author's aside."""
    found: dict[str, None] = {}
    for name in _MENTION.findall(draft.content):
        user_id = live.member_list.named(name) or live.member_list.named(name.rstrip(_AFTER_NAME))
        if user_id is not None and user_id != draft.user.id:
            found[user_id] = None
    return tuple(found)
