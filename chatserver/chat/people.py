"""What users do besides talking: status, typing, read marks, names."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from ..accounts.accounts import Accounts
from ..delivery.bus import Bus
from ..delivery.hub import user_topic
from ..delivery.presence import Presence
from ..model import errors, names
from ..model.errors import Close, Reject
from ..model.permissions import in_scope
from ..model.rate_limit import RateLimiter
from ..model.values import Status, User
from ..protocol import events as wire
from ..store import Store
from ..store.members import move_mark
from .access import Access
from .after_commit import AfterCommit
from .notifier import Notifier
from .registry import RoomRegistry

STATUS_CHARS = 100


class People:
    """The use cases of people. Refusals are raised as `Reject`."""

    def __init__(
        self,
        rooms: RoomRegistry,
        store: Store,
        bus: Bus,
        access: Access,
        presence: Presence,
        after_commit: AfterCommit,
        accounts: Accounts,
        notifier: Notifier,
        tell_nodes: Callable[[str], Awaitable[None]],
    ) -> None:
        self._rooms = rooms
        self._store = store
        self._bus = bus
        self._access = access
        self._presence = presence
        self._after_commit = after_commit
        self._accounts = accounts
        self._notifier = notifier
        self._tell_nodes = tell_nodes
        self._typing = RateLimiter(2, 10, time.monotonic)
        self._states = RateLimiter(0.5, 5, time.monotonic)

    async def set_status(self, user: User, status: Status, text: str) -> None:
        """Change how others see a user, and tell the rooms the user is in: as a leaving when it is invisible from here
        on, as a coming when it no longer is."""
        await self._access.require(user, "user.status")
        text = names.one_line(text, STATUS_CHARS, "text")
        if text and text != self._presence.status(user.id)[1]:
            self._refuse_muted(user)
            await self._access.check_text(user, "status", text)
        self._states.take(user.id)
        before = self._presence.status(user.id)
        if self._presence.set_status(user, status, text):
            self._after_commit.tell_state(user, before)
        self._bus.publish(user_topic(user.id), wire.presence(user, status, text), ephemeral=True)

    async def typing(self, user: User, name: str, on: bool) -> None:
        """Tell a room that a user is writing. Too many are dropped without a word: it is only a hint. Those of an
        invisible user are dropped as well."""
        live = await self._rooms.get(name)
        if user.id not in live.members:
            raise errors.not_in_room(live.room)
        if not in_scope(user, "message.post"):
            raise errors.forbidden("message.post")
        hidden = self._presence.status(user.id)[0] == "offline"
        if live.may_write(user) and not hidden and not self._typing.wait(user.id):
            self._bus.publish(live.room.name, wire.typing(live.room.name, user, on), ephemeral=True)

    async def read(self, user: User, name: str, seq: int) -> None:
        """Move a user's read mark forward, and tell the user's other connections."""
        live = await self._rooms.get(name)
        if user.id not in live.members:
            raise errors.not_in_room(live.room)
        if seq > live.position.seq:
            raise Reject(f"The room's last seq is {live.position.seq}.", "invalid", field="seq")
        name = live.room.name
        if await self._store.write(lambda conn: move_mark(conn, name, user.id, seq)):
            self._bus.publish(user_topic(user.id), wire.read(name, seq), ephemeral=True)
            self._notifier.notify("after_read", user, live.room, seq)

    async def rename(self, user: User, name: str) -> User:
        """Another name, told to the rooms they are in. That of an invisible user is told to themselves alone."""
        await self._access.require(user, "user.rename")
        self._refuse_muted(user)
        await self._access.check_text(user, "name", name)
        self._states.take(user.id)
        old = user.display_name
        renamed = await self._accounts.rename(user, name)
        self.replace(renamed)
        topics = {user_topic(user.id)}
        if self._presence.status(user.id)[0] != "offline":
            topics = {room for session in self._after_commit.sessions.of(user.id) for room in session.rooms}
        for topic in topics:
            self._bus.publish(topic, wire.renamed(renamed, old), ephemeral=True)
        self._notifier.notify("after_rename", renamed, old)
        await self._tell_nodes(user.id)
        return renamed

    def _refuse_muted(self, user: User) -> None:
        """Raises `Reject` ``muted`` or ``banned``: a mute is for all that others see."""
        self._access.sanctions.refuse_sanctioned(user)
        self._rooms.refuse_muted(user)

    def replace(self, user: User) -> None:
        """A user has another name or role: take it over wherever they are held in memory."""
        self._rooms.rename(user)
        self._presence.rename(user)
        self._after_commit.sessions.replace(user)

    def released(self, user_id: str) -> None:
        """A guest's name has gone to another user: it means the other one from here on."""
        self._rooms.release(user_id)
        # One that came back in the moment in which the name was taken is asked again with the next hello.
        self._after_commit.sessions.close(user_id, Close.RESTART, "the name went to another user")

    def tell_admins(self, text: str) -> None:
        """Send a warning to the admins who are here."""
        for user in self._presence.people():
            if user.role == "admin":
                self._bus.publish(user_topic(user.id), wire.notice(text, None, "warn"), ephemeral=True)
