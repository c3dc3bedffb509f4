"""The identities of users: guests, and accounts with passwords."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from ..config import Auth
from ..model import names
from ..model.addresses import one_client
from ..model.audit import entry
from ..model.confusables import confusable_key
from ..model.errors import Reject
from ..model.ids import new_user_id
from ..model.reserved import refuse_reserved
from ..model.values import ROLES, Request, User
from ..store import Connection, Store, audit
from ..store import accounts as people
from ..store import tokens as kept_tokens
from .passwords import Passwords
from .sign_in_queue import SignInQueue
from .tokens import Tokens, new_token, token_hash

T = TypeVar("T")


class IsHere(Protocol):
    """Whether a user is connected, or was a moment ago."""

    def __call__(self, user_id: str) -> bool: ...


class OnRelease(Protocol):
    """Is told, on the loop, that a guest's name has gone to another user."""

    def __call__(self, user_id: str) -> None: ...


class Accounts:
    """Guests and accounts: who they are, and what they are called."""

    def __init__(
        self,
        store: Store,
        auth: Auth,
        *,
        is_here: IsHere = lambda user_id: False,
        on_release: OnRelease = lambda user_id: None,
        clock: Callable[[], float] = time.time,
        roles: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        """``roles`` gives those that an account can have by now, if not those of ``auth``."""
        self._store = store
        own = tuple(dict.fromkeys((*ROLES, *auth.roles)))
        self._every_role = roles if roles is not None else lambda: own
        self._is_here = is_here
        self._on_release = on_release
        self._clock = clock
        self.tokens = Tokens(store, auth, clock)
        self.passwords = Passwords(auth.password_memory_mib)
        self.queue = SignInQueue()

    def now(self) -> float:
        """The time of day."""
        return self._clock()

    def _roles(self) -> list[str]:
        return [role for role in self._every_role() if role != "guest"]

    async def guest(self, name: str, asked: Request | None = None) -> tuple[User, str]:
        """A new guest, and the token that brings them back. Raises `Reject` ``invalid`` or ``name_taken``."""
        name = names.user_name(name)
        refuse_reserved(name)
        user = User(new_user_id(), name, name, "guest")
        key, token = confusable_key(name), new_token()

        def create(conn: Connection) -> None:
            people.create_user(conn, user, key, self._clock())
            kept_tokens.add(conn, self.tokens.made(token, user, "guest", asked))

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

    async def rename(self, user: User, name: str, *, spaces: bool = False) -> User:
        """A new name: for guests the name, for accounts the one that is shown, with ``spaces`` if it is to have some.
        Raises `Reject`."""
        name = names.user_name(name, spaces=spaces and user.role != "guest")
        if user.role != "admin":
            refuse_reserved(name)
        key = confusable_key(name)
        return await self.take_name(key, lambda conn: people.rename(conn, user, name, key))

    async def returning(self, token: str, name: str | None = None, *, connecting: bool = False) -> User:
        """The user who may act with this token.

        A guest whose name went to another user gets it back if it is free again, or takes another ``name``; one who is
        ``connecting`` gets it from a guest who is not connected, too. Raises `Reject` ``unauthorized``, or
        ``name_taken`` when a guest's name is gone.
        """
        found = await self.tokens.used(token)
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

    async def add(self, name: str, password: str, role: str) -> User:
        """A new account, as an admin makes it. Raises `Reject` ``invalid`` or ``name_taken``."""
        name = names.user_name(name)
        if role not in self._roles():
            raise Reject(f"A role is one of {', '.join(self._roles())}.", "invalid", field="role")
        return await self._create(name, password, role, lambda conn, user: None)

    async def register(
        self, name: str, password: str, remote_ip: str, then: Callable[[Connection, User], None]
    ) -> User:
        """A new account of a new member, with ``then`` in the transaction that makes it.

        Raises `Reject` ``invalid``, ``name_taken``, ``rate_limited`` or ``unavailable``.
        """
        async with self.queue.turn(one_client(remote_ip)):
            return await self._create(name, password, "member", then)

    async def _create(
        self, name: str, password: str, role: str, then: Callable[[Connection, User], None]
    ) -> User:
        hashed = await self.passwords.hash(password, name)
        user = User(new_user_id(), name, name, role)
        key = confusable_key(name)

        def create(conn: Connection) -> None:
            people.create_user(conn, user, key, self._clock())
            people.set_password_hash(conn, user.id, hashed)
            then(conn, user)
            audit.record(conn, entry("account_added", self._clock(), target=user, detail=role))

        await self.take_name(key, create)
        return user

    async def set_role(self, user: User, role: str, *, by: User | None = None) -> None:
        """Give an account another role; a running server hears of it."""
        if role not in self._roles() or user.role == "guest":
            text = f"A role is one of {', '.join(self._roles())}, and guests have none of them."
            raise Reject(text, "invalid", field="role")

        def change(conn: Connection) -> None:
            people.set_role(conn, user.id, role)
            people.add_signal(conn, user.id)
            detail = f"{user.role} → {role}"
            audit.record(conn, entry("role", self._clock(), by=by, target=user, detail=detail))

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
        return await self.tokens.issue(User("setup", "", ""), "setup")

    async def first_admin(self, token: str, name: str, password: str, asked: Request) -> tuple[User, str]:
        """Turn the one-time token into the first admin.

        Raises `Reject` ``unauthorized``, ``invalid`` or ``name_taken``.
        """
        async with self.queue.turn("setup"):
            hashed, now = token_hash(token), self._clock()
            good = await self._store.read(lambda conn: kept_tokens.is_link(conn, hashed, "setup", now))
            if good is None or await self._store.read(people.has_admin):
                raise used_link()
            user = await self.add(name, password, "admin")
            await self._store.write(lambda conn: kept_tokens.drop(conn, user_id="setup"))
            return user, await self.tokens.issue(user, "session", asked)

    async def forget_ended(self) -> list[str]:
        """Drop tokens that have ended, and the memberships of guests who had no other; the ids of those guests."""
        now = self._clock()

        def forget(conn: Connection) -> list[str]:
            kept_tokens.drop(conn, before=now)
            return people.forget_guests(conn, now)

        return await self._store.write(forget)

    def close(self) -> None:
        """End the hashing thread."""
        self.passwords.close()


def used_link() -> Reject:
    """A one-time link is good no more."""
    return Reject("This link has been used, or is out of date.", "unauthorized", field="token")
