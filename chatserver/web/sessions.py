"""A user's own sessions and password, over HTTP."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from ..model.errors import Reject
from ..model.people import KeptToken
from ..model.values import User
from ..protocol.events import iso
from .forms import Long
from .handler import Handler


class PasswordForm(Struct, forbid_unknown_fields=True):
    """The password of now, and another one."""

    old: Long
    new: Long


def session_fields(kept: KeptToken, current: str | None) -> dict[str, Any]:
    """A session as its owner sees it; ``current`` is the id of the one that asks."""
    fields: dict[str, Any] = {"id": kept.id, "current": kept.id == current, "expires": iso(kept.expires)}
    times = {"created": kept.created, "used": kept.used}
    fields |= {name: iso(time) for name, time in times.items() if time is not None}
    texts = {"address": kept.address, "client": kept.client}
    return fields | {name: text for name, text in texts.items() if text is not None}


class _Own(Handler):
    async def by_session(self) -> User:
        """The caller, who has a session here. Raises `Reject` like `require_writer`, and ``forbidden`` without one."""
        user = await self.require_writer()
        if self.token is None:
            raise Reject("You are signed in by other means, without a session here.", "forbidden")
        return user

    @property
    def _current(self) -> str | None:
        """The id of the session that asks."""
        return self.services.accounts.tokens.id_of(self.token) if self.token is not None else None


class Sessions(_Own):
    """GET and DELETE /api/v1/sessions: deleting ends all but the one that asks."""

    async def get(self) -> None:
        user = await self.require_user()
        current = self._current
        found = await self.services.accounts.tokens.sessions(user)
        self.reply({"sessions": [session_fields(kept, current) for kept in found]})

    async def delete(self) -> None:
        user = await self.by_session()
        ended = await self.services.accounts.tokens.end_all(user, but=self.token)
        await self.services.account_changes.refresh(user.id)
        self.reply({"ended": ended})


class OneSession(_Own):
    """DELETE /api/v1/sessions/{id}"""

    async def delete(self, session: str) -> None:
        user = await self.by_session()
        await self.services.accounts.tokens.end(user, session)
        await self.services.account_changes.refresh(user.id)
        if session == self._current:
            self.forget()
        self.reply({})


class Password(_Own):
    """POST /api/v1/password"""

    async def post(self) -> None:
        user = await self.by_session()
        form = self.body(PasswordForm)
        await self.services.credentials.change_password(user, form.old, form.new, self._asked)
        await self.services.account_changes.refresh(user.id)
        self.reply({})
