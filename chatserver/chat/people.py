"""What users do besides talking: status, typing, read marks, names and pictures."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from ..accounts.accounts import Accounts
from ..delivery.bus import Bus
from ..delivery.hub import user_topic
from ..delivery.presence import Presence
from ..model import errors, names
from ..model.errors import Close, Reject
from ..model.people import STATUS_CHARS, StatusText
from ..model.permissions import in_scope
from ..model.rate_limit import RateLimiter
from ..model.values import Status, User
from ..protocol import events as wire
from ..store import Store
from ..store.members import move_mark
from .access import Access
from .after_commit import AfterCommit
from .kept_profiles import KeptProfiles
from .notifier import Notifier
from .registry import RoomRegistry


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
        profiles: KeptProfiles,
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
        self._profiles = profiles
        self._tell_nodes = tell_nodes
        self._typing = RateLimiter(2, 10, time.monotonic)
        self._states = RateLimiter(0.5, 5, time.monotonic)

    async def set_status(
        self, user: User, status: Status | None, text: str | None = None, until: float = 0.0
    ) -> None:
        """Change how others see a user, and tell the rooms the user is in: as a leaving when it is invisible from here
        on, as a coming when it no longer is. None leaves the state, or the text, as it is."""
        said = await self.checked_text(user, text, until)
        self.take_turn(user)
        await self.apply_status(user, status, said)

    async def checked_text(self, user: User, text: str | None, until: float) -> StatusText | None:
        """The status text that ``user`` may set. Raises `Reject`."""
        await self._access.require(user, "user.status")
        if text is None:
            return None
        text = names.one_line(text, STATUS_CHARS, "text")
        if until and until <= self._accounts.now():
            raise Reject("Until: a time to come.", "invalid", field="status_until")
        if text and text != self._profiles.own(user.id).text:
            self.refuse_muted(user)
            await self._access.check_text(user, "status", text)
        return StatusText(text, until if text else 0.0)

    def take_turn(self, user: User) -> None:
        """Count one change of what others see of a user. Raises `Reject` ``rate_limited``."""
        self._states.take(user.id)

    async def apply_status(self, user: User, status: Status | None, said: StatusText | None) -> None:
        """Change the state and the text, which were checked."""
        before = self._presence.status(user.id)
        hidden = self._presence.is_invisible(user.id) if status is None else status == "invisible"
        if said is not None and said != self._profiles.own(user.id):
            await self._profiles.set_text(user.id, said, hold=hidden)
            await self._tell_nodes(user.id)
        elif not hidden and self._profiles.holds(user.id):
            await self._reveal(user)
        if status is not None:
            self._presence.set_status(user, status)
        self._after_commit.tell_state(user, before)
        told = self._presence.own_status(user.id), self._profiles.own(user.id).text
        self._bus.publish(user_topic(user.id), wire.presence(user, *told), ephemeral=True)

    async def clear_text(self, user: User) -> None:
        """Take a status text away, also one that others have not seen yet."""
        before = self._presence.status(user.id)
        await self._profiles.set_text(user.id, StatusText(), hold=False)
        self._after_commit.tell_state(user, before)
        own = wire.presence(user, self._presence.own_status(user.id), "")
        self._bus.publish(user_topic(user.id), own, ephemeral=True)
        await self._tell_nodes(user.id)

    async def came(self, user: User) -> None:
        """A user is visible: so is what they set while they were not."""
        if self._profiles.holds(user.id) and self._presence.own_status(user.id) != "invisible":
            await self._reveal(user)

    async def _reveal(self, user: User) -> None:
        await self._profiles.reveal(user.id)
        await self._tell_nodes(user.id)

    def end_texts(self) -> None:
        """Tell of the status texts that are over."""
        for user_id in self._profiles.over():
            user = self._presence.user(user_id)
            if user is not None:
                status, text = self._presence.status(user_id)
                self._after_commit.tell_state(user, (status, "…"))
                own = wire.presence(user, self._presence.own_status(user_id), text)
                self._bus.here(user_topic(user_id), own, ephemeral=True)

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
        if not in_scope(user, "message.post"):
            raise errors.forbidden("message.post")
        if seq > live.position.seq:
            raise Reject(f"The room's last seq is {live.position.seq}.", "invalid", field="seq")
        name = live.room.name
        if await self._store.write(lambda conn: move_mark(conn, name, user.id, seq)):
            self._bus.publish(user_topic(user.id), wire.read(name, seq), ephemeral=True)
            self._notifier.notify("after_read", user, live.room, seq)

    async def rename(self, user: User, name: str, *, spaces: bool = False) -> User:
        """Another name, told to the rooms they are in. That of an invisible user is told to themselves alone. With
        ``spaces`` an account's may have some."""
        await self.check_name(user, name)
        self.take_turn(user)
        return await self.apply_name(user, name, spaces=spaces)

    async def check_name(self, user: User, name: str) -> None:
        """Raises `Reject` where ``user`` may not be called so."""
        await self._access.require(user, "user.rename")
        self.refuse_muted(user)
        await self._access.check_text(user, "name", name)

    async def apply_name(self, user: User, name: str, *, spaces: bool = False) -> User:
        """Another name, which was checked. Raises `Reject` ``name_taken`` and ``invalid``."""
        renamed = await self._accounts.rename(user, name, spaces=spaces)
        await self.renamed(renamed, user.display_name)
        return renamed

    async def renamed(self, user: User, old: str) -> None:
        """A user has another name."""
        self.replace(user)
        self._tell_rooms(user, wire.renamed(user, old))
        self._notifier.notify("after_rename", user, old)
        await self._tell_nodes(user.id)

    async def pictured(self, user: User) -> None:
        """A user has another picture."""
        self.replace(user)
        self._tell_rooms(user, wire.profile(user))
        await self._tell_nodes(user.id)

    def _tell_rooms(self, user: User, told: bytes) -> None:
        """Tell the rooms that a user is in, or, where others must take them for away, themselves alone."""
        topics = {user_topic(user.id)}
        if self._presence.status(user.id)[0] != "offline":
            topics = {
                room for session in self._after_commit.sessions.of(user.id) for room in session.rooms
            } or topics
        for topic in topics:
            self._bus.publish(topic, told, ephemeral=True)

    def refuse_muted(self, user: User) -> None:
        """Raises `Reject` ``muted`` or ``banned``: a mute is for all that others see."""
        self._access.sanctions.refuse_sanctioned(user)
        self._rooms.refuse_muted(user)

    async def look_again(self, user: User) -> None:
        """Something about a user may have been changed by another server, or on the command line."""
        before = self._presence.status(user.id)
        await self._profiles.load(user.id)
        self.replace(user)
        self._after_commit.tell_state(user, before)

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

    async def block(self, user: User, other: User, on: bool) -> None:
        """Block another user, or no longer, and tell the user's own connections. The other one is not told."""
        if user.scopes is not None:
            raise Reject("Only a session may do this, not a token of a program.", "forbidden")
        if await self._access.blocks.set(user, other, on, self._accounts.now()):
            self._bus.publish(user_topic(user.id), wire.blocked(other, on), ephemeral=True)
            await self._tell_nodes(user.id)

    async def blocked(self, user: User) -> list[User]:
        """Those whom a user has blocked, by name."""
        return await self._access.blocks.users(user)

    async def load_blocks(self) -> None:
        """Another server may have written some."""
        await self._access.blocks.load()

    def tell_admins(self, text: str) -> None:
        """Send a warning to the admins who are here."""
        for user in self._presence.people():
            if user.role == "admin":
                self._bus.publish(user_topic(user.id), wire.notice(text, None, "warn"), ephemeral=True)
