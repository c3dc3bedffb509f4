"""What a plugin does with messages and events (the first part of `chatserver.plugins.api.ChatAPI`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from ..delivery.hub import user_topic
from ..model import errors, names
from ..model.errors import Reject
from ..model.names import room_key
from ..model.plugin_parts import NO_EXTRAS, check_kind
from ..model.plugin_parts import actions as checked_actions
from ..model.plugin_parts import extra as checked_extra
from ..model.values import Event, Message, Role, Room, User
from ..plugins.answers import event_data
from ..plugins.database import Also, AlsoWork, EventTransaction
from ..protocol import events as wire
from ..store import Committed
from ..store import accounts as users
from ..store import changes as log
from .mention_pages import mention_page
from .new_message import BY_BOT, BY_PLUGIN, NewMessage
from .replies import FutureReply
from .room import LiveRoom
from .rooms import direct_room
from .services import Services

NONCE_CHARS = 64


class PluginMessages:
    """The messages and events of one plugin."""

    def __init__(self, plugin: str, services: Services) -> None:
        self._plugin = plugin
        self._services = services

    async def _live(self, room: Room | str) -> LiveRoom:
        return await self._services.rooms.get(room_name(room))

    def here(self, room: Room | str) -> bool:
        rooms = self._services.host.rooms_of(self._plugin)
        return rooms is None or room_name(room) in rooms

    def _here(self, room: Room | str) -> str:
        """The name of a room that something is done in. Raises `Reject` where the plugin doesn't work."""
        name, rooms = room_name(room), self._services.host.rooms_of(self._plugin)
        if rooms is not None and name not in rooms:
            raise errors.not_in_plugins_rooms(self._plugin, rooms)
        return name

    async def _require_here(self, message_id: str) -> None:
        """Raises `Reject` for a message in a room in which the plugin doesn't work."""
        if self._services.host.rooms_of(self._plugin) is not None:
            message = await self.message(message_id)
            if message is not None:
                self._here(message.room)

    # Who acts

    async def bot(
        self, name: str | None = None, *, display_name: str | None = None, role: Role | None = None
    ) -> User:
        return await self._services.bots.of(
            self._plugin, self._plugin if name is None else name, display_name, role
        )

    async def _acting(self, user: User | None, live: LiveRoom | None = None) -> User:
        """The user who acts: the plugin's bot where none is named. Raises `Reject` ``not_found``, TypeError."""
        if user is None:
            return await self.bot()
        if not isinstance(user, User):
            raise TypeError(f"a user is a User, not {type(user).__name__}")
        member = live is not None and user.id in live.members
        # An event of a user whom the database doesn't know could not be read.
        if (
            not member
            and await self._services.store.read(lambda conn: users.user_by_id(conn, user.id)) is None
        ):
            raise Reject(f"There is no user {user.name!r} ({user.id}).", "not_found", field="user")
        return user

    async def may_post(self, room: Room | str, *, user: User | None = None) -> None:
        await self._require_may_post(room, user, as_message=True)

    async def _require_may_post(self, room: Room | str, user: User | None, *, as_message: bool) -> None:
        live = await self._live(self._here(room))
        acting = await self._acting(user, live)
        await self._require_enabled(acting)
        self._require_member(acting, live)
        await self._services.messages.require_may_post(
            acting, live.room.name, allow_non_member=acting.bot, as_message=as_message
        )

    async def _require_enabled(self, user: User) -> None:
        """Raises `Reject` ``forbidden`` for a user whose account is disabled."""
        if user.bot:
            return
        account = await self._services.store.read(lambda conn: users.account(conn, user.id))
        if account is not None and account.state == "disabled":
            raise Reject("This account is disabled.", "forbidden", field="user")

    def _require_member(self, user: User, live: LiveRoom) -> None:
        """Tell the plugin what other users are not told: that there is a room which its bot is not in."""
        if user.bot and live.room.kind != "public" and user.id not in live.members:
            raise Reject(
                f"{user.name} is not in the room {live.room.name!r}: invite it.", "not_member", field="room"
            )

    # Messages

    async def post(
        self, room: Room | str, content: str, *, user: User | None = None, kind: str = "text",
        reply_to: str | None = None, extra: Mapping[str, Any] | None = None, files: Sequence[str] = (),
        nonce: str | None = None, also: Sequence[Also] | AlsoWork = (), display_name: str | None = None,
        actions: Iterable[Mapping[str, Any]] = (),
    ) -> Message:  # fmt: skip
        message = self._new(
            room_name(room), content, kind, reply_to, extra, files, nonce, also, display_name, actions
        )
        live = await self._live(self._here(room))
        acting = await self._acting(user, live)
        await self._require_enabled(acting)
        self._require_member(acting, live)
        message = msgspec.structs.replace(message, via=BY_BOT if acting.bot else BY_PLUGIN)
        try:
            return _message(await self._services.messages.post_and_wait(acting, message))
        except Reject as refusal:
            self._raise(refusal)

    async def post_direct(
        self, other: User, content: str, *, user: User | None = None, kind: str = "text",
        reply_to: str | None = None, extra: Mapping[str, Any] | None = None, files: Sequence[str] = (),
        nonce: str | None = None, also: Sequence[Also] | AlsoWork = (), display_name: str | None = None,
        actions: Iterable[Mapping[str, Any]] = (),
    ) -> Message:  # fmt: skip
        acting, to = await self._acting(user), await self._acting(other)
        room = direct_room(acting, to).name
        self._here(room)
        message = self._new(room, content, kind, reply_to, extra, files, nonce, also, display_name, actions)
        reply = FutureReply()
        await self._services.messages.post_direct(acting, to, message, reply)
        try:
            return _message(await reply.result())
        except Reject as refusal:
            self._raise(refusal)

    def _new(
        self, room: str, content: str, kind: str, reply_to: str | None, extra: Mapping[str, Any] | None,
        files: Sequence[str], nonce: str | None, also: Sequence[Also] | AlsoWork, display_name: str | None,
        actions: Iterable[Mapping[str, Any]],
    ) -> NewMessage:  # fmt: skip
        for what, value in (("content", content), ("kind", kind), ("nonce", "" if nonce is None else nonce)):
            if not isinstance(value, str):
                raise TypeError(f"{what} is a text, not {type(value).__name__}")
        check_kind(kind, self._plugin)
        if nonce is not None and not 1 <= len(nonce) <= NONCE_CHARS:
            raise Reject(f"A nonce has 1 to {NONCE_CHARS} characters.", "invalid", field="nonce")
        return NewMessage(
            room, content, nonce, reply_to, tuple(files), kind, BY_PLUGIN,
            NO_EXTRAS if extra is None else {self._plugin: checked_extra(extra)},
            self._plugin,
            None if display_name is None else names.shown_name(display_name),
            checked_actions(actions, self._plugin),
            _work(also),
        )  # fmt: skip

    async def edit(self, message_id: str, content: str, *, by: User | None = None) -> Message:
        acting = await self._acting(by)
        await self._require_here(message_id)
        return _message(
            await self._services.messages.edit(acting, message_id, content, allow_non_member=acting.bot)
        )

    async def delete(self, message_id: str, *, by: User | None = None) -> None:
        acting = await self._acting(by)
        await self._require_here(message_id)
        await self._services.messages.delete(acting, message_id, allow_non_member=acting.bot)

    async def message(self, message_id: str) -> Message | None:
        return await self._services.messages.message(message_id)

    async def message_for(self, user: User, message_id: str) -> Message:
        message = await self.message(message_id)
        if (
            message is None
            or message.deleted
            or not await self.may_read(message.room, user=user, seq=message.seq)
        ):
            raise errors.no_message()
        return message

    # Events

    async def append(
        self, room: Room | str, type: str, data: Mapping[str, Any], *, user: User | None = None,
        also: Sequence[Also] | AlsoWork = (), as_message: bool | User = False,
    ) -> Event:  # fmt: skip
        name = f"{self._plugin}:{type}"
        if not self._services.host.registered(name):
            raise ValueError(f"{name!r} is not among the events that the plugin registered")
        change = log.Append(_NOBODY, name, event_data(data, wire.EVENT_FIELDS), _work(also))
        live = await self._live(self._here(room))
        change.user = await self._acting(user, live)
        if as_message:
            change.writer = change.user if as_message is True else await self._acting(as_message, live)
            change.allow_non_member = change.writer.bot
            await self._require_may_post(room, change.writer, as_message=False)
        try:
            done = await live.append(change)
        except Reject as refusal:
            self._raise(refusal)
        assert done.event is not None
        return done.event

    def _raise(self, refusal: Reject) -> NoReturn:
        """Raise the plugin's own mistake as it was raised; that of another one's ``in_commit`` is a refusal."""
        cause = refusal.__cause__
        if refusal.plugin == self._plugin and cause is not None:
            raise cause from cause.__cause__
        raise refusal

    async def events(
        self, room: Room | str, *, user: User, before: int | None = None, after: int | None = None,
        around: int | None = None, limit: int = 50,
    ) -> tuple[list[Event], bool]:  # fmt: skip
        live = await self._live(room)
        return await self._services.room_log.timeline(
            user, live, limit, before=before, after=after, around=around
        )

    async def mentions(
        self, *, user: User, before: str | None = None, limit: int = 50
    ) -> tuple[list[tuple[Event, bool]], str | None]:
        return await mention_page(self._services, user, before, limit)

    async def may_read(self, room: Room | str, *, user: User, seq: int | None = None) -> bool:
        try:
            after = await self._services.access.visible_after(user, await self._live(room))
        except Reject:
            return False
        return seq is None or seq > after

    def publish(self, room: Room | str, type: str, data: Mapping[str, Any]) -> None:
        name = self._here(room)
        event = {**event_data(data, _PUBLISHED), "type": f"{self._plugin}:{type}", "room": name}
        self._services.bus.publish(name, wire.encode(event), ephemeral=True)

    def publish_to(self, user: User, type: str, data: Mapping[str, Any]) -> None:
        event = {**event_data(data, _PUBLISHED_TO), "type": f"{self._plugin}:{type}"}
        self._services.bus.publish(user_topic(user.id), wire.encode(event), ephemeral=True)

    def wire(self, event: Event) -> dict[str, Any]:
        return wire.event_fields(event)


_PUBLISHED = frozenset({"type", "room"})
"""What every ephemeral event has by itself."""
_PUBLISHED_TO = frozenset({"type"})
"""What one to a user has."""
_NOBODY = User("", "", "")


def room_name(room: Room | str) -> str:
    """The name of a room that is given as a value or by name. Raises TypeError for anything else."""
    if isinstance(room, Room):
        return room.name
    if not isinstance(room, str):
        raise TypeError(f"a room is a Room or its name, not {type(room).__name__}")
    return room_key(room)


def _work(also: Sequence[Also] | AlsoWork) -> AlsoWork | None:
    if callable(also):
        return also
    statements = tuple(also)
    for each in statements:
        if not isinstance(each, Also):
            raise TypeError(f"also is a function, or a list of Also, not of {type(each).__name__}")

    def run(tx: EventTransaction) -> None:
        for statement in statements:
            tx.execute(statement.sql, **statement.params)

    return run if statements else None


def _message(done: Committed) -> Message:
    assert done.event is not None
    assert done.event.message is not None
    return done.event.message
