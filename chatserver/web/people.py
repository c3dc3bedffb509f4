"""Users as others see them, and whom one has blocked, over HTTP."""

from __future__ import annotations

from msgspec import Struct

from ..protocol import events as wire
from ..protocol import replies
from .endpoint import endpoint
from .handler import Handler


class OneUser(Handler):
    """GET /api/v1/users/{id}, or by name."""

    @endpoint()
    async def get(self, named: str) -> None:
        """A user, by id or name."""
        user = await self.require_user()
        found = await self.services.accounts.find(named)
        self.reply({"user": replies.profile_fields(self.services.profile_changes.shown(found, user))})


class Blocked(Handler):
    """GET /api/v1/blocked"""

    @endpoint()
    async def get(self) -> None:
        """The users whom one blocks."""
        user = await self.require_user()
        self.reply({"users": [each.public() for each in await self.services.people.blocked(user)]})


class OneBlocked(Handler):
    """PUT and DELETE /api/v1/blocked/{user}"""

    @endpoint()
    async def put(self, named: str) -> None:
        """Block a user."""
        await self._set(named, True)

    @endpoint()
    async def delete(self, named: str) -> None:
        """Block a user no longer."""
        await self._set(named, False)

    async def _set(self, named: str, on: bool) -> None:
        user = await self.require_writer()
        await self.services.people.block(user, await self.services.accounts.find(named), on)
        self.reply({})


class Answer(Struct, forbid_unknown_fields=True):
    """Whether an invitation is accepted."""

    accept: bool


class Invitations(Handler):
    """GET /api/v1/invitations"""

    @endpoint()
    async def get(self) -> None:
        """The rooms that one is invited into and has not answered."""
        user = await self.require_user()
        found = await self.services.consent.waiting(user)
        self.reply({"invitations": [wire.invitation_fields(each) for each in found]})


class OneInvitation(Handler):
    """POST /api/v1/invitations/{room}"""

    @endpoint(body=Answer)
    async def post(self, room: str) -> None:
        """Accept or refuse an invitation."""
        user = await self.require_writer()
        await self.services.room_service.answer(user, room, self.body(Answer).accept)
        self.reply({})
