"""A user's own data: taken out, and the account's end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from functools import partial

from ..accounts.credentials import Credentials
from ..model.audit import entry
from ..model.errors import Reject
from ..model.values import Request, User
from ..store import Connection, Store, audit
from ..store import accounts as people
from ..store import changes as log_changes
from ..store.own_texts import OwnText, own_texts
from .account_changes import AccountChanges
from .listing import RoomLists
from .registry import RoomRegistry
from .room import LiveRoom
from .rooms import SYSTEM, RoomService

log = logging.getLogger(__name__)

PAGE = 200


class AccountEnd:
    """The use cases. ``blank_texts``: whether an account that ends takes its texts with it."""

    def __init__(
        self,
        store: Store,
        credentials: Credentials,
        rooms: RoomRegistry,
        room_service: RoomService,
        room_lists: RoomLists,
        changes: AccountChanges,
        blank_texts: bool,
    ) -> None:
        self._store = store
        self._credentials = credentials
        self._rooms = rooms
        self._room_service = room_service
        self._room_lists = room_lists
        self._changes = changes
        self._blank_texts = blank_texts

    async def texts(self, user: User) -> AsyncIterator[list[OwnText]]:
        """All that a user has written and not deleted, page by page."""
        after = (0, 0)
        while page := await self._store.read(partial(own_texts, user_id=user.id, after=after, most=PAGE)):
            yield page
            after = page[-1].place

    async def end(self, user: User, password: str, asked: Request) -> int:
        """End an account for good, as its owner wants it, who knows the password. How many texts stay.

        Its name is free again. Raises `Reject` like a sign-in for the password, and ``forbidden`` for the only admin.
        """
        checked = await self._credentials.with_password(user.name, password, asked)
        if checked.id != user.id:
            raise Reject("Only an account can be deleted.", "forbidden")
        if user.role == "admin" and await self._store.read(people.count_admins) < 2:
            raise Reject("You are the only admin: make another one first.", "forbidden")
        stay = 0
        async for page in self.texts(user):
            stay += await self._blank(page) if self._blank_texts else len(page)
        lists = await self._room_lists.of(user)
        for mine in lists.mine:
            if mine.room.kind != "direct":
                await self._leave(user, mine.room.name)

        def close(conn: Connection) -> User:
            audit.record(conn, entry("account_ended", time.time(), by=user, target=user))
            return people.end_account(conn, user.id)

        ended = await self._store.write(close)
        await self._changes.refresh(ended.id)
        return stay

    async def _blank(self, page: list[OwnText]) -> int:
        """Blank these texts; how many could not be."""
        outcomes = await asyncio.gather(*(self._blank_one(text) for text in page))
        return outcomes.count(False)

    async def _blank_one(self, text: OwnText) -> bool:
        try:
            live = await self._rooms.get(text.room)
            await live.append(log_changes.Delete(SYSTEM, text.id, allow_non_member=True))
        except Reject as refusal:
            # Nothing is written to an archived room.
            log.info("a text of an account that ends stays: %s", refusal)
            return False
        return True

    async def _leave(self, user: User, room: str) -> None:
        try:
            live = await self._rooms.get(room)
            if live.is_last_owner(user):
                heir = log_changes.ChangeMember(SYSTEM, _heir(live, user), "role", role="owner")
                await live.append(heir)
            await self._room_service.leave(user, room)
        except Reject as refusal:
            log.info("an account that ends stays a member of %r: %s", room, refusal)


def _heir(live: LiveRoom, owner: User) -> User:
    """Who owns a room after its last owner: a moderator of it, else a member, the one who came first."""
    others = [
        member
        for member in live.members.values()
        if member.user.id != owner.id and member.user.role != "guest" and not member.user.bot
    ]
    return min(others, key=lambda member: (member.role != "moderator", member.since)).user
