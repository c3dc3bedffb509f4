"""What a plugin may know and change of users (a part of `chatserver.plugins.api.ChatAPI`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..model.people import Profile
from ..model.values import Member, Room, Status, User


class PeopleAPI(Protocol):
    """Users, their states and rights. Refusals are raised as `chatserver.Reject`."""

    async def user(self, name_or_id: str) -> User:
        """Raises `Reject` ``not_found``."""

    async def members(self, room: Room | str) -> list[Member]: ...

    async def read_marks(self, room: Room | str) -> dict[str, int]:
        """How far each member has read, as a seq by the user's id. Who joins has read what came before. Raises `Reject`
        ``not_found``."""

    def status(self, user: User) -> Status: ...

    def online(self, room: Room | str) -> list[User]:
        """The users that are in the room right now."""

    async def set_status(
        self, user: User, status: Status | None = None, text: str | None = None, until: float = 0.0
    ) -> None:
        """Change a state, or the text beside it; None leaves one as it is. ``until`` is when the text ends, in seconds
        since 1970; 0 is never."""

    async def rename(self, user: User, name: str) -> User: ...

    def profile(self, user: User) -> Profile:
        """What a user says of themselves: ``status_text``, ``time_zone``, ``language``; empty where they don't."""

    def blocks(self, user: User, other: User) -> bool:
        """Whether ``user`` has blocked ``other`` and is to be told nothing of them."""

    async def block(self, user: User, other: User, on: bool = True) -> None:
        """Let a user hear nothing of another one, or again."""

    async def blocked(self, user: User) -> list[User]:
        """Those whom a user has blocked, by name."""

    async def set_avatar(self, user: User, address: str | None) -> User:
        """Show a picture of a user, wherever users are shown: a path below ``/plugins/<plugin>/``, or None. Raises
        ValueError for another address, `Reject` ``muted`` and ``banned``."""

    async def may(self, user: User, permission: str, room: Room | str | None = None) -> bool: ...

    async def outranks(self, user: User, other: User, room: Room | str | None = None) -> bool:
        """Whether ``user`` stands above ``other``, in the room where one is given: only then may they act on them."""

    def commands(self, user: User) -> list[Mapping[str, Any]]:
        """The commands that ``user`` may call, as ``welcome`` lists them, each with its ``help``."""
