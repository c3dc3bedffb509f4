"""What follows from a committed entry: who listens where, who is told, which hooks hear of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import cast

from ..delivery.bus import Bus
from ..delivery.codec import Codec
from ..delivery.hub import EVERYBODY, Hub, user_topic
from ..delivery.presence import Presence
from ..delivery.session import Session
from ..model.metrics import Metrics
from ..model.values import Event, Message, User
from ..protocol import events as wire
from ..store import Change, Committed
from ..store.changes import ENTERING, LEAVING, ChangeMember, CreateRoom, Post
from .access import Access
from .listing import listing
from .notifier import Notifier
from .room import LiveRoom

AFTER: Mapping[str, str] = MappingProxyType(
    {"message": "after_post", "edited": "after_edit", "deleted": "after_delete"}
)


class PendingHello:
    """A session that is about to say ``welcome``; ``stale`` once its user or their memberships changed meanwhile."""

    def __init__(self) -> None:
        self.stale = False


class AfterCommit:
    """The rooms' watcher. Where more than ``presence_members`` connections listen, coming and going is not
    told."""

    def __init__(
        self,
        hub: Hub,
        bus: Bus,
        presence: Presence,
        notifier: Notifier,
        access: Access,
        presence_members: int,
        metrics: Metrics,
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._presence = presence
        self._notifier = notifier
        self._access = access
        self._presence_members = presence_members
        self._metrics = metrics
        self._opening: dict[str, set[PendingHello]] = {}
        self.user_changes = 0
        """How often a user's own facts changed."""

    # Sessions

    def sessions(self, user_id: str) -> list[Session]:
        """A user's connections on this process."""
        return cast(list[Session], list(self._hub.subscribers(user_topic(user_id))))

    def all_sessions(self) -> list[Session]:
        """All connections on this process."""
        return cast(list[Session], list(self._hub.subscribers(EVERYBODY)))

    def opening(self, user_id: str, user_changes: int) -> PendingHello:
        """Watch a user until `opened`. ``user_changes`` is the count from before the user was looked up."""
        watch = PendingHello()
        watch.stale = user_changes != self.user_changes
        self._opening.setdefault(user_id, set()).add(watch)
        return watch

    def changed(self, user_id: str) -> None:
        """A user's memberships changed: a session that is about to be welcomed as this user has to ask again."""
        for watch in self._opening.get(user_id, ()):
            watch.stale = True

    def user_changed(self, user_id: str) -> None:
        """A user's name, role or sessions changed."""
        self.user_changes += 1
        self.changed(user_id)

    def opened(self, user_id: str, watch: PendingHello) -> None:
        """Stop watching."""
        waiting = self._opening[user_id]
        waiting.discard(watch)
        if not waiting:
            del self._opening[user_id]

    def follow(self, session: Session, room: str) -> None:
        """From here on the session gets the room's events."""
        session.rooms.add(room)
        self._hub.subscribe(session, room)

    def unfollow(self, session: Session, room: str) -> None:
        """It gets what is queued, and nothing behind that."""
        session.rooms.discard(room)
        self._hub.unsubscribe(session, room)

    # Who is here

    def show(self, user: User, room: str) -> None:
        """Tell a room that somebody is there now, unless it knows, or too many are there to be told."""
        if self._hub.count(room) <= self._presence_members and self._presence.enter(user, room):
            status, text = self._presence.status(user.id)
            if status != "offline":
                self._bus.publish(room, wire.joined(room, user, status, text), ephemeral=True)

    # Watcher of the rooms

    def kept_from(self, live: LiveRoom, message: Message) -> Collection[str]:
        """The ids of the members who may not see a message."""
        return self._access.kept_from(live, message)

    def before_publish(self, live: LiveRoom, entry: Change, done: Committed) -> None:
        """Those who come in listen from this event on."""
        if isinstance(entry, CreateRoom):
            for member in list(live.members.values()):
                self._let_in(live, member.user, done)
            if live.room.kind == "public":
                self._announce(live, entry.user)
        elif isinstance(entry, ChangeMember) and entry.action in ENTERING:
            self._let_in(live, entry.target, done)

    def _announce(self, live: LiveRoom, by: User) -> None:
        """Tell everybody else that there is a new room to join."""
        fields = {**listing(live, by), "joined": False}
        fields.pop("role", None)
        told = wire.rooms([fields])
        encoded: dict[Codec, bytes] = {}
        for session in cast(Iterable[Session], self._hub.subscribers(EVERYBODY)):
            if session.user.id not in live.members:
                codec = session.connection.codec
                if codec not in encoded:
                    encoded[codec] = codec.encode(told)
                session.connection.send_encoded(encoded[codec], encoded[codec])

    def _let_in(self, live: LiveRoom, user: User, done: Committed) -> None:
        self.changed(user.id)
        sessions = self.sessions(user.id)
        if sessions:
            # The event itself is still to come.
            head = live.position.seq - (done.event is not None)
            told = wire.rooms([{**listing(live, user), "head": head, "read": head}])
            for session in sessions:
                session.connection.send(told)
                self.follow(session, live.room.name)
            self.show(user, live.room.name)

    def after_publish(self, live: LiveRoom, entry: Change, done: Committed) -> None:
        """Those who go out hear no more; those who were named are told; plugins hear of it."""
        if isinstance(entry, Post):
            self._metrics.messages += 1
        elif isinstance(entry, ChangeMember) and entry.action in LEAVING:
            self._let_out(live, entry)
        if done.event is not None:
            if done.mentioned:
                told = wire.mention(done.event)
                for user_id in done.mentioned:
                    self._bus.publish(user_topic(user_id), told)
            self._tell_plugins(done.event)
        if isinstance(entry, ChangeMember):
            self._tell_of_member(live, entry)

    def _let_out(self, live: LiveRoom, entry: ChangeMember) -> None:
        name, user = live.room.name, entry.target
        self.changed(user.id)
        own_doing = entry.action == "left"
        told = (
            wire.rooms([], [name]) if own_doing else wire.kicked(name, entry.user, entry.reason, entry.until)
        )
        for session in self.sessions(user.id):
            if name in session.rooms:
                self.unfollow(session, name)
                session.connection.send(told)
        if self._presence.exit(user, name):
            self._bus.publish(name, wire.left(name, user), ephemeral=True)

    # Plugins

    def _tell_plugins(self, event: Event) -> None:
        self._notifier.notify_event(event)
        hook = AFTER.get(event.type)
        if hook is not None:
            self._notifier.notify(hook, event.message)

    def _tell_of_member(self, live: LiveRoom, entry: ChangeMember) -> None:
        hook = (
            "after_join" if entry.action in ENTERING else "after_leave" if entry.action in LEAVING else None
        )
        if hook is not None:
            self._notifier.notify(hook, entry.target, live.room)


def user_gone(bus: Bus, notifier: Notifier, user: User, rooms: Iterable[str]) -> None:
    """The grace after a user's last connection is over: tell the rooms they were shown in, and the plugins."""
    for room in rooms:
        bus.publish(room, wire.left(room, user), ephemeral=True)
    notifier.notify("after_disconnect", user)
