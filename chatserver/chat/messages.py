"""The use cases of messages: posting, editing, deleting."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from ..model import errors
from ..model.errors import Reject
from ..model.rate_limit import RateLimiter
from ..model.values import Draft, Member, Message, Room, User
from ..store import Committed, Store
from ..store import changes as log
from ..store import queries as reading
from .access import Access
from .drafts import DraftPipeline, escaped
from .members import MemberList
from .mentions import mentioned
from .new_message import NewMessage, Via, content_hash
from .registry import RoomRegistry
from .replies import FutureReply, Reply
from .resends import Resends
from .room import LiveRoom
from .rooms import RoomService, direct_room


class Messages:
    """Posts, edits and deletes. What a message's sender is told goes to its `Reply`; else refusals are raised."""

    def __init__(
        self,
        rooms: RoomRegistry,
        room_service: RoomService,
        store: Store,
        access: Access,
        pipeline: DraftPipeline,
        limiter: RateLimiter,
        resends: Resends,
    ) -> None:
        self._rooms = rooms
        self._room_service = room_service
        self._store = store
        self._access = access
        self._pipeline = pipeline
        self._limiter = limiter
        self._resends = resends

    def post(self, user: User, message: NewMessage, reply: Reply) -> Awaitable[None] | None:
        """Post to a room. Plain calls up to the room's queue unless something on the way has to be awaited.

        Either way ``reply`` gets the outcome.
        """
        live = self._rooms.loaded(message.room)
        if live is None:
            return self._load_and_post(user, message, reply)
        return self._post(user, live, message, reply)

    async def post_and_wait(self, user: User, message: NewMessage) -> Committed:
        """Post to a room; returns once it is committed. Raises `Reject`."""
        reply = FutureReply()
        waiting = self.post(user, message, reply)
        if waiting is not None:
            await waiting
        return await reply.result()

    async def _load_and_post(self, user: User, message: NewMessage, reply: Reply) -> None:
        try:
            live = await self._rooms.get(message.room)
        except Reject as refusal:
            reply.refused(refusal)
            return
        waiting = self._post(user, live, message, reply)
        if waiting is not None:
            await waiting

    def _post(self, user: User, live: LiveRoom, message: NewMessage, reply: Reply) -> Awaitable[None] | None:
        try:
            self._check(user, live, message.via)
            draft = self._draft(user, live.room, message)
            if message.reply_to is not None or self._access.asks:
                return self._post_later(user, live, self._ask(live, draft), message, reply)
            prepared = self._pipeline.post(draft)
        except Reject as refusal:
            self._refuse(user, live, message, reply, refusal)
            return None
        if not isinstance(prepared, Draft):
            return self._post_later(user, live, prepared, message, reply)
        self._submit(live, prepared, message, reply)
        return None

    def _check(self, user: User, live: LiveRoom, via: Via) -> None:
        """Raises `Reject` unless ``user`` may post here now, as far as can be said without asking a plugin."""
        live.require_poster(user, allow_non_member=via.allow_non_member)
        if not self._access.by_role(user, "message.post", live):
            raise errors.forbidden("message.post")
        if via.rate_limited:
            self._limiter.take(user.id)

    async def require_may_post(
        self, user: User, room: str, *, allow_non_member: bool = False, as_message: bool = True
    ) -> LiveRoom:
        """The room. Raises `Reject` unless ``user`` may post there now; without ``as_message``, unless they may do
        what is less than a message, such as to react."""
        live = await self._rooms.get(room)
        require = live.require_poster if as_message else live.require_writer
        require(user, allow_non_member=allow_non_member)
        live.require_reach(user)
        await self._access.require(user, "message.post", live)
        return live

    async def rendered(self, user: User, room: Room, content: str) -> str:
        """The HTML that a text would have as a message. Raises `Reject`."""
        return await self._pipeline.rendered(Draft(user, room, self._pipeline.check(content)))

    def _draft(self, user: User, room: Room, message: NewMessage) -> Draft:
        content = self._pipeline.check(message.content, may_be_empty=bool(message.files))
        if message.via.commands and content.startswith("//"):
            content = content[1:]
        if len(set(message.files)) < len(message.files):
            raise Reject("A message names each of its files once.", "invalid", field="files")
        return Draft(
            user, room, content, message.kind, None, message.reply_to, message.files, (), None, message.extras,
            message.plugin, message.display_name, message.actions,
        )  # fmt: skip

    async def _ask(self, live: LiveRoom, draft: Draft) -> Draft:
        """The draft, after the hooks ``may`` and after a look at the message that it replies to. Raises `Reject`."""
        await self._access.require(draft.user, "message.post", live)
        if draft.reply_to is not None:
            await self._check_reply(draft.user, live, draft.reply_to)
        prepared = self._pipeline.post(draft)
        return prepared if isinstance(prepared, Draft) else await prepared

    async def _check_reply(self, user: User, live: LiveRoom, message_id: str) -> None:
        original = await self.message(message_id)
        if original is None or original.room != live.room.name or original.deleted:
            raise errors.no_message_here()
        if original.seq <= await self._access.visible_after(user, live):
            raise errors.no_message_here()

    async def _post_later(
        self, user: User, live: LiveRoom, prepared: Awaitable[Draft], message: NewMessage, reply: Reply
    ) -> None:
        try:
            draft = await prepared
        except Reject as refusal:
            self._refuse(user, live, message, reply, refusal)
        else:
            self._submit(live, draft, message, reply)

    def _submit(self, live: LiveRoom, draft: Draft, message: NewMessage, reply: Reply) -> None:
        mentions: tuple[str, ...] = ()
        if draft.mentions or "@" in draft.content:
            mentions = self._mentioned(draft, live.member_list)
        live.submit(self._change(draft, message, mentions), reply)

    def _mentioned(self, draft: Draft, members: MemberList) -> tuple[str, ...]:
        """Whom a message mentions, without those who have blocked its author."""
        named = mentioned(draft.content, draft.user, members, draft.mentions)
        return self._access.blocks.reached(named, draft.user.id) if named else named

    def _change(self, draft: Draft, message: NewMessage, mentions: tuple[str, ...]) -> log.Post:
        return log.Post(
            draft.user,
            draft.content,
            _html(draft),
            draft.kind,
            message.nonce,
            message.request_hash,
            draft.reply_to,
            draft.attachments,
            mentions,
            message.via.allow_non_member,
            draft.extras,
            draft.plugin,
            draft.display_name,
            draft.actions,
            message.also,
            draft.trace,
        )

    def _refuse(self, user: User, live: LiveRoom, message: NewMessage, reply: Reply, refusal: Reject) -> None:
        # By the room's own name: the message may spell it in another way.
        room = live.room.name
        self._resends.refuse(reply, refusal, room, user.id, message.nonce, message.request_hash)

    async def post_direct(self, user: User, other: User, message: NewMessage, reply: Reply) -> None:
        """Post to the direct room of two users. The first message makes the room, both memberships and itself in
        one transaction."""
        try:
            await self._rooms.get(message.room)
        except Reject as refusal:
            if refusal.code != "not_found":
                reply.refused(refusal)
                return
        else:
            waiting = self.post(user, message, reply)
            if waiting is not None:
                await waiting
            return
        try:
            change = await self._first_direct(user, other, message)
            live, done = await self._room_service.direct(user, other, change)
        except Reject as refusal:
            reply.refused(refusal)
            return
        if done is None:
            live.submit(change, reply)
        else:
            reply.committed(done)

    async def _first_direct(self, user: User, other: User, message: NewMessage) -> log.Post:
        """The first message of a direct room. Raises `Reject`."""
        self._access.sanctions.refuse_sanctioned(user)
        self._access.blocks.refuse(user, other.id, "to")
        await self._access.require(user, "message.post")
        if message.via.rate_limited:
            self._limiter.take(user.id)
        if message.reply_to is not None:
            raise errors.no_message_here()
        prepared = self._pipeline.post(self._draft(user, direct_room(user, other), message))
        draft = prepared if isinstance(prepared, Draft) else await prepared
        members = MemberList({each.id: Member(each) for each in (user, other)})
        return self._change(draft, message, self._mentioned(draft, members))

    async def message(self, message_id: str) -> Message | None:
        """A message as it is now, or None; the caller checks whether the user may see it."""
        return await self._store.read(lambda conn: reading.message(conn, message_id))

    async def _there(self, message_id: str) -> tuple[Message, LiveRoom]:
        message = await self.message(message_id)
        if message is None or message.deleted:
            raise errors.no_message()
        return message, await self._rooms.get(message.room)

    async def visible(self, user: User, message_id: str) -> tuple[Message, LiveRoom]:
        message, live = await self._there(message_id)
        try:
            visible = message.seq > await self._access.visible_after(user, live)
        except Reject:
            visible = False
        if not visible and message.user.id != user.id:
            raise errors.no_message()
        return message, live

    async def edit(
        self,
        user: User,
        message_id: str,
        text: str,
        rev: int | None = None,
        *,
        allow_non_member: bool = False,
    ) -> Committed:
        """Change the text of the sender's own message; ``rev`` is the revision that this makes. Raises `Reject`.

        With ``allow_non_member`` the sender need not be a member of a public room.
        """
        message, live = await self.visible(user, message_id)
        if message.user.id != user.id:
            raise Reject("This is another user's message.", "forbidden", field="message_id")
        live.require_writer(user, allow_non_member=allow_non_member)
        self._limiter.take(user.id)
        await self._access.require(user, "message.edit", live)
        content = self._pipeline.check(text, may_be_empty=bool(message.attachments))
        draft = Draft(
            user, live.room, content, message.kind, None, message.reply_to,
            tuple(file.id for file in message.attachments), message.attachments, message.id, message.extras,
        )  # fmt: skip
        prepared = self._pipeline.edit(message, draft)
        draft = prepared if isinstance(prepared, Draft) else await prepared
        named = self._mentioned(draft, live.member_list)
        hidden = self._access.kept_from(live, message) if named else []
        mentions = tuple(each for each in named if each not in hidden)
        edit = log.Edit(
            user,
            message.id,
            draft.content,
            _html(draft),
            rev,
            content_hash(text),
            mentions,
            allow_non_member,
            _changed_extras(message, draft),
        )
        return await live.append(edit)

    async def delete(self, user: User, message_id: str, *, allow_non_member: bool = False) -> Committed:
        """Blank the user's own message, or, with ``message.delete_any``, that of a member of no higher rank.

        Raises `Reject`.
        """
        message, live = await self.visible(user, message_id)
        own = message.user.id == user.id
        allow_non_member = allow_non_member or not own
        live.require_writer(user, allow_non_member=allow_non_member)
        await self._access.require(user, "message.delete" if own else "message.delete_any", live)
        if not own:
            self._access.require_rank(user, message.user, live)
        await self._pipeline.delete(message, user)
        return await live.append(log.Delete(user, message.id, allow_non_member=allow_non_member))


def _changed_extras(message: Message, draft: Draft) -> dict[str, Any]:
    """The extras that a hook changed: only these are written, as others may change in the meantime."""
    if draft.extras is message.extras:
        return {}
    plugins = {*message.extras, *draft.extras}
    return {
        plugin: draft.extras.get(plugin)
        for plugin in plugins
        if draft.extras.get(plugin) != message.extras.get(plugin)
    }


def _html(draft: Draft) -> str:
    return escaped(draft.content) if draft.html is None else draft.html
