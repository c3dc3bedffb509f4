"""Accounts, invites and sessions as the server keeps them. Times are in seconds since the epoch."""

from __future__ import annotations

import msgspec

from .values import AccountState, User

ID_CHARS = 16
"""So much of a token's hash is its id, which people may see."""


class Account(msgspec.Struct, frozen=True):
    """A user with a password: their state, and when the account was made."""

    user: User
    state: AccountState
    created: float


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """A link: who made it, how often it can be used yet, until when, and the rooms that are
    joined by it."""

    code: str
    by_id: str
    created: float
    expires: float
    uses_left: int
    rooms: tuple[str, ...] = ()


class KeptToken(msgspec.Struct, frozen=True):
    """A token as its owner sees it; ``hash`` is not for them."""

    hash: str
    kind: str
    created: float | None
    used: float | None
    expires: float
    address: str | None
    client: str | None
    name: str | None
    scopes: str | None

    @property
    def is_jwt(self) -> bool:
        """Whether it is a JSON Web Token."""
        return self.kind == "jwt"

    @property
    def id(self) -> str:
        """What it is called by."""
        return self.hash[:ID_CHARS]
