"""The sessions of this process: whose they are, which rooms they follow, what they are called, when they end.

What all of a user's connections are told goes over the bus. What changes the sessions themselves is done here, and
nowhere else: with more than one process, each does it for those that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import msgspec

from ..model.errors import Close
from ..model.values import User
from .hub import ALL, Hub, user_topic
from .session import Session


class PendingHello:
    """A session that is about to say ``welcome``; ``stale`` once its user or their memberships changed meanwhile."""

    def __init__(self) -> None:
        self.stale = False


class LocalSessions:
    """Sessions by user, and what they listen to."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._pending: dict[str, set[PendingHello]] = {}
        self._ends: dict[Session, float] = {}
        self.user_changes = 0
        """How often a user's own facts changed."""

    def of(self, user_id: str) -> list[Session]:
        """A user's sessions."""
        return cast(list[Session], list(self._hub.subscribers(user_topic(user_id))))

    def tokens_of(self, user_id: str) -> list[str]:
        """The tokens with which a user's sessions have come."""
        return [session.token for session in self.of(user_id) if session.token is not None]

    def all(self) -> list[Session]:
        """The sessions of all users."""
        return cast(list[Session], list(self._hub.subscribers(ALL)))

    def listening(self, room: str) -> int:
        """How many sessions listen to a room."""
        return self._hub.count(room)

    # Coming and going

    def opening(self, user_id: str, user_changes: int) -> PendingHello:
        """Watch a user until `opened`. ``user_changes`` is the count from before the user was looked up."""
        watch = PendingHello()
        watch.stale = user_changes != self.user_changes
        self._pending.setdefault(user_id, set()).add(watch)
        return watch

    def opened(self, user_id: str, watch: PendingHello) -> None:
        """Stop watching."""
        waiting = self._pending[user_id]
        waiting.discard(watch)
        if not waiting:
            del self._pending[user_id]

    def changed(self, user_id: str) -> None:
        """A user's memberships changed: a session that is about to be welcomed as this user has to ask again."""
        for watch in self._pending.get(user_id, ()):
            watch.stale = True

    def user_changed(self, user_id: str) -> None:
        """A user's name, role or sessions changed."""
        self.user_changes += 1
        self.changed(user_id)

    def add(self, session: Session, rooms: Iterable[str], live: Callable[[str], bool]) -> None:
        """From here on the session counts: for what all are told, and its user, and those ``rooms`` that are ``live``.

        The others are followed too, and are live once it has caught up (`go_live`).
        """
        self._hub.subscribe(session, ALL)
        self._hub.subscribe(session, user_topic(session.user.id))
        for room in rooms:
            session.rooms.add(room)
            if live(room):
                self._hub.subscribe(session, room)

    def go_live(self, session: Session, room: str) -> None:
        """It has caught up with a room; one that left it meanwhile is not let in again."""
        if room in session.rooms:
            self._hub.subscribe(session, room)

    def end_at(self, session: Session, time: float) -> None:
        """A session ends at a time, in seconds since the epoch."""
        self._ends[session] = time

    def due(self, now: float) -> list[Session]:
        """The sessions whose end has come; each is told of once."""
        due = [session for session, time in self._ends.items() if time <= now]
        for session in due:
            del self._ends[session]
        return due

    def remove(self, session: Session) -> None:
        """The connection is gone."""
        self._ends.pop(session, None)
        for topic in (*session.rooms, ALL, user_topic(session.user.id)):
            self._hub.drop(session, topic)

    # What changes all of a user's sessions

    def outside(self, user_id: str, room: str) -> bool:
        """Whether a session of the user does not follow the room."""
        return any(room not in session.rooms for session in self.of(user_id))

    def let_in(self, user_id: str, room: str) -> bool:
        """From here on they get the room's events. Whether there are any."""
        self.changed(user_id)
        sessions = self.of(user_id)
        for session in sessions:
            session.rooms.add(room)
            self._hub.subscribe(session, room)
        return bool(sessions)

    def let_out(self, user_id: str, room: str) -> bool:
        """They get what is queued, and nothing after that. Whether one of them followed the room."""
        self.changed(user_id)
        followed = [session for session in self.of(user_id) if room in session.rooms]
        for session in followed:
            session.rooms.discard(room)
            self._hub.unsubscribe(session, room)
        return bool(followed)

    def replace(self, user: User) -> None:
        """The user has another name or role."""
        self.user_changed(user.id)
        for session in self.of(user.id):
            session.user = msgspec.structs.replace(user, scopes=session.user.scopes)

    def close(self, user_id: str, code: Close, reason: str = "", *, token: str | None = None) -> None:
        """Close a user's sessions, or those of one ``token``."""
        self.user_changed(user_id)
        for session in self.of(user_id):
            if token is None or session.token == token:
                session.connection.close(code, reason)
