"""``self.chat``: what a plugin may do, as one object over the use cases (`chatserver.plugins.api.ChatAPI`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import isawaitable
from typing import Any, Protocol, cast

from ..delivery.hub import user_topic
from ..model.errors import Reject
from ..model.names import room_key
from ..model.values import NO_EXTRAS, Event, Member, Message, Room, Status, Upload, User
from ..model.values import extra as checked_extra
from ..plugins.api import Also, AlsoWork, Ban
from ..plugins.gateways import Format, GatewaySession, Link
from ..protocol import events as wire
from ..store import Committed
from ..store import changes as log
from .new_message import BY_PLUGIN, NewMessage
from .replies import FutureReply
from .room import LiveRoom
from .rooms import direct_room
from .services import Services


class OpenSession(Protocol):
    """Opens a session over a connection of a plugin."""

    async def __call__(
        self, plugin: str, link: Link, format: Format, *, user: User | None, name: str | None, token: str | None,
        remote_ip: str,
    ) -> GatewaySession: ...  # fmt: skip


class PluginChat:
    """One plugin's handle on the chat."""

    def __init__(self, plugin: str, services: Services, open_session: OpenSession) -> None:
        self._plugin = plugin
        self._services = services
        self._open_session = open_session

    async def _live(self, room: Room | str) -> LiveRoom:
        return await self._services.rooms.get(_name(room))

    # Messages and events

    async def post(
        self, room: Room | str, content: str, *, user: User, kind: str = "text", reply_to: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Message:  # fmt: skip
        extras = NO_EXTRAS if extra is None else {self._plugin: checked_extra(extra)}
        message = NewMessage(_name(room), content, reply_to=reply_to, kind=kind, via=BY_PLUGIN, extras=extras)
        return _message(await self._services.messages.post_and_wait(user, message))

    async def post_direct(self, other: User, content: str, *, user: User) -> Message:
        message = NewMessage(direct_room(user, other).name, content, via=BY_PLUGIN)
        reply = FutureReply()
        await self._services.messages.post_direct(user, other, message, reply)
        return _message(await reply.result())

    async def edit(self, message_id: str, content: str, *, by: User) -> Message:
        return _message(await self._services.messages.edit(by, message_id, content))

    async def delete(self, message_id: str, *, by: User) -> None:
        await self._services.messages.delete(by, message_id)

    async def message(self, message_id: str) -> Message | None:
        return await self._services.messages.message(message_id)

    async def append(
        self, room: Room | str, type: str, data: Mapping[str, Any], *, user: User,
        also: Sequence[Also] | AlsoWork = (),
    ) -> Event:  # fmt: skip
        name = f"{self._plugin}:{type}"
        if not self._services.host.registered(name):
            raise ValueError(f"{name!r} is not among the events that the plugin registered")
        taken = wire.EVENT_FIELDS.intersection(data)
        if taken:
            raise ValueError(f"an event has these fields by itself: {', '.join(sorted(taken))}")
        live = await self._live(room)
        work = also if callable(also) else tuple(also)
        try:
            done = await live.append(log.Append(user, name, dict(data), work))
        except Reject as refusal:
            # The plugin's own mistake is raised as it was; that of another one's ``in_commit`` is a refusal.
            if refusal.plugin == self._plugin and refusal.__cause__ is not None:
                raise refusal.__cause__ from None
            raise
        assert done.event is not None
        return done.event

    async def events(
        self, room: Room | str, *, user: User, before: int | None = None, after: int | None = None,
        around: int | None = None, limit: int = 50,
    ) -> tuple[list[Event], bool]:  # fmt: skip
        live = await self._live(room)
        return await self._services.room_service.timeline(
            user, live, limit, before=before, after=after, around=around
        )

    async def may_read(self, room: Room | str, *, user: User, seq: int | None = None) -> bool:
        try:
            after = await self._services.access.visible_after(user, await self._live(room))
        except Reject:
            return False
        return seq is None or seq > after

    async def before_upload(self, upload: Upload) -> Upload:
        if not self._services.host.current.hooks.has("before_upload"):
            return upload
        checked = self._services.host.current.hooks.filter("before_upload", upload)
        return cast(Upload, await checked if isawaitable(checked) else checked)

    def after_upload(self, upload: Upload) -> None:
        self._services.notifier.notify("after_upload", upload)

    def notice(self, user: User, text: str, *, room: Room | str | None = None, level: str = "info") -> None:
        where = None if room is None else _name(room)
        self._services.bus.publish(user_topic(user.id), wire.notice(text, where, level), ephemeral=True)

    def publish(self, room: Room | str, type: str, data: Mapping[str, Any]) -> None:
        event = {**data, "type": f"{self._plugin}:{type}", "room": _name(room)}
        self._services.bus.publish(_name(room), wire.encode(event), ephemeral=True)

    def wire(self, event: Event) -> dict[str, Any]:
        return wire.event_fields(event)

    # Rooms

    async def room(self, name: str) -> Room:
        return (await self._live(name)).room

    async def rooms(self, *, user: User) -> list[Room]:
        lists = await self._services.room_service.lists(user)
        return [entry.room for entry in (*lists.mine, *lists.public)]

    async def create_room(self, name: str, *, by: User, **settings: Any) -> Room:
        return (await self._services.room_service.create(by, name, settings)).room

    async def change_room(self, room: Room | str, *, by: User, **settings: Any) -> Room:
        return (await self._services.room_service.change(by, _name(room), settings)).room

    async def direct(self, user: User, other: User, *, make: bool = True) -> Room:
        if not make:
            return await self._services.room_service.direct_to_be(user, other)
        live, _ = await self._services.room_service.direct(user, other)
        return live.room

    async def join(self, room: Room | str, *, user: User) -> Room:
        return (await self._services.room_service.join(user, _name(room))).room

    async def leave(self, room: Room | str, *, user: User) -> None:
        await self._services.room_service.leave(user, _name(room))

    async def invite(self, room: Room | str, user: User, *, by: User) -> None:
        await self._services.room_service.invite(by, _name(room), user)

    # People

    async def user(self, name_or_id: str) -> User:
        return await self._services.accounts.find(name_or_id)

    async def members(self, room: Room | str) -> list[Member]:
        return list((await self._live(room)).members.values())

    def status(self, user: User) -> Status:
        return self._services.presence.status(user.id)[0]

    def online(self, room: Room | str) -> list[User]:
        live = self._services.rooms.loaded(_name(room))
        members = live.members.values() if live is not None else ()
        return [m.user for m in members if self._services.presence.status(m.user.id)[0] != "offline"]

    async def set_status(self, user: User, status: Status, text: str = "") -> None:
        await self._services.people.set_status(user, status, text)

    async def rename(self, user: User, name: str) -> User:
        return await self._services.people.rename(user, name)

    async def may(self, user: User, permission: str, room: Room | None = None) -> bool:
        live = None if room is None else await self._live(room)
        return await self._services.access.may(user, permission, live)

    def commands(self, user: User) -> list[Mapping[str, Any]]:
        return list(
            self._services.host.current.commands.listing(
                lambda name: self._services.access.by_role(user, name)
            )
        )

    # Gateways

    async def open_session(
        self, link: Link, format: Format, *, remote_ip: str, user: User | None = None, name: str | None = None,
        token: str | None = None,
    ) -> GatewaySession:  # fmt: skip
        return await self._open_session(
            self._plugin, link, format, user=user, name=name, token=token, remote_ip=remote_ip
        )

    # Moderation

    async def kick(
        self, room: Room | str, user: User, *, by: User, minutes: float = 0, reason: str = ""
    ) -> None:
        await self._services.moderation.kick(_name(room), user, by=by, minutes=minutes, reason=reason)

    async def mute(
        self, room: Room | str, user: User, *, by: User, minutes: float = 0, reason: str = ""
    ) -> None:
        await self._services.moderation.mute(_name(room), user, by=by, minutes=minutes, reason=reason)

    async def unmute(self, room: Room | str, user: User, *, by: User) -> None:
        await self._services.moderation.unmute(_name(room), user, by=by)

    async def ban(
        self, room: Room | str, user: User, *, by: User, minutes: float = 0, reason: str = ""
    ) -> None:
        await self._services.moderation.ban(_name(room), user, by=by, minutes=minutes, reason=reason)

    async def unban(self, room: Room | str, user: User, *, by: User) -> None:
        await self._services.moderation.unban(_name(room), user, by=by)

    async def bans(self, room: Room | str) -> list[Ban]:
        return await self._services.moderation.bans(_name(room))


def _name(room: Room | str) -> str:
    return room_key(room) if isinstance(room, str) else room.name


def _message(done: Committed) -> Message:
    assert done.event is not None
    assert done.event.message is not None
    return done.event.message
