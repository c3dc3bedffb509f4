"""A user's own sessions, password and tokens, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct
from msgspec.json import encode

from ..model.errors import Reject
from ..model.people import KeptToken
from ..model.values import User
from ..protocol.events import iso
from .endpoint import endpoint
from .forms import Long, Short
from .handler import Handler

LINES_AT_ONCE = 100
"""So many lines of a user's data are sent together."""


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
        await self.require_writer()
        if self.token is None:
            raise Reject("You are signed in by other means, without a session here.", "forbidden")
        return await self.in_person()

    async def in_person(self) -> User:
        """The caller, who is not a program with a token. Raises `Reject` like `require_user`, and ``forbidden``."""
        user = await self.require_user()
        if user.scopes is not None:
            raise Reject("Only a session may do this, not a token of a program.", "forbidden")
        return user

    @property
    def _current(self) -> str | None:
        """The id of the session that asks."""
        return self.services.accounts.tokens.id_of(self.token) if self.token is not None else None


class TokenForm(Struct, forbid_unknown_fields=True):
    """A new token: what its owner calls it, the permissions it has at most, and when it ends."""

    name: Short
    scopes: Annotated[tuple[Short, ...], Meta(max_length=100)]
    expires: Annotated[datetime, Meta(tz=True)] | None = None


class Sessions(_Own):
    """GET and DELETE /api/v1/sessions: deleting ends all but the one that asks."""

    @endpoint()
    async def get(self) -> None:
        """Where one is signed in."""
        user = await self.in_person()
        current = self._current
        found = await self.services.accounts.tokens.sessions(user)
        self.reply({"sessions": [session_fields(kept, current) for kept in found]})

    @endpoint()
    async def delete(self) -> None:
        """End all sessions but this one."""
        user = await self.by_session()
        ended = await self.services.accounts.tokens.end_all(user, but=self.token)
        await self.services.account_changes.refresh(user.id)
        self.reply({"ended": ended})


class OneSession(_Own):
    """DELETE /api/v1/sessions/{id}"""

    @endpoint()
    async def delete(self, session: str) -> None:
        """End a session."""
        user = await self.by_session()
        await self.services.accounts.tokens.end(user, session)
        await self.services.account_changes.refresh(user.id)
        if session == self._current:
            self.forget()
        self.reply({})


class EndForm(Struct, forbid_unknown_fields=True):
    """The password, once more."""

    password: Long


class End(_Own):
    """POST /api/v1/me/delete"""

    @endpoint(body=EndForm)
    async def post(self) -> None:
        """End the account for good."""
        user = await self.by_session()
        form = self.body(EndForm)
        stay = await self.services.account_end.end(user, form.password, self._asked)
        self.forget()
        self.reply({"texts": stay})


class Data(_Own):
    """GET /api/v1/me/data: JSON Lines."""

    @endpoint(media=("application/jsonl",))
    async def get(self) -> None:
        """What the server has of oneself, as JSON Lines."""
        user = await self.in_person()
        self.set_header("Content-Type", "application/jsonl; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="chat-data.jsonl"')
        for kept in await self.services.accounts.tokens.sessions(user):
            self._line({"type": "session", **session_fields(kept, self._current)})
        count = 0
        async for line in self.services.own_data.lines(user):
            self._line(line)
            count += 1
            if count % LINES_AT_ONCE == 0:
                await self.flush()
        self.finish()

    def _line(self, fields: Mapping[str, Any] | Raw) -> None:
        self.write(encode(fields) + b"\n")


class Password(_Own):
    """POST /api/v1/password"""

    @endpoint(body=PasswordForm)
    async def post(self) -> None:
        """Set another password."""
        user = await self.by_session()
        form = self.body(PasswordForm)
        await self.services.credentials.change_password(user, form.old, form.new, self._asked)
        await self.services.account_changes.refresh(user.id)
        self.reply({})


class Tokens(_Own):
    """GET and POST /api/v1/tokens"""

    @endpoint()
    async def get(self) -> None:
        """The tokens that one has made for programs."""
        user = await self.in_person()
        found = await self.services.api_tokens.listed(user)
        self.reply({"tokens": [self._fields(kept) for kept in found]})

    @endpoint(body=TokenForm, status=201)
    async def post(self) -> None:
        """Make a token for a program."""
        user = await self.by_session()
        form = self.body(TokenForm)
        expires = form.expires.timestamp() if form.expires is not None else None
        token, kept = await self.services.api_tokens.make(user, form.name, form.scopes, expires, self._asked)
        self.reply({"token": token, **self._fields(kept)}, 201)

    def _fields(self, kept: KeptToken) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "id": kept.id,
            "name": kept.name,
            "scopes": Raw(kept.scopes or "[]"),
            "created": iso(kept.created or 0.0),
            "used": iso(kept.used or 0.0),
        }
        if not self.services.api_tokens.lasts(kept):
            fields["expires"] = iso(kept.expires)
        return fields


class JwtForm(Struct, forbid_unknown_fields=True):
    """How long a JSON Web Token lives, in seconds, what it may do at most, and who takes it."""

    seconds: Annotated[int, Meta(ge=60, le=30 * 86400)] = 3600
    scopes: Annotated[tuple[Short, ...], Meta(max_length=100)] | None = None
    audience: Annotated[str, Meta(min_length=1, max_length=256)] = "chatserver"


class Jwt(_Own):
    """POST /api/v1/tokens/jwt"""

    @endpoint(body=JwtForm, status=201)
    async def post(self) -> None:
        """Sign a JSON Web Token."""
        user = await self.by_session()
        form = self.body(JwtForm)
        token = await self.services.api_tokens.sign(user, form.seconds, form.scopes, form.audience)
        self.reply({"token": token}, 201)


class Jwks(Handler):
    """GET /api/v1/jwks"""

    @endpoint(anonymous=True)
    def get(self) -> None:
        """The public keys of those tokens."""
        self.reply(self.services.jwt.public_keys())


class OneToken(_Own):
    """DELETE /api/v1/tokens/{id}"""

    @endpoint()
    async def delete(self, id: str) -> None:
        """End a token."""
        user = await self.by_session()
        await self.services.api_tokens.end(user, id)
        await self.services.account_changes.refresh(user.id)
        self.reply({})
