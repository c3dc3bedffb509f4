"""A room's events: published when they are committed here, and followed when another server commits them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

from ..delivery.bus import Bus, Carried
from ..model.values import Event, Message, RoomPosition, User
from ..protocol import events as wire
from ..protocol.payloads import author_of_message
from ..store import Change, Committed, Store
from ..store.changes import Delete, Edit, Expire, Post, RoomState
from .log_order import LogOrder
from .membership import apply
from .replies import Reply
from .room_memory import Clock, Judge, RoomMemory


class Watcher(Judge, Protocol):
    """Is told what was committed, in the turn in which it is published."""

    def kept_from(self, live: RoomFeed, message: Message) -> Collection[str]:
        """The ids of the members who may not see a message."""

    def before_publish(self, live: RoomFeed, entry: Change, done: Committed) -> None:
        """The room's state has changed (by anything but a message); the event is not published yet."""

    def after_publish(self, live: RoomFeed, entry: Change, done: Committed) -> None:
        """The event, if there is one, is with the hub."""

    def before_followed(self, live: RoomFeed, event: Event) -> None:
        """An event that another server committed is about to be published here."""

    def after_followed(self, live: RoomFeed, event: Event) -> None:
        """An event that another server committed is with the hub."""

    def floor_moved(self, live: RoomFeed) -> None:
        """Another server has blanked the messages up to the room's floor."""

    def members_followed(self, live: RoomFeed, members: Iterable[User]) -> None:
        """These came or went, by what another server committed."""


class RoomFeed(RoomMemory):
    """A room whose events go to its listeners in the order of its log, whichever server commits them."""

    def __init__(self, state: RoomState, store: Store, bus: Bus, watcher: Watcher, clock: Clock) -> None:
        super().__init__(state, watcher, clock)
        self._bus = bus
        self._watcher = watcher
        self.order = LogOrder(self, store, clock) if bus.shared else None
        """Where several servers append to the log."""
        self._moved_members: dict[str, User] = {}

    def committed(self, change: Change, reply: Reply, done: Committed) -> None:
        """A change was committed here: answer and publish it when its turn has come."""
        is_event = done.event is not None
        before = done.position.seq - is_event
        if not isinstance(change, Post):
            apply(change, self, before)
        if self.order is None or (before == self.position.seq and not self.order.waits):
            self._take_effect(change, reply, done, None)
            return
        # Something of another server comes before it here. The others need not wait for that.
        self.position = msgspec.structs.replace(self.position, version=done.position.version)
        sent = None
        if done.event is not None:
            sent = self._carried(done.event, done.position)
            self._bus.elsewhere(self.room.name, sent)
        self.order.put(done.position, is_event, lambda: self._take_effect(change, reply, done, sent))

    def _take_effect(self, change: Change, reply: Reply, done: Committed, sent: Carried | None) -> None:
        """Answer, and publish; what is ``sent`` already, here alone."""
        reply.committed(done)
        self.position = _moved(self.position, done.position)
        if done.mentioned or isinstance(change, Edit | Delete | Expire):
            self.recounted = done.position.seq
        if not isinstance(change, Post):
            self._watcher.before_publish(self, change, done)
        if sent is not None:
            self._bus.here(self.room.name, sent.payload, sent.instead, sent.users)
        elif done.event is not None:
            self._publish(done.event, done.position)
        self._watcher.after_publish(self, change, done)

    def _publish(self, event: Event, position: RoomPosition) -> None:
        if event.type != "edited":
            self._bus.publish(self.room.name, wire.durable(event), position)
            return
        what = self._carried(event, position)
        if what.instead is None:
            self._bus.publish(self.room.name, what.payload, position)
        else:
            self._bus.publish_apart(self.room.name, what.payload, what.instead, what.users, position)

    def _carried(self, event: Event, position: RoomPosition) -> Carried:
        if event.type == "edited" and event.message is not None:
            hidden = self._watcher.kept_from(self, event.message)
            if hidden:
                bare = msgspec.structs.replace(event, message=None)
                return Carried(wire.durable(event), position, False, wire.durable(bare), tuple(hidden))
        return Carried(wire.durable(event), position)

    # What other servers commit

    def follow(self, what: Carried) -> None:
        """An event of another server came over the bus."""
        position = what.position
        if self.order is None or position is None:
            return
        if position.version > self.position.version:
            # It changed who may do what, or comes after what did: that is read with the log.
            self.order.known(position)
            return

        def deliver() -> None:
            self.used = self.moved = time.monotonic()
            self.recounted = position.seq
            self.position = _moved(self.position, position)
            if self.room.slow_mode:
                author = author_of_message(what.payload)
                if author is not None:
                    self.note_words(author)
            self._bus.here(self.room.name, what.payload, what.instead, what.users)

        self.order.put(position, True, deliver)

    def rewind(self, to: RoomPosition) -> None:
        """Begin earlier in the log: there is no listener yet."""
        if to.seq < self.position.seq:
            self.position = RoomPosition(to.seq, to.messages, self.position.version)

    def adopt(self, state: RoomState) -> None:
        """Take over a newer state, but for where the log is."""
        before, floor = self.members, self.floor
        self._take_settings(state)
        self.position = msgspec.structs.replace(self.position, version=state.position.version)
        if state.floor > floor:
            self._watcher.floor_moved(self)
        for user_id in before.keys() ^ self.members.keys():
            member = before.get(user_id) or self.members[user_id]
            self._moved_members[user_id] = member.user

    def take_from_log(self, event: Event) -> None:
        """Publish the next event here, which another server committed."""
        self.used = self.moved = time.monotonic()
        self.recounted = event.seq
        messages = self.position.messages + (event.type == "message")
        if event.type == "message" and self.room.slow_mode:
            self.note_words(event.user.id)
        position = RoomPosition(event.seq, messages, self.position.version)
        try:
            self._watcher.before_followed(self, event)
        finally:
            self.position = position
        what = self._carried(event, position)
        self._bus.here(self.room.name, what.payload, what.instead, what.users)
        self._watcher.after_followed(self, event)

    def settle(self, state: RoomState) -> None:
        """All of the log up to this state is published here."""
        if self.position.seq == state.position.seq:
            self.position = _moved(self.position, state.position)
        moved, self._moved_members = self._moved_members, {}
        if moved:
            self._watcher.members_followed(self, moved.values())


def _moved(before: RoomPosition, to: RoomPosition) -> RoomPosition:
    """The position after an event: the state may be newer already."""
    if to.version >= before.version:
        return to
    return msgspec.structs.replace(to, version=before.version)
