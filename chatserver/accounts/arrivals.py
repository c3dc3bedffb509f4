"""Users who come with a JSON Web Token: as whom they act, and the accounts of those who come for the first time."""

from __future__ import annotations

import re
import secrets

from ..model import names
from ..model.confusables import confusable_key
from ..model.errors import Reject
from ..model.ids import new_user_id
from ..model.reserved import refuse_reserved
from ..model.values import User
from ..store import Connection, Store
from ..store import accounts as people
from ..store.tokens import TokenFacts
from .accounts import Accounts
from .jwt_tokens import Arrived, JwtTokens, looks_like_jwt

TRIES = 20


class Arrivals:
    """Looks up what a token says that is a JSON Web Token."""

    def __init__(self, store: Store, accounts: Accounts, tokens: JwtTokens) -> None:
        self._store = store
        self._accounts = accounts
        self._tokens = tokens

    async def facts(self, token: str) -> TokenFacts | None:
        """Whose token it is and what it may do; None for one that isn't good."""
        if not looks_like_jwt(token):
            return None
        own = await self._tokens.own(token)
        if own is not None:
            return own
        arrived = self._tokens.arrived(token)
        user = await self._user(arrived) if arrived is not None else None
        if arrived is None or user is None:
            return None
        return TokenFacts(user, "jwt", arrived.expires, None, 0.0, True)

    async def user(self, token: str) -> User | None:
        """The user for whom another issuer's token vouches, with an account from the first time on."""
        arrived = self._tokens.arrived(token)
        return await self._user(arrived) if arrived is not None else None

    async def _user(self, arrived: Arrived) -> User | None:
        user = await self._known(arrived) or await self._new(arrived)
        active = await self._store.read(lambda conn: people.is_active(conn, user.id))
        return user if active else None

    async def _known(self, arrived: Arrived) -> User | None:
        return await self._store.read(lambda conn: people.of_identity(conn, arrived.issuer, arrived.subject))

    async def _new(self, arrived: Arrived) -> User:
        """A new account, called as there, or nearly so where that name is taken."""
        wanted = _possible(arrived.name)
        for attempt in range(TRIES):
            name = wanted if attempt == 0 else f"{wanted[: names.USER_CHARS - 3]}_{attempt + 1}"
            user = User(new_user_id(), name, name, "member")
            key = confusable_key(name)

            def create(conn: Connection, user: User = user, key: str = key) -> User:
                # Another request may have made it meanwhile.
                made = people.of_identity(conn, arrived.issuer, arrived.subject)
                if made is None:
                    people.create_user(conn, user, key, self._accounts.now())
                    people.add_identity(conn, arrived.issuer, arrived.subject, user.id)
                return made or user

            try:
                return await self._accounts.take_name(key, create)
            except Reject as taken:
                if taken.code != "name_taken":
                    raise
        raise Reject("There is no free name for you.", "name_taken")


def _possible(name: str) -> str:
    """A name that can be one, near what a user is called elsewhere."""
    joined = re.sub(r"[\s@:/#+,]+", "_", name.strip())[: names.USER_CHARS].strip("_")
    try:
        possible = names.user_name(joined)
        refuse_reserved(possible)
    except Reject:
        return f"user_{secrets.token_hex(3)}"
    return possible
