"""Invites: links with which people register, and come into rooms."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence

from ..accounts.accounts import Accounts
from ..model.errors import Reject
from ..model.people import Invite
from ..model.rate_limit import RateLimiter
from ..model.values import User
from ..store import Store
from ..store import invites as kept_invites
from .access import Access
from .rooms import RoomService

log = logging.getLogger(__name__)

DAY = 86400.0
MOST_INVITES = 100
"""So many good ones a user has at most."""


class Invites:
    """The use cases of invites. Refusals are raised as `Reject`. ``clock`` gives the time of day."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        access: Access,
        rooms: RoomService,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._access = access
        self._rooms = rooms
        self._clock = clock
        self.made = RateLimiter(1 / 60, 10, time.monotonic)

    async def make(self, by: User, uses: int, days: float, rooms: Sequence[str]) -> Invite:
        """A new one, for ``uses`` people, good for so many days, into rooms to which its maker may invite."""
        await self._access.require(by, "invite.create")
        names = []
        for name in rooms:
            live = await self._rooms.invitable(by, name)
            if live.room.name not in names:
                names.append(live.room.name)
        self.made.take(by.id)
        now = self._clock()
        invite = Invite(
            code=secrets.token_urlsafe(12),
            by_id=by.id,
            created=now,
            expires=now + days * DAY,
            uses_left=uses,
            rooms=tuple(names),
        )
        mine = await self._store.read(lambda conn: kept_invites.listed(conn, now, by.id))
        if len(mine) >= MOST_INVITES:
            raise Reject(f"You have {MOST_INVITES} invites already. Delete some.", "invalid")
        await self._store.write(lambda conn: kept_invites.add(conn, invite))
        return invite

    async def listed(self, by: User) -> list[tuple[Invite, User | None]]:
        """Invites that can still be used, each with its maker: all of them for admins, the user's own for others."""
        await self._access.require(by, "invite.create")
        whose = None if await self._access.may(by, "server.accounts") else by.id
        found = await self._store.read(lambda conn: kept_invites.listed(conn, self._clock(), whose))
        return [(invite, await self._maker(invite)) for invite in found]

    async def drop(self, by: User, code: str) -> None:
        """End an invite: any for admins, the user's own for others."""
        await self._access.require(by, "invite.create")
        whose = None if await self._access.may(by, "server.accounts") else by.id
        if not await self._store.write(lambda conn: kept_invites.drop(conn, code, whose)):
            raise Reject("There is no such invite.", "not_found", field="code")

    async def enter(self, user: User, invite: Invite) -> None:
        """Add a new user to the rooms of the invite that brought them, where its maker may still invite."""
        by = await self._maker(invite)
        if by is None:
            return
        for name in invite.rooms:
            try:
                await self._rooms.invite(by, name, user)
            except Reject as refusal:
                log.info("an invite into the room %r has no effect: %s", name, refusal)

    async def _maker(self, invite: Invite) -> User | None:
        try:
            return await self._accounts.find(invite.by_id)
        except Reject:
            return None
