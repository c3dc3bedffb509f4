"""Sign-in by password, and new passwords."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..model.addresses import one_client
from ..model.audit import entry
from ..model.confusables import confusable_key
from ..model.errors import Reject
from ..model.values import Request, User
from ..store import Connection, Store, audit
from ..store import accounts as people
from ..store import tokens as kept_tokens
from .accounts import Accounts, used_link
from .login_throttle import LoginThrottle
from .tokens import refuse_bot, token_hash

FREE_GUESSES = 10
"""So often a password may be wrong, from one address for one name, before each guess takes a wait."""
FREE_FROM_ONE_ADDRESS = 30
"""And for all names together."""


class Credentials:
    """Checks passwords, slowing down those who guess, and replaces them. ``clock`` gives the time of day."""

    def __init__(self, store: Store, accounts: Accounts, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self.attempts = LoginThrottle(time.monotonic)

    async def with_password(self, name: str, password: str, asked: Request) -> User:
        """The user of this name and password; nothing is issued yet.

        Raises `Reject` ``unauthorized``, ``rate_limited`` after too many failures, ``unavailable`` when too many sign
        in at once, or ``forbidden`` for an account that isn't active.
        """
        key, address = confusable_key(name), one_client(asked.remote_ip)
        async with self._accounts.queue.turn(address, "@" + key):
            return await self._with_password(key, password, address, asked)

    async def _with_password(self, key: str, password: str, address: str, asked: Request) -> User:
        user = await self._store.read(lambda conn: people.user_by_key(conn, key))
        pair, name = f"{address}@{key}", "@" + key
        self.attempts.refuse_hammering(pair, FREE_GUESSES)
        self.attempts.refuse_hammering(address, FREE_FROM_ONE_ADDRESS)
        # Guesses from many addresses must not keep out the account's owner.
        if user is None or not await self._knows(user, address, asked):
            self.attempts.refuse_hammering(name, FREE_GUESSES)
        hashed = None
        if user is not None:
            user_id = user.id
            hashed = await self._store.read(lambda conn: people.password_hash(conn, user_id))
        right = await self._accounts.passwords.verify(hashed, password)
        if user is None or hashed is None or not right:
            self.attempts.failed(pair, address, name)
            raise Reject("The name or the password is wrong.", "unauthorized")
        await self.require_active(user)
        await self._rehash(user.id, hashed, password)
        return user

    def failed(self, name: str, remote_ip: str) -> None:
        """Count what was wrong beside the password like a wrong password."""
        key, address = confusable_key(name), one_client(remote_ip)
        self.attempts.failed(f"{address}@{key}", address, "@" + key)

    async def _knows(self, user: User, address: str, asked: Request) -> bool:
        """Whether the account is signed in with this browser, or from this address."""
        if asked.token is not None:
            session = await self._accounts.tokens.user_of(asked.token)
            if session is not None and session.id == user.id:
                return True
        return address in map(one_client, await self._accounts.tokens.known_addresses(user.id))

    async def require_active(self, user: User) -> None:
        """Raises `Reject` ``forbidden`` for an account that waits for approval, or was disabled."""
        account = await self._store.read(lambda conn: people.account(conn, user.id))
        if account is not None and account.state == "waiting":
            raise Reject("An admin has not approved this account yet.", "forbidden")
        if account is not None and account.state == "disabled":
            raise Reject("This account is disabled. Ask an admin.", "forbidden")

    async def _rehash(self, user_id: str, hashed: str, password: str) -> None:
        again = await self._accounts.passwords.anew(hashed, password)
        if again is None:
            return

        def replace(conn: Connection) -> None:
            # Unless it was changed meanwhile.
            if people.password_hash(conn, user_id) == hashed:
                people.set_password_hash(conn, user_id, again)

        await self._store.write(replace)

    async def set_password(self, user: User, password: str, but: str | None = None) -> None:
        """Replace the password and end all sessions and other tokens; or, where the user does it, links for a
        new one and all sessions ``but`` the one of this token. Raises `Reject` ``invalid``, for a bot too."""
        refuse_bot(user)
        hashed = await self._accounts.passwords.hash(password, user.name)
        kept = token_hash(but) if but is not None else None

        def change(conn: Connection) -> None:
            people.set_password_hash(conn, user.id, hashed)
            audit.record(conn, entry("password", self._clock(), target=user))
            kept_tokens.drop(conn, user_id=user.id, but=kept, kind="session" if kept else None)
            kept_tokens.drop(conn, user_id=user.id, kind="reset")
            people.add_signal(conn, user.id)

        await self._store.write(change)

    async def change_password(self, user: User, old: str, new: str, asked: Request) -> None:
        """Replace the password by the user, who knows the old one; the session of ``asked`` goes on, the others end.

        Raises `Reject` like `with_password` for the old one, ``invalid`` for the new one.
        """
        checked = await self.with_password(user.name, old, asked)
        if checked.id != user.id:
            raise Reject("Only an account has a password.", "forbidden")
        await self.set_password(user, new, but=asked.token)

    async def by_link(self, token: str, password: str) -> User:
        """Set the password that a one-time link asks for. Raises `Reject` ``unauthorized`` or ``invalid``."""
        hashed = token_hash(token)
        user_id = await self._store.read(
            lambda conn: kept_tokens.is_link(conn, hashed, "reset", self._clock())
        )
        user = await self._store.read(lambda conn: people.user_by_id(conn, user_id)) if user_id else None
        if user is None:
            raise used_link()
        await self.require_active(user)
        again = await self._accounts.passwords.hash(password, user.name)

        def change(conn: Connection) -> bool:
            # Of two at once one finds it.
            if not kept_tokens.drop(conn, hash=hashed):
                return False
            people.set_password_hash(conn, user.id, again)
            audit.record(conn, entry("password", self._clock(), target=user))
            kept_tokens.drop(conn, user_id=user.id)
            people.add_signal(conn, user.id)
            return True

        if not await self._store.write(change):
            raise used_link()
        return user
