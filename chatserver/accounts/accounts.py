"""The identities of users: guests, accounts with passwords, tokens.

Passwords are hashed with Argon2id (RFC 9106), tokens stored as SHA-256: the database gives away neither.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..config import Auth
from ..model import names
from ..model.confusables import confusable_key
from ..model.errors import Reject
from ..model.ids import new_user_id
from ..model.values import ROLES, Role, User
from ..store import Connection, Store
from ..store import accounts as people
from .login_throttle import LoginThrottle

T = TypeVar("T")

DAY = 86400.0
PASSWORD_CHARS = range(8, 257)


class IsHere(Protocol):
    """Whether a user is connected, or was a moment ago."""

    def __call__(self, user_id: str) -> bool: ...


class OnRelease(Protocol):
    """Is told, on the loop, that a guest's name has gone to another user."""

    def __call__(self, user_id: str) -> None: ...


def token_hash(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def new_token() -> str:
    """A secret with 256 bits."""
    return secrets.token_urlsafe(32)


def _refuse_bot(user: User) -> None:
    if user.bot:
        raise Reject(f"{user.name} is a plugin's bot: no one can sign in as it.", "invalid", field="name")


class Accounts:
    """Sign-in and its tokens. ``auth`` says how long an unused one lives, and what a password's hash costs."""

    def __init__(
        self,
        store: Store,
        auth: Auth,
        *,
        is_here: IsHere = lambda user_id: False,
        on_release: OnRelease = lambda user_id: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._days = {"guest": auth.guest_days, "session": auth.session_days, "setup": 1.0}
        self._is_here = is_here
        self._on_release = on_release
        self._clock = clock
        self._hasher = PasswordHasher(memory_cost=1024 * auth.password_memory_mib)
        # One at a time: a hash takes 64 MiB, and sign-ins must not crowd out the chat.
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="password")
        self._attempts = LoginThrottle(time.monotonic)
        # One after the other, so that each knows how those before it ended.
        self._signing_in = asyncio.Lock()

    async def guest(self, name: str) -> tuple[User, str]:
        """A new guest, and the token that brings them back. Raises `Reject` ``invalid`` or ``name_taken``."""
        name = names.user_name(name)
        user = User(new_user_id(), name, name, "guest")
        key, token = confusable_key(name), new_token()

        def create(conn: Connection) -> None:
            people.create_user(conn, user, key, self._clock())
            people.add_token(conn, token_hash(token), user.id, "guest", self._expires("guest"))

        await self.take_name(key, create)
        return user, token

    async def take_name(self, key: str, change: Callable[[Connection], T]) -> T:
        """Make a change that gives a user the name with this key; a guest who is gone gives theirs up for it. Raises
        `Reject` ``name_taken``."""
        try:
            return await self._store.write(change)
        except Reject as taken:
            if taken.code != "name_taken":
                raise
            holder = await self._store.read(lambda conn: people.user_by_key(conn, key))
            if holder is None or holder.role != "guest" or self._is_here(holder.id):
                raise
            gone = holder.id

        def take(conn: Connection) -> tuple[bool, T]:
            return people.release_name(conn, gone, key), change(conn)

        released, made = await self._store.write(take)
        if released:
            self._on_release(gone)
        return made

    async def rename(self, user: User, name: str) -> User:
        """A new name: for guests the name, for accounts the one that is shown. Raises `Reject`."""
        name = names.user_name(name)
        key = confusable_key(name)
        return await self.take_name(key, lambda conn: people.rename(conn, user, name, key))

    async def returning(self, token: str, name: str | None = None, *, connecting: bool = False) -> User:
        """The user who may act with this token.

        A guest whose name went to another user gets it back if it is free again, or takes another ``name``; one who is
        ``connecting`` gets it from a guest who is not connected, too. Raises `Reject` ``unauthorized``, or
        ``name_taken`` when a guest's name is gone.
        """
        found = await self._used(token)
        if found is None:
            raise Reject("This session has ended. Sign in again.", "unauthorized", field="token")
        if found.user.role != "guest" or found.holds_name:
            return found.user
        if name is not None:
            return await self.rename(found.user, name)
        # A name from before a rule that refuses it is no reason for another error.
        guest, key = found.user, confusable_key(found.user.name)

        def take_back(conn: Connection) -> User:
            return people.rename(conn, guest, guest.name, key)

        return await (self.take_name(key, take_back) if connecting else self._store.write(take_back))

    async def of_token(self, token: str) -> User | None:
        """Whose session this is, whether or not a guest's name is still theirs; using it keeps it alive."""
        found = await self._used(token)
        return found.user if found is not None else None

    async def _used(self, token: str) -> people.TokenFacts | None:
        hashed, now = token_hash(token), self._clock()
        found = await self._store.read(lambda conn: people.token_facts(conn, hashed, now))
        if found is None or found.kind == "setup":
            return None
        days = self._days[found.kind]
        # Extended once a day at most: reading must not mean writing.
        if found.expires - now < (days - 1) * DAY:
            await self._store.write(lambda conn: people.extend_token(conn, hashed, now + days * DAY))
        return found

    async def issue(self, user: User, kind: str) -> str:
        """A new token for ``user``: ``guest``, ``session`` or ``setup``. Raises `Reject` for a bot."""
        _refuse_bot(user)
        token, expires = new_token(), self._expires(kind)
        await self._store.write(
            lambda conn: people.add_token(conn, token_hash(token), user.id, kind, expires)
        )
        return token

    def _expires(self, kind: str) -> float:
        return self._clock() + self._days[kind] * DAY

    async def revoke(self, token: str) -> None:
        """End one session."""
        await self._store.write(lambda conn: people.drop_tokens(conn, hash=token_hash(token)))

    async def with_password(self, name: str, password: str, remote_ip: str) -> User:
        """The user of this name and password; nothing is issued yet.

        Raises `Reject` ``unauthorized``, or ``rate_limited`` after too many failures.
        """
        async with self._signing_in:
            return await self._with_password(name, password, remote_ip)

    async def _with_password(self, name: str, password: str, remote_ip: str) -> User:
        key = confusable_key(name)
        # By account too: guesses may come from many addresses.
        self._attempts.refuse_hammering(remote_ip, "@" + key)
        user = await self._store.read(lambda conn: people.user_by_key(conn, key))
        hashed = None
        if user is not None:
            user_id = user.id
            hashed = await self._store.read(lambda conn: people.password_hash(conn, user_id))
        right = await self._off_loop(self._verify, hashed, password[: PASSWORD_CHARS.stop])
        if user is None or hashed is None or not right:
            self._attempts.failed(remote_ip, "@" + key)
            raise Reject("The name or the password is wrong.", "unauthorized")
        if self._hasher.check_needs_rehash(hashed):
            await self._rehash(user.id, hashed, password)
        return user

    async def _rehash(self, user_id: str, hashed: str, password: str) -> None:
        """Hash a password anew, as the settings ask for another cost by now."""
        again = await self._hash(password)

        def replace(conn: Connection) -> None:
            # Unless it was changed meanwhile.
            if people.password_hash(conn, user_id) == hashed:
                people.set_password_hash(conn, user_id, again)

        await self._store.write(replace)

    def _verify(self, hashed: str | None, password: str) -> bool:
        try:
            if hashed is None:
                # The same work without an account: the time of an answer must not reveal which names exist.
                self._hasher.hash(password)
                return False
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _off_loop(self, function: Callable[..., object], *args: object) -> object:
        return await asyncio.get_running_loop().run_in_executor(self._hashing, function, *args)

    async def add(self, name: str, password: str, role: Role) -> User:
        """A new account. Raises `Reject` ``invalid`` or ``name_taken``."""
        name = names.user_name(name)
        if role not in ROLES[1:]:
            raise Reject(f"A role is one of {', '.join(ROLES[1:])}.", "invalid", field="role")
        hashed = await self._hash(password)
        user = User(new_user_id(), name, name, role)
        key = confusable_key(name)

        def create(conn: Connection) -> None:
            people.create_user(conn, user, key, self._clock())
            people.set_password_hash(conn, user.id, hashed)

        await self.take_name(key, create)
        return user

    async def _hash(self, password: str) -> str:
        if len(password) not in PASSWORD_CHARS:
            raise Reject("A password has 8 to 256 characters.", "invalid", field="password")
        return str(await self._off_loop(self._hasher.hash, password))

    async def set_password(self, user: User, password: str) -> None:
        """Replace the password and end all sessions. Raises `Reject` ``invalid``, for a bot too."""
        _refuse_bot(user)
        hashed = await self._hash(password)

        def change(conn: Connection) -> None:
            people.set_password_hash(conn, user.id, hashed)
            people.drop_tokens(conn, user_id=user.id)
            people.add_signal(conn, user.id)

        await self._store.write(change)

    async def set_role(self, user: User, role: Role) -> None:
        """Give an account another role; a running server hears of it."""
        if role not in ROLES[1:] or user.role == "guest":
            raise Reject(f"A role is one of {', '.join(ROLES[1:])}, and guests have none of them.", "invalid")

        def change(conn: Connection) -> None:
            people.set_role(conn, user.id, role)
            people.add_signal(conn, user.id)

        await self._store.write(change)

    async def find(self, name_or_id: str, member: Callable[[str], User | None] | None = None) -> User:
        """The user with this id, else with this name, whatever its case and composition; ``@`` may stand before it.

        ``member`` finds a user by name in the room where the name was written; a name means this one first.
        Raises `Reject` ``not_found``.
        """
        text = name_or_id.removeprefix("@")
        user_id, key = names.name_key(text), confusable_key(text)
        owner, holder = await self._store.read(
            lambda conn: (people.user_by_id(conn, user_id), people.user_by_key(conn, key))
        )
        user = owner or (member(text) if member is not None else None) or holder
        if user is None:
            raise Reject(f"There is no user {text[:64]!r}.", "not_found", field="user")
        return user

    async def setup_token(self) -> str | None:
        """A one-time token for the first admin, or None when there is an admin."""
        if await self._store.read(people.has_admin):
            return None
        return await self.issue(User("setup", "", ""), "setup")

    async def first_admin(self, token: str, name: str, password: str) -> tuple[User, str]:
        """Turn the one-time token into the first admin.

        Raises `Reject` ``unauthorized``, ``invalid`` or ``name_taken``.
        """
        async with self._signing_in:
            return await self._first_admin(token, name, password)

    async def _first_admin(self, token: str, name: str, password: str) -> tuple[User, str]:
        hashed, now = token_hash(token), self._clock()
        good = await self._store.read(lambda conn: people.is_setup_token(conn, hashed, now))
        if not good or await self._store.read(people.has_admin):
            raise Reject("This link has been used, or is out of date.", "unauthorized", field="token")
        user = await self.add(name, password, "admin")
        await self._store.write(lambda conn: people.drop_tokens(conn, user_id="setup"))
        return user, await self.issue(user, "session")

    async def forget_ended(self) -> list[str]:
        """Drop tokens that have ended, and the memberships of guests who had no other; the ids of those guests."""
        now = self._clock()

        def forget(conn: Connection) -> list[str]:
            people.drop_tokens(conn, before=now)
            return people.forget_guests(conn, now)

        return await self._store.write(forget)

    def close(self) -> None:
        """End the hashing thread."""
        self._hashing.shutdown(cancel_futures=True)
