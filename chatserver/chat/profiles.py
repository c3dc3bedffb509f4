"""What users say of themselves, read and changed, and what moderators take away of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Literal

from ..accounts.accounts import Accounts
from ..model.audit import entry
from ..model.errors import Reject
from ..model.ids import new_user_id
from ..model.people import ProfileChange, ShownProfile, StatusText
from ..model.time_zones import zone_of
from ..model.values import Status, User
from ..store import Connection, Store, audit
from ..store import profiles as rows
from .access import Access
from .kept_profiles import KeptProfiles
from .people import People

ADDRESS = re.compile(r"/plugins/[a-z0-9_]{1,64}/[A-Za-z0-9/_.~-]{1,160}")
Part = Literal["name", "picture", "status"]


class Profiles:
    """The use cases. Refusals are raised as `Reject`. ``status_of`` gives a user's state as others see it."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        access: Access,
        people: People,
        kept: KeptProfiles,
        status_of: Callable[[str], tuple[Status, str]],
        own_status: Callable[[str], Status],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._access = access
        self._people = people
        self._kept = kept
        self._status_of = status_of
        self._own_status = own_status

    def shown(self, user: User, to: User) -> ShownProfile:
        """A user in full. Only they themselves see whether they are invisible, and what others don't see yet."""
        own = user.id == to.id
        status = self._own_status(user.id) if own else self._status_of(user.id)[0]
        said = self._kept.shown(user.id, own or status != "offline")
        return ShownProfile(user, status, said, self._kept.of(user.id))

    async def change(self, user: User, change: ProfileChange) -> User:
        """Change what is given, all of it or nothing: every value is checked before the first one is written."""
        kept = {}
        if change.time_zone is not None:
            kept["time_zone"] = _checked_zone(change.time_zone)
        if change.language is not None:
            kept["language"] = change.language
        if change.added_by is not None:
            kept["added_by"] = change.added_by
        said = await self._checked_status(user, change)
        name = change.display_name
        if name is not None and name != user.display_name:
            await self._people.check_name(user, name)
        else:
            name = None
        if kept or change.avatar is not None:
            await self._access.require(user, "user.status")
        self._people.take_turn(user)
        if name is not None:
            user = await self._named(user, name)
        if kept:
            await self._kept.change(user.id, **kept)
        if change.avatar is not None:
            user = await self._pictured(user, None)
        if said is not None:
            await self._people.apply_status(user, None, said)
        return user

    async def _checked_status(self, user: User, change: ProfileChange) -> StatusText | None:
        if change.status_text is None and change.status_until is None:
            return None
        own = self._kept.own(user.id)
        text = own.text if change.status_text is None else change.status_text
        until = change.status_until or 0.0
        if until and not text:
            raise Reject("A time needs a status text.", "invalid", field="status_until")
        return await self._people.checked_text(user, text, until)

    async def _named(self, user: User, name: str) -> User:
        try:
            return await self._people.apply_name(user, name, spaces=True)
        except Reject as refusal:
            if refusal.field == "name":
                refusal.field = "display_name"
            raise

    async def picture(self, user: User, address: str | None) -> User:
        """Show another picture of a user, or none; ``address`` is a path on this server, below a plugin's.

        Raises ValueError for another address.
        """
        if address is not None and not ADDRESS.fullmatch(address):
            raise ValueError(f"a picture's address is a path below /plugins/, not {address!r:.80}")
        if address is not None:
            self._people.refuse_muted(user)
        return await self._pictured(user, address)

    async def _pictured(self, user: User, address: str | None) -> User:
        if user.avatar == address:
            return user
        changed = await self._store.write(lambda conn: rows.set_avatar(conn, user, address))
        await self._people.pictured(changed)
        return changed

    async def reset(self, by: User, target: User, part: Part, reason: str = "") -> None:
        """Take away what a user calls themselves, shows or says; it is noted in the audit log."""
        await self._access.require(by, "user.reset")
        if not self._access.permissions.outranks(by, target):
            raise Reject(f"You can't do this to {target.name}.", "forbidden", field="user")
        noted = entry("profile_reset", time.time(), by=by, target=target, reason=reason, detail=part)
        if part == "status":
            await self._store.write(lambda conn: audit.record(conn, noted))
            await self._people.clear_text(target)
        elif part == "picture":

            def away(conn: Connection) -> User:
                audit.record(conn, noted)
                return rows.set_avatar(conn, target, None)

            await self._people.pictured(await self._store.write(away))
        else:
            old = target.display_name
            if target.role == "guest":
                renamed = await self._accounts.rename(target, f"guest-{new_user_id()[-6:]}")
                await self._store.write(lambda conn: audit.record(conn, noted))
            else:

                def plain(conn: Connection) -> User:
                    audit.record(conn, noted)
                    return rows.reset_name(conn, target)

                renamed = await self._store.write(plain)
            await self._people.renamed(renamed, old)


def _checked_zone(name: str) -> str:
    if name:
        try:
            zone_of(name)
        except ValueError:
            raise Reject(f"There is no time zone {name[:64]!r}.", "invalid", field="time_zone") from None
    return name
