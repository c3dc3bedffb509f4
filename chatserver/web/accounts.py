"""Accounts for admins, and invites, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict

from ..chat.erasure import Progress
from ..model.people import Account, Invite
from ..model.values import AccountState
from ..protocol.events import iso
from .endpoint import endpoint
from .forms import Short
from .handler import Handler


class AccountChange(Struct, forbid_unknown_fields=True):
    """Another state or role; None leaves it as it is."""

    state: AccountState | None = None
    role: Short | None = None


class AccountQuery(Struct):
    """Accounts in one state only."""

    state: AccountState | None = None


class NewInvite(Struct, forbid_unknown_fields=True):
    """For how many people, for how many days, and into which rooms."""

    uses: Annotated[int, Meta(ge=1, le=1000)] = 1
    days: Annotated[float, Meta(gt=0, le=365)] = 7
    rooms: Annotated[tuple[Short, ...], Meta(max_length=50)] = ()


def account_fields(account: Account) -> dict[str, Any]:
    """An account as admins see it."""
    user = account.user
    return {**user.public(), "role": user.role, "state": account.state, "created": iso(account.created)}


def progress_fields(progress: Progress) -> dict[str, Any]:
    """How far an erasure is."""
    return {name: getattr(progress, name) for name in ("user", "done", "total", "state", "error")}


class Accounts(Handler):
    """GET /api/v1/accounts"""

    @endpoint(query=AccountQuery)
    async def get(self) -> None:
        """All accounts."""
        user = await self.require_user()
        found = await self.services.account_admin.listed(user, self.query(AccountQuery).state)
        self.reply({"accounts": [account_fields(account) for account in found]})


class OneAccount(Handler):
    """PATCH and DELETE /api/v1/accounts/{id}: deleting refuses an account that waits."""

    @endpoint(body=AccountChange)
    async def patch(self, user_id: str) -> None:
        """Change the state or the role of an account."""
        user = await self.require_writer()
        form = self.body(AccountChange)
        changed = await self.services.account_admin.change(user, user_id, form.state, form.role)
        self.reply({"account": account_fields(changed)})

    @endpoint()
    async def delete(self, user_id: str) -> None:
        """Refuse an account that waits."""
        user = await self.require_writer()
        await self.services.account_admin.refuse(user, user_id)
        self.reply({})


class AccountReset(Handler):
    """POST /api/v1/accounts/{id}/reset"""

    @endpoint(status=201)
    async def post(self, user_id: str) -> None:
        """Make a one-time link for a new password."""
        user = await self.require_writer()
        token = await self.services.account_admin.reset_link(user, user_id)
        self.reply({"token": token, "path": f"/#reset={token}"}, 201)


class AccountErasure(Handler):
    """GET and POST /api/v1/accounts/{id}/erasure: of guests, too."""

    @endpoint()
    async def get(self, user_id: str) -> None:
        """What would go if a user was erased."""
        by = await self.require_user()
        user, traces = await self.services.erasure.traces(by, user_id)
        self.reply({"user": user.public(), **asdict(traces)})

    @endpoint(status=202)
    async def post(self, user_id: str) -> None:
        """Erase a user with all that they wrote."""
        by = await self.require_writer()
        progress = await self.services.erasure.begin(by, user_id)
        self.reply(progress_fields(progress), 202)


class ErasureProgress(Handler):
    """GET /api/v1/accounts/{id}/erasure/progress"""

    @endpoint()
    async def get(self, user_id: str) -> None:
        """How far the erasure of a user is."""
        by = await self.require_user()
        self.reply(progress_fields(await self.services.erasure.progress(by, user_id)))


class Invites(Handler):
    """GET and POST /api/v1/invites"""

    @endpoint()
    async def get(self) -> None:
        """The invites that can be used yet."""
        user = await self.require_user()
        found = await self.services.invites.listed(user)
        self.reply({"invites": [self._fields(invite, by.public() if by else None) for invite, by in found]})

    @endpoint(body=NewInvite, status=201)
    async def post(self) -> None:
        """Make an invite."""
        user = await self.require_writer()
        form = self.body(NewInvite)
        made = await self.services.invites.make(user, form.uses, form.days, form.rooms)
        self.reply({"invite": self._fields(made, user.public())}, 201)

    def _fields(self, invite: Invite, by: dict[str, Any] | None) -> dict[str, Any]:
        return {
            "code": invite.code,
            "path": f"/#invite={invite.code}",
            "uses_left": invite.uses_left,
            "created": iso(invite.created),
            "expires": iso(invite.expires),
            "rooms": invite.rooms,
            "by": by,
        }


class OneInvite(Handler):
    """DELETE /api/v1/invites/{code}"""

    @endpoint()
    async def delete(self, code: str) -> None:
        """End an invite."""
        user = await self.require_writer()
        await self.services.invites.drop(user, code)
        self.reply({})
