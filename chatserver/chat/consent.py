"""Whether a user may be added to a room, and the invitations that wait for the user's word."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..accounts.blocks import Blocks, unreachable
from ..delivery.bus import Bus
from ..delivery.hub import user_topic
from ..model.errors import Reject
from ..model.people import Invitation
from ..model.values import Room, User
from ..protocol import events as wire
from ..store import Store
from ..store import room_wishes as rows
from .kept_profiles import KeptProfiles


class Consent:
    """Asks users before they are added to rooms, where they want that. ``clock`` gives the time of day."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        profiles: KeptProfiles,
        blocks: Blocks,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._bus = bus
        self._profiles = profiles
        self._blocks = blocks
        self._clock = clock

    async def needed(self, by: User, target: User) -> bool:
        """Whether ``target`` wants to be asked before ``by`` adds them to a room. Raises `Reject` ``forbidden`` where
        they don't want it at all, in words that don't tell whether it is about ``by`` alone."""
        wanted = self._profiles.of(target.id).added_by or "anyone"
        if self._blocks.has(target.id, by.id) or wanted == "none":
            raise unreachable("user")
        if wanted == "shared":
            shared = await self._store.read(lambda conn: rows.share_a_room(conn, by.id, target.id))
            if not shared:
                raise unreachable("user")
        return wanted == "ask"

    async def ask(self, by: User, room: Room, target: User) -> None:
        """Ask a user to come into a room."""
        now = self._clock()
        await self._store.write(lambda conn: rows.add_invitation(conn, target.id, room.name, by.id, now))
        invitation = Invitation(room, by, now)
        self._bus.publish(user_topic(target.id), wire.invited(invitation), ephemeral=True)

    async def waiting(self, user: User) -> list[Invitation]:
        """The invitations that a user has not answered, the newest first."""
        found = await self._store.read(lambda conn: rows.invitations(conn, user.id))
        return [each for each in found if not self._blocks.has(user.id, each.by.id)]

    async def take(self, user: User, room: str) -> User:
        """Take an invitation away, as it is answered; the user who had asked. Raises `Reject` ``not_found``."""
        by = await self._store.write(lambda conn: rows.drop_invitation(conn, user.id, room))
        if by is None:
            raise Reject("There is no such invitation.", "not_found", field="room")
        self._bus.publish(user_topic(user.id), wire.invitation_gone(room), ephemeral=True)
        return by

    async def hide(self, user: User, room: str, on: bool) -> None:
        """Take a room out of the user's list until its next message, or show it again, and tell their connections."""
        if await self._store.write(lambda conn: rows.hide(conn, user.id, room, on)):
            self._bus.publish(user_topic(user.id), wire.hidden(room, on), ephemeral=True)
