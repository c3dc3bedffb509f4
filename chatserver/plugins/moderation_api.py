"""What a plugin may do to users who break the rules (the last part of `chatserver.plugins.api.ChatAPI`)."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from ..model.values import Room, User


class Ban(msgspec.Struct, frozen=True):
    """A user that may not come in. ``until`` 0 is until lifted."""

    user: User
    by: User
    reason: str
    until: float


class ModerationAPI(Protocol):
    """Kicks, mutes and bans. ``minutes`` 0 is until lifted (for a kick: come back at once); in a room each is a
    ``member`` event."""

    async def kick(
        self, room: Room | str, user: User, *, by: User | None = None, minutes: float = 0, reason: str = ""
    ) -> None: ...

    async def mute(
        self, room: Room | str, user: User, *, by: User | None = None, minutes: float = 0, reason: str = ""
    ) -> None: ...

    async def unmute(self, room: Room | str, user: User, *, by: User | None = None) -> None: ...

    async def ban(
        self, room: Room | str, user: User, *, by: User | None = None, minutes: float = 0, reason: str = ""
    ) -> None: ...

    async def unban(self, room: Room | str, user: User, *, by: User | None = None) -> None: ...

    async def bans(self, room: Room | str) -> list[Ban]: ...

    # The same for the whole server; ranks are those of the server.
    async def server_kick(self, user: User, *, by: User | None = None, reason: str = "") -> None:
        """End all connections of a user."""

    async def server_mute(
        self, user: User, *, by: User | None = None, minutes: float = 0, reason: str = ""
    ) -> None: ...

    async def server_unmute(self, user: User, *, by: User | None = None) -> None: ...

    async def server_ban(
        self, user: User, *, by: User | None = None, minutes: float = 0, reason: str = "",
        address_minutes: float = 0,
    ) -> None:  # fmt: skip
        """Keep a user out of the server. From the addresses of a guest no new guests come for ``address_minutes``."""

    async def server_unban(self, user: User, *, by: User | None = None) -> None: ...

    async def server_bans(self) -> list[Ban]: ...

    async def reset_profile(
        self, user: User, part: Literal["name", "picture", "status"], *, by: User, reason: str = ""
    ) -> None:
        """Take away what ``user`` calls themselves, shows or says, as a moderator; it is noted in the audit log. Raises
        `Reject` ``forbidden``."""
