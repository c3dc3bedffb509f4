"""What follows from a committed entry: subscriptions, announcements, and the ``after_*`` hooks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from ..delivery.bus import Bus, Carried
from ..delivery.hub import ALL, user_topic
from ..delivery.local_sessions import LocalSessions
from ..delivery.presence import Presence
from ..model.metrics import Metrics
from ..model.values import Event, Message, RoomPosition, Status, User
from ..protocol import events as wire
from ..store import Change, Committed
from ..store.changes import ENTERING, LEAVING, ChangeMember, ChangeRoom, Contributor, CreateRoom, Expire, Post
from .access import Access
from .listing import listing
from .notifier import Notifier
from .room_feed import RoomFeed
from .room_memory import RoomMemory

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
        self.followed: Callable[[Event, Sequence[Contributor]], None] | None = None
        """Is told of new events, and of whose part was written with them, while a plugin follows."""

    # Who is here

    def show(self, user: User, room: str) -> None:
        """Announce a user's presence to a room, once, unless the room has too many listeners."""
        if self.sessions.listening(room) <= self._presence_members and self._presence.enter(user, room):
            status, text = self._presence.status(user.id)
            if status != "offline":
                self._bus.here(room, wire.joined(room, user, status, text), ephemeral=True)

    def tell_state(self, user: User, before: tuple[Status, str]) -> None:
        """Tell the rooms a user is shown in of another state: as a leaving when it is invisible from here on, as a
        coming when it no longer is, and of one who is not seen not at all. Each process tells its own clients."""
        after, text = self._presence.status(user.id)
        if (after, text) == before or after == before[0] == "offline":
            return
        for room in self._presence.rooms(user.id):
            if after == "offline":
                told = wire.left(room, user)
            elif before[0] == "offline":
                told = wire.joined(room, user, after, text)
            else:
                told = wire.presence(user, after, text)
            self._bus.here(room, told, ephemeral=True)

    # Watcher of the rooms

    def kept_from(self, live: RoomFeed, message: Message) -> Collection[str]:
        """The ids of the members who may not see a message."""
        return self._access.kept_from(live, message)

    def refuse_sanctioned(self, user: User) -> None:
        """Raises `Reject` for a user who is muted or banned on the whole server."""
        self._access.sanctions.refuse_sanctioned(user)

    def refuse_blocked(self, user: User, other_id: str) -> None:
        """Raises `Reject` for two users of whom one has blocked the other."""
        self._access.blocks.refuse(user, other_id, None)

    def may(self, live: RoomMemory, user: User, permission: str) -> bool:
        """Whether the user's roles have the permission there."""
        return self._access.by_role(user, permission, live)

    def before_publish(self, live: RoomFeed, entry: Change, done: Committed) -> None:
        """Subscribe the users who come in: this event is the first that they get."""
        if isinstance(entry, CreateRoom):
            for member in list(live.members.values()):
                self._let_in(live, member.user, done)
            if live.room.kind == "public" and not live.room.unlisted:
                self._announce(live, entry.user)
        elif isinstance(entry, ChangeMember) and entry.action in ENTERING:
            self._let_in(live, entry.target, done)

    def _announce(self, live: RoomFeed, by: User) -> None:
        """Tell all but its members that there is a new room to join."""
        fields = {**listing(live, by), "joined": False}
        fields.pop("role", None)
        self._bus.publish_apart(ALL, wire.rooms([fields]), b"", live.members)

    def _let_in(self, live: RoomFeed, user: User, done: Committed) -> None:
        # The event itself is still to come.
        self._let_in_here(live, user, live.position.seq - (done.event is not None))

    def _let_in_here(self, live: RoomFeed, user: User, head: int) -> None:
        listed = {**listing(live, user), "head": head, "read": head}
        self._bus.here(user_topic(user.id), wire.rooms([listed]))
        if self.sessions.let_in(user.id, live.room.name):
            self.show(user, live.room.name)

    def after_publish(self, live: RoomFeed, entry: Change, done: Committed) -> None:
        """Unsubscribe the users who left, tell the mentioned users, and notify the plugins."""
        if isinstance(entry, Post):
            self._metrics.messages += 1
            if entry.trace is not None and done.event is not None:
                entry.trace.committed(done.event.message)
        elif isinstance(entry, ChangeMember) and entry.action in LEAVING:
            told = _told(live.room.name, entry.action, entry.user, entry.reason, entry.until)
            self._let_out(live, entry.target, told)
        elif isinstance(entry, Expire):
            self.floor_moved(live)
        if self._bus.shared and isinstance(entry, ChangeMember | CreateRoom | ChangeRoom | Expire):
            self._tell_nodes(live, entry, done)
        if done.event is not None:
            if done.mentioned:
                told = wire.mention(done.event)
                for user_id in done.mentioned:
                    self._bus.publish(user_topic(user_id), told)
            if self.followed is not None:
                self.followed(done.event, done.contributors)
            self._tell_plugins(done.event)
        if isinstance(entry, ChangeMember):
            self._tell_of_member(live, entry)

    def floor_moved(self, live: RoomFeed) -> None:
        """Tell the clients here up to where the history is gone."""
        self._bus.here(live.room.name, wire.floor(live.room.name, live.floor))

    def _let_out(self, live: RoomFeed, user: User, told: bytes) -> None:
        name = live.room.name
        if self.sessions.let_out(user.id, name):
            self._bus.here(user_topic(user.id), told)
        if self._presence.exit(user, name):
            self._bus.here(name, wire.left(name, user), ephemeral=True)

    # Other processes

    def _tell_nodes(
        self, live: RoomFeed, entry: ChangeMember | CreateRoom | ChangeRoom | Expire, done: Committed
    ) -> None:
        """Let the processes that have the room in memory, and those with sessions of who came or went, look at it."""
        self._bus.elsewhere(live.room.name, Carried(b"", live.position, note=True))
        before = done.position.seq - (done.event is not None)
        entered = RoomPosition(before, done.position.messages, done.position.version)
        moved = list(live.members) if isinstance(entry, CreateRoom) else []
        if isinstance(entry, ChangeMember):
            moved = [entry.target.id]
        for user_id in moved:
            self._bus.elsewhere(user_topic(user_id), Carried(live.room.name.encode(), entered, note=True))

    def look(self, live: RoomFeed, user_id: str) -> None:
        """Let a user's sessions here follow a room, or not, as its members do."""
        for session in self.sessions.of(user_id)[:1]:
            self.members_followed(live, [session.user])

    def before_followed(self, live: RoomFeed, event: Event) -> None:
        """Subscribe a user here whom another process let in."""
        if event.type == "member" and event.data["action"] in ENTERING:
            user_id = event.data["target"]["id"]
            member = live.members.get(user_id)
            if member is not None and self.sessions.outside(user_id, live.room.name):
                self._let_in_here(live, member.user, live.position.seq)

    def after_followed(self, live: RoomFeed, event: Event) -> None:
        """Unsubscribe a user here whom another process let out."""
        if event.type == "member" and event.data["action"] in LEAVING:
            data = event.data
            about = data["target"]
            role = "guest" if about.get("guest") else "member"
            target = User(about["id"], about["name"], about["display_name"], role)
            told = _told(
                live.room.name, data["action"], event.user, data.get("reason", ""), data.get("until", 0.0)
            )
            self._let_out(live, target, told)

    def members_followed(self, live: RoomFeed, members: Iterable[User]) -> None:
        """Let the sessions here be those of the members, after users came or went on another process."""
        for user in members:
            if user.id not in live.members:
                self._let_out(live, user, wire.rooms([], [live.room.name]))
            elif self.sessions.outside(user.id, live.room.name):
                self._let_in_here(live, user, live.position.seq)

    # Plugins

    def _tell_plugins(self, event: Event) -> None:
        self._notifier.notify("after_event", event)
        hook = AFTER.get(event.type)
        if hook is not None:
            self._notifier.notify(hook, event.message)

    def _tell_of_member(self, live: RoomFeed, entry: ChangeMember) -> None:
        hook = (
            "after_join" if entry.action in ENTERING else "after_leave" if entry.action in LEAVING else None
        )
        if hook is not None:
            self._notifier.notify(hook, entry.target, live.room)


def user_gone(bus: Bus, user: User, rooms: Iterable[str]) -> None:
    """The grace after a user's last connection is over: tell the clients here, in the rooms they were shown in."""
    for room in rooms:
        bus.here(room, wire.left(room, user), ephemeral=True)


def _told(room: str, action: str, by: User, reason: str, until: float) -> bytes:
    """What the user is told who goes out."""
    return wire.rooms([], [room]) if action == "left" else wire.kicked(room, by, reason, until)
