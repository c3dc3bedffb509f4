"""Tokens that users make for their programs: named, limited to scopes, shown once."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from msgspec.structs import replace

from ..accounts.accounts import Accounts
from ..accounts.jwt_tokens import JwtTokens
from ..accounts.tokens import new_token
from ..model import names
from ..model.audit import AuditEntry, entry
from ..model.errors import Reject
from ..model.people import KeptToken
from ..model.permissions import READ
from ..model.values import Request, User
from ..store import Connection, Store, audit
from ..store import tokens as kept_tokens
from ..store.rows import pack
from .access import Access

NAME_CHARS = 64
MOST_TOKENS = 50
"""So many a user has at most."""
FOR_EVER_SECONDS = 100 * 365 * 86400.0


class ApiTokens:
    """The use cases. Refusals are raised as `Reject`. ``clock`` gives the time of day."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        access: Access,
        jwt: JwtTokens,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._tokens = accounts.tokens
        self._access = access
        self._jwt = jwt
        self._clock = clock

    async def make(
        self, user: User, name: str, scopes: Collection[str], expires: float | None, asked: Request
    ) -> tuple[str, KeptToken]:
        """A new token, and what is kept of it. ``expires`` in seconds since the epoch; None: never."""
        if user.role == "guest":
            raise Reject("Guests have no tokens. Make an account.", "forbidden")
        name = names.one_line(name, NAME_CHARS, "name")
        if not name:
            raise Reject("Please name the token.", "invalid", field="name")
        self._check(scopes)
        now = self._clock()
        if expires is not None and not now < expires < now + FOR_EVER_SECONDS:
            raise Reject("expires: a time to come.", "invalid", field="expires")
        if sum(not each.is_jwt for each in await self.listed(user)) >= MOST_TOKENS:
            raise Reject(f"You have {MOST_TOKENS} tokens already. Delete some.", "invalid")
        token = new_token()
        made = replace(
            self._tokens.made(token, user, "api", asked),
            name=name,
            scopes=pack(sorted(set(scopes))),
            expires=expires if expires is not None else now + FOR_EVER_SECONDS,
        )
        noted = self._noted(user, name, scopes)

        def add(conn: Connection) -> None:
            kept_tokens.add(conn, made)
            audit.record(conn, noted)

        await self._store.write(add)
        (kept,) = [each for each in await self.listed(user) if each.hash == made.hash]
        return token, kept

    def _check(self, scopes: Collection[str]) -> None:
        for scope in scopes:
            if scope != READ and scope not in self._access.permissions:
                raise Reject(f"There is no permission {scope[:64]!r}.", "invalid", field="scopes")

    async def sign(self, user: User, seconds: float, scopes: Collection[str] | None, audience: str) -> str:
        """A JSON Web Token; without ``scopes`` it may what its user may, but manage the account."""
        if user.role == "guest":
            raise Reject("Guests have no tokens. Make an account.", "forbidden")
        if scopes is None:
            scopes = [READ, *self._access.permissions.held(user)]
        self._check(scopes)
        noted = self._noted(user, f"JWT for {audience}", scopes)
        return await self._jwt.issue(user, seconds, sorted(set(scopes)), audience, noted)

    def _noted(self, user: User, name: str, scopes: Collection[str]) -> AuditEntry:
        """What the audit log says of a new token."""
        detail = f"{name}: {', '.join(sorted(set(scopes))) or 'nothing'}"
        return entry("token_made", self._clock(), by=user, target=user, detail=detail)

    async def listed(self, user: User) -> list[KeptToken]:
        """A user's tokens, and the JSON Web Tokens signed for them, of each kind the one used last first."""
        now = self._clock()

        def read(conn: Connection) -> list[KeptToken]:
            return [each for kind in ("api", "jwt") for each in kept_tokens.of_user(conn, user.id, kind, now)]

        return await self._store.read(read)

    async def end(self, user: User, id: str) -> None:
        """End the token with this id."""
        found = [each for each in await self.listed(user) if each.id == id]
        if not found:
            raise Reject("There is no such token.", "not_found", field="id")
        noted = entry("token_ended", self._clock(), by=user, target=user, detail=found[0].name or "")

        def drop(conn: Connection) -> None:
            if kept_tokens.drop(conn, hash=found[0].hash):
                audit.record(conn, noted)

        await self._store.write(drop)

    def lasts(self, token: KeptToken) -> bool:
        """Whether it never ends."""
        return token.expires > self._clock() + FOR_EVER_SECONDS / 2
