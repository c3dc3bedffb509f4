"""A second step at sign-in: a code from an app (RFC 6238), or a recovery code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from chatserver import Plugin, Reject, Request, RequestSpec, User, command, hookimpl, settings

from .codes import code_of, matching_step, new_recovery_codes, new_secret, picture, plain
from .table import MIGRATIONS, Table

FREE_GUESSES = 5
REST_SECONDS = 300.0

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Nothing(msgspec.Struct):
    """A wire request without fields: ``totp:state``, ``totp:begin``."""


class Given(msgspec.Struct):
    """A wire request with a code: ``totp:confirm``, ``totp:off``."""

    code: Code


class Totp(Plugin):
    """Asks users who want it for a code after the password."""

    # A second step that is passed over when it breaks is none.
    on_error = "reject"
    migrations = MIGRATIONS

    @settings
    class Settings:
        issuer: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "chatserver"
        """What apps call this server."""

    @hookimpl
    def client_settings(self, user: User):
        return {"may": user.role != "guest"}

    @hookimpl
    def startup(self):
        self._table = Table(self.db)
        self._wrong: dict[str, tuple[int, float]] = {}

    @hookimpl
    async def erase_user(self, user: User):
        await self._table.switch_off(user.id)

    @hookimpl
    def register_permissions(self):
        return {"totp.use": "member", "totp.reset": "admin"}

    @hookimpl
    def register_requests(self) -> Sequence[RequestSpec]:
        return [
            RequestSpec("state", Nothing, self.state),
            RequestSpec("begin", Nothing, self.begin),
            RequestSpec("confirm", Given, self.confirm),
            RequestSpec("off", Given, self.off),
        ]

    @hookimpl
    async def own_data(self, user: User):
        return [{"type": "second_step", "on": await self._table.is_on(user.id)}]

    @hookimpl
    async def before_login(self, user: User, request: Request):
        if not await self._table.is_on(user.id):
            return
        if request.code is None:
            raise Reject("Enter the code of your app, or a recovery code.", "second_step", field="code")
        if not await self._passes(user, request.code):
            raise Reject("This code is not right.", "second_step", field="code")

    async def state(self, ctx, fields: Nothing) -> dict[str, Any]:
        await self._require(ctx.user)
        left = await self._table.recovery_codes_left(ctx.user.id)
        return {"on": await self._table.is_on(ctx.user.id), "recovery": left}

    async def begin(self, ctx, fields: Nothing) -> dict[str, Any]:
        """A new secret, which does nothing until a code of it has come."""
        await self._require(ctx.user)
        if await self._table.is_on(ctx.user.id):
            raise Reject("It is on. Switch it off first.", "invalid")
        secret = new_secret()
        await self._table.begin(ctx.user.id, secret)
        uri = code_of(secret).provisioning_uri(name=ctx.user.name, issuer_name=self.settings.issuer)
        return {"secret": secret, "uri": uri, "picture": picture(uri)}

    async def confirm(self, ctx, fields: Given) -> dict[str, Any]:
        """Switch it on: the app has the secret. The recovery codes are told this once."""
        await self._require(ctx.user)
        found = await self._table.secret(ctx.user.id)
        if found is None or found.on:
            raise Reject("Begin first.", "invalid")
        self._refuse_guessing(ctx.user)
        step = matching_step(found.secret, fields.code, time.time(), found.last_step)
        if step is None:
            raise self._wrong_code(ctx.user)
        codes = new_recovery_codes()
        await self._table.switch_on(ctx.user.id, step, [plain(code) for code in codes])
        await self.chat.audit("on", by=ctx.user, user=ctx.user)
        return {"recovery": codes}

    async def off(self, ctx, fields: Given) -> dict[str, Any]:
        """Switch it off, by a code once more."""
        await self._require(ctx.user)
        if not await self._table.is_on(ctx.user.id):
            raise Reject("It is off.", "invalid")
        self._refuse_guessing(ctx.user)
        if not await self._passes(ctx.user, fields.code):
            raise self._wrong_code(ctx.user)
        await self._table.switch_off(ctx.user.id)
        await self.chat.audit("off", by=ctx.user, user=ctx.user)
        return {}

    @command("totp-off", permission="totp.reset", examples=["/totp-off bob"])
    async def reset(self, ctx, user: User):
        """Switch off the second step of a user who has lost both app and recovery codes."""
        if not await self._table.is_on(user.id):
            raise Reject(f"{user.name} has no second step.", "invalid", field="user")
        await self._table.switch_off(user.id)
        await self.chat.audit("reset", by=ctx.user, user=user)
        return f"{user.name} signs in with the password alone."

    async def _require(self, user: User) -> None:
        # A token that leaked must not lock its owner out.
        if user.scopes is not None:
            raise Reject("A program's token can't manage the second step. Sign in for it.", "forbidden")
        if not await self.chat.may(user, "totp.use"):
            raise Reject("Only accounts have a second step.", "forbidden")

    async def _passes(self, user: User, code: str) -> bool:
        """Whether it is a code of this moment that was not used, or a recovery code, which is used up by it."""
        found = await self._table.secret(user.id)
        if found is None:
            return False
        step = matching_step(found.secret, code, time.time(), found.last_step)
        if step is not None:
            return await self._table.use_step(user.id, step)
        return await self._table.use_recovery_code(user.id, plain(code))

    def _refuse_guessing(self, user: User) -> None:
        count, last = self._wrong.get(user.id, (0, 0.0))
        wait = last + REST_SECONDS - time.monotonic()
        if count >= FREE_GUESSES and wait > 0:
            raise Reject("Too many wrong codes. Wait a while.", "rate_limited", retry_after=wait)

    def _wrong_code(self, user: User) -> Reject:
        now = time.monotonic()
        self._wrong = {id: each for id, each in self._wrong.items() if now - each[1] < REST_SECONDS}
        self._wrong[user.id] = (self._wrong.get(user.id, (0, 0.0))[0] + 1, now)
        return Reject("This code is not right.", "invalid", field="code")
