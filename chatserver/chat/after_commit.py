"""What follows from a committed entry: subscriptions, announcements, and the ``after_*`` hooks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from ..delivery.bus import Bus
from ..delivery.hub import ALL, user_topic
from ..delivery.local_sessions import LocalSessions
from ..delivery.presence import Presence
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


class AfterCommit:
    """The rooms' watcher. Where more than ``presence_members`` connections listen, coming and going is not
    told."""

    def __init__(
        self,
        sessions: LocalSessions,
        bus: Bus,
        presence: Presence,
        notifier: Notifier,
        access: Access,
        presence_members: int,
        metrics: Metrics,
    ) -> None:
        self.sessions = sessions
        self._bus = bus
        self._presence = presence
        self._notifier = notifier
        self._access = access
        self._presence_members = presence_members
        self._metrics = metrics
        self.followed: Callable[[str], None] | None = None
        """Is told of rooms with a new event, while a plugin follows."""

    # Who is here

    def show(self, user: User, room: str) -> None:
        """Announce a user's presence to a room, once, unless the room has too many listeners."""
        if self.sessions.listening(room) <= self._presence_members and self._presence.enter(user, room):
            status, text = self._presence.status(user.id)
            if status != "offline":
                self._bus.publish(room, wire.joined(room, user, status, text), ephemeral=True)

    # Watcher of the rooms

    def kept_from(self, live: LiveRoom, message: Message) -> Collection[str]:
        """The ids of the members who may not see a message."""
        return self._access.kept_from(live, message)

    def refuse_sanctioned(self, user: User) -> None:
        """Raises `Reject` for a user who is muted or banned on the whole server."""
        self._access.sanctions.refuse_sanctioned(user)

    def may(self, live: LiveRoom, user: User, permission: str) -> bool:
        """Whether the user's roles have the permission there."""
        return self._access.by_role(user, permission, live)

    def before_publish(self, live: LiveRoom, entry: Change, done: Committed) -> None:
        """Subscribe the users who come in: this event is the first that they get."""
        if isinstance(entry, CreateRoom):
            for member in list(live.members.values()):
                self._let_in(live, member.user, done)
            if live.room.kind == "public" and not live.room.unlisted:
                self._announce(live, entry.user)
        elif isinstance(entry, ChangeMember) and entry.action in ENTERING:
            self._let_in(live, entry.target, done)

    def _announce(self, live: LiveRoom, by: User) -> None:
        """Tell all but its members that there is a new room to join."""
        fields = {**listing(live, by), "joined": False}
        fields.pop("role", None)
        self._bus.publish_apart(ALL, wire.rooms([fields]), b"", live.members)

    def _let_in(self, live: LiveRoom, user: User, done: Committed) -> None:
        # The event itself is still to come.
        head = live.position.seq - (done.event is not None)
        listed = {**listing(live, user), "head": head, "read": head}
        self._bus.publish(user_topic(user.id), wire.rooms([listed]))
        if self.sessions.let_in(user.id, live.room.name):
            self.show(user, live.room.name)

    def after_publish(self, live: LiveRoom, entry: Change, done: Committed) -> None:
        """Unsubscribe the users who left, tell the mentioned users, and notify the plugins."""
        if isinstance(entry, Post):
            self._metrics.messages += 1
            if entry.trace is not None and done.event is not None:
                entry.trace.committed(done.event.message)
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
        told = (
            wire.rooms([], [name])
            if entry.action == "left"
            else wire.kicked(name, entry.user, entry.reason, entry.until)
        )
        if self.sessions.let_out(user.id, name):
            self._bus.publish(user_topic(user.id), told)
        if self._presence.exit(user, name):
            self._bus.publish(name, wire.left(name, user), ephemeral=True)

    # Plugins

    def _tell_plugins(self, event: Event) -> None:
        if self.followed is not None:
            self.followed(event.room)
        self._notifier.notify("after_event", event)
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
