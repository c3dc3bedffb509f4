"""Accounts, invites and sessions as the server keeps them. Times are in seconds since the epoch."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .values import AccountState, Room, Status, User

STATUS_CHARS = 100
"""So long a status text is at most."""
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


AddedBy = Literal["anyone", "shared", "ask", "none"]
"""Who may add a user to rooms: anyone, those who share a room with them, those who ask (all are asked about), or no
one."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What a user says of themselves. ``held_text`` is a status text from while they were invisible, which others see
    once they are visible; None: there is none. An ``until`` of 0 is no end."""

    status_text: str = ""
    status_until: float = 0.0
    held_text: str | None = None
    held_until: float = 0.0
    time_zone: str = ""
    language: str = ""
    added_by: AddedBy | None = None


class StatusText(msgspec.Struct, frozen=True):
    """A status text, and until when it is shown; 0 is no end."""

    text: str = ""
    until: float = 0.0

    def at(self, now: float) -> StatusText:
        """What is left of it at a time."""
        return self if not self.until or self.until > now else StatusText()


class ProfileChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other values for what a user says of themselves, as the wire, HTTP and plugins take them; None leaves one as it
    is. ``status_until`` is in seconds since the epoch, 0 for no end; an empty ``avatar`` takes the picture away.
    ``added_by`` is who may add them to rooms."""

    display_name: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    status_text: Annotated[str, Meta(max_length=STATUS_CHARS)] | None = None
    status_until: Annotated[float, Meta(ge=0, le=2**53)] | None = None
    time_zone: Annotated[str, Meta(max_length=64)] | None = None
    language: Annotated[str, Meta(max_length=35, pattern="^([A-Za-z0-9]+(-[A-Za-z0-9]+)*)?$")] | None = None
    avatar: Annotated[str, Meta(max_length=0)] | None = None
    added_by: AddedBy | None = None


class ShownProfile(msgspec.Struct, frozen=True):
    """A user in full, as another one sees them, or as they see themselves."""

    user: User
    status: Status
    said: StatusText
    kept: Profile


class Invitation(msgspec.Struct, frozen=True):
    """A user was asked to come into a room: by whom, and when, in seconds since the epoch."""

    room: Room
    by: User
    ts: float
