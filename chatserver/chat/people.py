"""People: state, typing, read marks, names, and what the command line changed about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..accounts.accounts import Accounts
from ..delivery.bus import Bus
from ..delivery.hub import user_topic
from ..delivery.presence import Presence
from ..model import errors, names
from ..model.errors import Close, Reject
from ..model.rate_limit import RateLimiter
from ..model.values import Status, User
from ..protocol import events as wire
from ..store import Store
from ..store import accounts as people
from ..store.members import move_mark
from .access import Access
from .after_commit import AfterCommit
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
        clock: Callable[[], float],
    ) -> None:
        self._rooms = rooms
        self._store = store
        self._bus = bus
        self._access = access
        self._presence = presence
        self._after_commit = after_commit
        self._accounts = accounts
        self._typing = RateLimiter(2, 10, clock)
        self._states = RateLimiter(0.5, 5, clock)
        self._signal = 0

    async def set_status(self, user: User, status: Status, text: str) -> None:
        """Change how others see a user, and tell the rooms the user is in: as a leaving when it is invisible from here
        on, as a coming when it no longer is."""
        await self._access.require(user, "user.status")
        text = names.one_line(text, STATUS_CHARS, "text")
        self._states.take(user.id)
        before, _ = self._presence.status(user.id)
        if self._presence.set_status(user, status, text):
            after, shown = self._presence.status(user.id)
            for room in self._presence.rooms(user.id):
                if after == "offline":
                    told = wire.left(room, user)
                elif before == "offline":
                    told = wire.joined(room, user, after, shown)
                else:
                    told = wire.presence(user, after, shown)
                self._bus.publish(room, told, ephemeral=True)
        self._bus.publish(user_topic(user.id), wire.presence(user, status, text), ephemeral=True)

    async def typing(self, user: User, name: str, on: bool) -> None:
        """Tell a room that a user is writing. Too many are dropped without a word: it is only a hint. Those of an
        invisible user are dropped as well."""
        live = await self._rooms.get(name)
        if user.id not in live.members:
            raise errors.not_in_room(live.room)
        hidden = self._presence.status(user.id)[0] == "offline"
        if live.may_write(user) and not hidden and not self._typing.wait(user.id):
            self._bus.publish(live.room.name, wire.typing(live.room.name, user, on), ephemeral=True)

    async def read(self, user: User, name: str, seq: int) -> None:
        """Move somebody's read mark forward, and tell their other connections."""
        live = await self._rooms.get(name)
        if user.id not in live.members:
            raise errors.not_in_room(live.room)
        if seq > live.position.seq:
            raise Reject(f"The room's last seq is {live.position.seq}.", "invalid", field="seq")
        name = live.room.name
        if await self._store.write(lambda conn: move_mark(conn, name, user.id, seq)):
            self._bus.publish(user_topic(user.id), wire.read(name, seq), ephemeral=True)

    async def rename(self, user: User, name: str) -> User:
        """Another name, told to the rooms they are in."""
        await self._access.require(user, "user.rename")
        self._states.take(user.id)
        old = user.display_name
        renamed = await self._accounts.rename(user, name)
        self._replace(renamed)
        for room in {room for session in self._after_commit.sessions(user.id) for room in session.rooms}:
            self._bus.publish(room, wire.renamed(renamed, old), ephemeral=True)
        return renamed

    def _replace(self, user: User) -> None:
        self._rooms.rename(user)
        self._presence.rename(user)
        self._after_commit.user_changed(user.id)
        for session in self._after_commit.sessions(user.id):
            session.user = user

    def released(self, user_id: str) -> None:
        """A guest's name has gone to another user: it means the other one from here on."""
        self._rooms.release(user_id)
        self._after_commit.user_changed(user_id)
        for session in self._after_commit.sessions(user_id):
            # Came back in the moment in which the name was taken: with the next hello it is asked again.
            session.connection.close(Close.RESTART, "the name went to another user")

    # Coming and going

    def gone(self, user: User, rooms: Iterable[str]) -> None:
        """The grace after somebody's last connection is over."""
        self._after_commit.hide(user, rooms)
        self._after_commit.notify("after_disconnect", user)

    # Changes from outside

    async def start_listening(self) -> None:
        """Skip what was signalled before."""
        signals = await self._store.read(lambda conn: people.signals_after(conn, 0))
        self._signal = signals[-1][0] if signals else 0

    async def listen(self) -> None:
        """Apply what the command line changed: roles at once, sessions that were revoked are closed."""
        after = self._signal
        for number, user_id in await self._store.read(lambda conn: people.signals_after(conn, after)):
            self._signal = number
            await self._refresh(user_id)

    async def _refresh(self, user_id: str) -> None:
        user = await self._store.read(lambda conn: people.user_by_id(conn, user_id))
        if user is not None:
            self._replace(user)
        self._after_commit.user_changed(user_id)
        for session in self._after_commit.sessions(user_id):
            if session.token is not None and await self._accounts.of_token(session.token) is None:
                session.connection.close(Close.REVOKED)

    async def sign_out(self, token: str) -> None:
        """End one session, and its connections."""
        user = await self._accounts.of_token(token)
        await self._accounts.revoke(token)
        if user is not None:
            self._after_commit.user_changed(user.id)
            for session in self._after_commit.sessions(user.id):
                if session.token == token:
                    session.connection.close(Close.REVOKED, "signed out")
