"""What changes about accounts while their users are connected: by the command line, or by signing out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..accounts.accounts import Accounts
from ..accounts.sanctions import Sanctions
from ..delivery.local_sessions import LocalSessions
from ..model.errors import Close
from ..store import Store
from ..store import accounts as people
from .people import People
from .registry import RoomRegistry

OVERLAP = 50
"""So many signals before the last one are looked at once more."""


class AccountChanges:
    """Applies roles, and closes the connections of sessions that have ended."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        people: People,
        rooms: RoomRegistry,
        sessions: LocalSessions,
        sanctions: Sanctions,
        tell_nodes: Callable[[str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._people = people
        self._rooms = rooms
        self._sessions = sessions
        self._sanctions = sanctions
        self._tell_nodes = tell_nodes
        self._signal = 0
        # Where several write, a smaller number may be committed after a larger one.
        self._overlap = OVERLAP if store.dialect == "postgresql" else 0
        self._seen: set[int] = set()

    async def start(self) -> None:
        """Skip what was signalled before."""
        signals = await self._store.read(lambda conn: people.signals_after(conn, 0))
        self._signal = signals[-1][0] if signals else 0
        self._seen = {number for number, _ in signals}
        self._forget_seen()

    async def apply(self) -> None:
        """Apply what the command line has changed since: roles at once, sessions that were revoked are closed,
        and those of guests whose name an account got."""
        after = self._signal - self._overlap
        found = await self._store.read(lambda conn: people.signals_after(conn, after))
        new = [signal for signal in found if signal[0] not in self._seen]
        if new:
            await self._sanctions.load()
            await self._people.load_blocks()
        for number, user_id in new:
            self._seen.add(number)
            self._signal = max(self._signal, number)
            await self.refresh(user_id)
        self._forget_seen()

    def _forget_seen(self) -> None:
        least = self._signal - self._overlap
        self._seen = {number for number in self._seen if number > least}

    async def refresh(self, user_id: str) -> None:
        """Take over an account's role, and close the connections of its sessions that have ended."""
        user = await self._store.read(lambda conn: people.user_by_id(conn, user_id))
        if user is not None:
            await self._people.look_again(user)
        if await self._store.read(lambda conn: people.lost_name(conn, user_id)):
            self._people.released(user_id)
        self._sessions.user_changed(user_id)
        for session in self._sessions.of(user_id):
            if self._sanctions.is_banned(session.user):
                session.connection.close(Close.BANNED)
                continue
            if session.token is not None and await self._accounts.tokens.user_of(session.token) is None:
                session.connection.close(Close.REVOKED)

    async def sign_out(self, token: str) -> None:
        """End one session, and its connections. Raises `Reject` ``forbidden`` for the token of a program."""
        user = await self._accounts.tokens.user_of(token)
        await self._accounts.tokens.revoke(token)
        if user is not None:
            self._sessions.close(user.id, Close.REVOKED, "signed out", token=token)
            await self._tell_nodes(user.id)

    def end_due(self) -> None:
        """Close the connections of programs whose token has ended."""
        for session in self._sessions.due(self._accounts.now()):
            session.connection.close(Close.REVOKED)

    async def clean_up(self) -> None:
        """Forget sessions that have ended, and guests who had no other. Being connected is using a session."""
        for session in self._sessions.all():
            if session.token is not None and await self._accounts.tokens.user_of(session.token) is None:
                session.connection.close(Close.REVOKED)
        self._rooms.forget(await self._accounts.forget_ended())
