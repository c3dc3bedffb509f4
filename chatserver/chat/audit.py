"""The audit log: what is noted beside the rooms' own changes, and who may read which part of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial

import msgspec

from ..accounts.accounts import Accounts
from ..model import names
from ..model.audit import AuditEntry, entry
from ..model.errors import Reject
from ..model.values import User
from ..protocol.requests import Audit as Asked
from ..store import Store
from ..store import audit as rows
from .access import Access
from .registry import RoomRegistry


class AuditLog:
    """The use cases of the audit log. Refusals are `Reject`."""

    def __init__(
        self,
        store: Store,
        rooms: RoomRegistry,
        access: Access,
        accounts: Accounts,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._access = access
        self._accounts = accounts
        self._clock = clock

    async def note(
        self, action: str, *, by: User | None = None, target: User | None = None, room: str | None = None,
        reason: str = "", until: float = 0.0, detail: str = "",
    ) -> None:  # fmt: skip
        """Add an entry of now."""
        noted = entry(
            action, self._clock(), by=by, target=target, room=room, reason=reason, until=until, detail=detail
        )
        await self._store.write(lambda conn: rows.record(conn, noted))

    async def sign_in_refused(self, name: str, remote_ip: str, refusal: Reject) -> None:
        """Note that a sign-in was refused. What is no account's name is left out: it may be a password. Those of
        which there are too many are not noted: they would fill the log."""
        if refusal.code == "rate_limited":
            return
        try:
            target = await self._accounts.find(name)
        except Reject:
            target = None
        await self.note("login_refused", target=target, reason=refusal.message, detail=remote_ip)

    async def page(self, user: User, asked: Asked) -> tuple[list[AuditEntry], bool]:
        """A page of what ``user`` may see, the newest first, and whether there is more.

        Everyone may see what was done to themselves. Raises `Reject` ``forbidden``, ``not_found`` or ``invalid``.
        """
        wanted = await self._wanted(user, asked)
        found = await self._store.read(lambda conn: rows.entries(conn, wanted, asked.limit + 1))
        return found[: asked.limit], len(found) > asked.limit

    async def everything(self, user: User, asked: Asked) -> AsyncIterator[AuditEntry]:
        """All that `page` would give, one by one."""
        wanted = await self._wanted(user, asked)
        async for each in all_entries(self._store, wanted):
            yield each

    async def _wanted(self, user: User, asked: Asked) -> rows.AuditFilter:
        target = (await self._accounts.find(asked.user)).id if asked.user is not None else None
        wanted = rows.AuditFilter(
            target=target,
            by=(await self._accounts.find(asked.by)).id if asked.by is not None else None,
            room=names.room_key(asked.room) if asked.room is not None else None,
            action=asked.action,
            search=asked.search,
            after=moment(asked.after, "after"),
            before=moment(asked.before, "before"),
            below=asked.cursor,
        )
        if target == user.id:
            return wanted
        if asked.room is None:
            await self._access.require(user, "audit.read")
            if not await self._access.may(user, "room.join_private"):
                wanted = msgspec.structs.replace(wanted, reader=user.id)
        else:
            live = await self._rooms.get(asked.room)
            if not await self._access.may(user, "room.join_private"):
                self._access.require_readable(user, live)
            await self._access.require(user, "audit.read", live)
        sign_ins = await self._access.may(user, "audit.sign_ins")
        return msgspec.structs.replace(wanted, sign_ins=sign_ins)


async def all_entries(store: Store, wanted: rows.AuditFilter) -> AsyncIterator[AuditEntry]:
    """Every entry that fits, the newest first, read in pages."""
    while page := await store.read(partial(rows.entries, wanted=wanted, limit=rows.PAGE)):
        for each in page:
            yield each
        wanted = msgspec.structs.replace(wanted, below=page[-1].id)


def moment(text: str | None, field: str) -> float | None:
    """A date, or a date and time, of ISO 8601 in seconds since the epoch; without a zone it is UTC. Raises `Reject`
    ``invalid``."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        message = f"{field}: a date, or a date and time, such as 2026-07-04 or 2026-07-04T16:20:00Z."
        raise Reject(message, "invalid", field=field) from None
