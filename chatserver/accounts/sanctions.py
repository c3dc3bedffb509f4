"""Mutes and bans of the whole server: kept in memory, so that asking costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from ..model.addresses import one_client
from ..model.audit import entry
from ..model.errors import Reject
from ..model.values import User
from ..store import Connection, Store, audit
from ..store import sanctions as rows
from ..store.accounts import add_signal
from ..store.sanctions import Sanction

Kind = Literal["mute", "ban"]
_DONE = {"mute": ("muted", "unmuted"), "ban": ("banned", "unbanned")}


class Sanctions:
    """Who is muted or banned everywhere, and from which addresses no new guests come."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._known = rows.Known({}, {}, {})

    async def load(self) -> None:
        """Read what is in force."""
        now = self._clock()
        self._known = await self._store.read(lambda conn: rows.known(conn, now))

    def is_banned(self, user: User) -> bool:
        """Whether a user is kept out of the server just now."""
        return user.id in self._known.bans and self._left(self._known.bans[user.id]) != 0

    def refuse_banned(self, user: User) -> None:
        """Raises `Reject` ``banned`` for a user who is kept out of the server."""
        if self.is_banned(user):
            left = self._left(self._known.bans[user.id])
            raise Reject("You are banned from this server.", "banned", retry_after=left)

    def refuse_sanctioned(self, user: User) -> None:
        """Raises `Reject` ``banned`` or ``muted`` for a user who may not act."""
        if user.id in self._known.bans:
            self.refuse_banned(user)
        if user.id in self._known.mutes:
            left = self._left(self._known.mutes[user.id])
            if left != 0:
                raise Reject("You are muted on this server.", "muted", retry_after=left)

    def refuse_address(self, address: str) -> None:
        """Raises `Reject` ``banned`` for an address from which no new guests come."""
        until = self._known.addresses.get(one_client(address))
        if until is not None and self._left(until) != 0:
            raise Reject("No new guests come from your address now.", "banned", retry_after=self._left(until))

    def _left(self, until: float) -> float | None:
        """The seconds left: None for ever, 0 when it is over."""
        return max(0.0, until - self._clock()) if until else None

    async def impose(self, kind: Kind, sanction: Sanction, address_seconds: float) -> None:
        """Mute or ban a user. A guest's ban is one of the addresses of their sessions, too, for so many seconds and no
        longer than the ban."""
        now = self._clock()
        ends = now + address_seconds
        network_until = min(ends, sanction.until) if sanction.until else ends
        guest = kind == "ban" and sanction.user.role == "guest" and address_seconds > 0

        def write(conn: Connection) -> None:
            networks = (
                {one_client(each) for each in rows.addresses_of(conn, sanction.user.id)} if guest else set()
            )
            rows.impose(conn, kind, sanction, sorted(networks), network_until)
            noted = entry(
                _DONE[kind][0], now, by=sanction.by, target=sanction.user, reason=sanction.reason,
                until=sanction.until, detail="server",
            )  # fmt: skip
            audit.record(conn, noted)
            # For other servers on this database.
            add_signal(conn, sanction.user.id)

        await self._store.write(write)
        await self.load()

    async def lift(self, kind: Kind, target: User, by: User) -> None:
        """Take a mute or ban away. Raises `Reject` ``not_found``."""
        now = self._clock()

        def write(conn: Connection) -> bool:
            there = rows.lift(conn, kind, target.id)
            if there:
                add_signal(conn, target.id)
                audit.record(conn, entry(_DONE[kind][1], now, by=by, target=target, detail="server"))
            return there

        if not await self._store.write(write):
            raise Reject(f"{target.name} is not {_DONE[kind][0]} on this server.", "not_found", field="user")
        await self.load()

    async def listed(self, kind: Kind) -> Sequence[Sanction]:
        """Those in force, by name."""
        now = self._clock()
        return await self._store.read(lambda conn: rows.listed(conn, kind, now))
