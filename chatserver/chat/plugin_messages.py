"""What a plugin does with messages and events (the first part of `chatserver.plugins.api.ChatAPI`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model import errors, names
from ..model.errors import Reject
from ..model.names import room_key
from ..model.values import NO_EXTRAS, Event, Message, Room, User
from ..model.values import actions as checked_actions
from ..model.values import extra as checked_extra
from ..plugins.answers import event_data
from ..plugins.api import Also, AlsoWork
from ..protocol import events as wire
from ..store import Committed
from ..store import changes as log
from .new_message import BY_PLUGIN, NewMessage
from .replies import FutureReply
from .room import LiveRoom
from .rooms import direct_room
from .services import Services


class PluginMessages:
    """The messages and events of one plugin."""

    def __init__(self, plugin: str, services: Services) -> None:
        self._plugin = plugin
        self._services = services

    async def _live(self, room: Room | str) -> LiveRoom:
        return await self._services.rooms.get(room_name(room))

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

    async def post(
        self, room: Room | str, content: str, *, user: User, kind: str = "text", reply_to: str | None = None,
        extra: Mapping[str, Any] | None = None, files: Sequence[str] = (), nonce: str | None = None,
        display_name: str | None = None, actions: Iterable[Mapping[str, Any]] = (),
    ) -> Message:  # fmt: skip
        message = NewMessage(
            self._here(room), content, nonce, reply_to, tuple(files), kind, BY_PLUGIN,
            NO_EXTRAS if extra is None else {self._plugin: checked_extra(extra)},
            self._plugin,
            None if display_name is None else names.shown_name(display_name),
            checked_actions(actions, self._plugin),
        )  # fmt: skip
        return _message(await self._services.messages.post_and_wait(user, message))

    async def post_direct(self, other: User, content: str, *, user: User) -> Message:
        message = NewMessage(
            self._here(direct_room(user, other)), content, via=BY_PLUGIN, plugin=self._plugin
        )
        reply = FutureReply()
        await self._services.messages.post_direct(user, other, message, reply)
        return _message(await reply.result())

    async def edit(self, message_id: str, content: str, *, by: User) -> Message:
        await self._require_here(message_id)
        return _message(await self._services.messages.edit(by, message_id, content))

    async def delete(self, message_id: str, *, by: User) -> None:
        await self._require_here(message_id)
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
        copied = event_data(data, wire.EVENT_FIELDS)
        live = await self._live(self._here(room))
        work = also if callable(also) else tuple(also)
        try:
            done = await live.append(log.Append(user, name, copied, work))
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

    def publish(self, room: Room | str, type: str, data: Mapping[str, Any]) -> None:
        name = self._here(room)
        event = {**event_data(data, _PUBLISHED), "type": f"{self._plugin}:{type}", "room": name}
        self._services.bus.publish(name, wire.encode(event), ephemeral=True)

    def wire(self, event: Event) -> dict[str, Any]:
        return wire.event_fields(event)


_PUBLISHED = frozenset({"type", "room"})
"""What every ephemeral event has by itself."""


def room_name(room: Room | str) -> str:
    """The name of a room that is given as a value or by name."""
    return room_key(room) if isinstance(room, str) else room.name


def _message(done: Committed) -> Message:
    assert done.event is not None
    assert done.event.message is not None
    return done.event.message
