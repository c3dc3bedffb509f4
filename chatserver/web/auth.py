"""Signing in and out over HTTP."""

from __future__ import annotations

import time

from msgspec import Struct
from msgspec.structs import replace

from ..model.errors import Reject
from ..model.people import ProfileChange
from ..model.values import User
from ..protocol import events as wire
from ..protocol import replies
from .endpoint import endpoint
from .forms import Long, Short
from .handler import Handler


class GuestForm(Struct, forbid_unknown_fields=True):
    """The name of a new guest."""

    name: Short


class LoginForm(Struct, forbid_unknown_fields=True):
    """An account's name and password, and the code that a plugin asks for."""

    name: Short
    password: Long
    code: Short | None = None


class SetupForm(Struct, forbid_unknown_fields=True):
    """The one-time token, and what the first admin wants to be called."""

    token: Short
    name: Short
    password: Long


class RegisterForm(Struct, forbid_unknown_fields=True):
    """A new account, and the code of the invite it is made with."""

    name: Short
    password: Long
    invite: Short | None = None


class JwtLoginForm(Struct, forbid_unknown_fields=True):
    """A JSON Web Token of another site."""

    token: Long


class ResetForm(Struct, forbid_unknown_fields=True):
    """The token of a one-time link, and the new password."""

    token: Short
    password: Long


def own(user: User) -> dict[str, str]:
    """A user as they see themselves."""
    return {**user.public(), "role": user.role}


class _SignIn(Handler):
    def signed_in(self, user: User, token: str, days: float) -> None:
        """Answer with the user and the token, and give the browser its cookie."""
        self.remember(token, days)
        self.reply({"user": own(user), "token": token})

    async def session_begun(self, user: User, token: str) -> None:
        """Sign an account in, note it, and tell the plugins."""
        await self.services.audit.note("login", by=user, target=user, detail=self.remote_ip)
        self.services.notifier.notify("after_login", user, self._asked)
        self.signed_in(user, token, self.services.settings.auth.session_days)


class Guest(_SignIn):
    """POST /api/v1/guest"""

    @endpoint(body=GuestForm, anonymous=True)
    async def post(self) -> None:
        """Come in as a guest."""
        form = self.body(GuestForm)
        user, token = await self.services.sign_in.new_guest(form.name, self._asked)
        self.signed_in(user, token, self.services.settings.auth.guest_days)


class Login(_SignIn):
    """POST /api/v1/login"""

    @endpoint(body=LoginForm, anonymous=True)
    async def post(self) -> None:
        """Sign in with a password."""
        form = self.body(LoginForm)
        asked = replace(self._asked, code=form.code)
        try:
            user, token = await self.services.sign_in.login(form.name, form.password, asked)
        except Reject as refusal:
            if refusal.code == "second_step" and form.code is None:
                raise
            await self.services.audit.sign_in_refused(form.name, self.remote_ip, refusal)
            raise
        await self.session_begun(user, token)


class Register(_SignIn):
    """POST /api/v1/register"""

    @endpoint(body=RegisterForm, anonymous=True)
    async def post(self) -> None:
        """Make an account."""
        form = self.body(RegisterForm)
        services = self.services
        user, invite, waits = await services.registration.register(
            form.name, form.password, form.invite, self._asked
        )
        if waits:
            services.people.tell_admins(f"{user.name} has registered and waits for approval.")
            self.reply({"waiting": True}, 202)
            return
        if invite is not None:
            await services.invites.enter(user, invite)
        token = await services.accounts.tokens.issue(user, "session", self._asked)
        await self.session_begun(user, token)


class JwtLogin(_SignIn):
    """POST /api/v1/login/jwt: a session for a user whom another site sends."""

    @endpoint(body=JwtLoginForm, anonymous=True)
    async def post(self) -> None:
        """Sign in with a token of another site."""
        form = self.body(JwtLoginForm)
        user = await self.services.sign_in.arrive(form.token, self._asked)
        token = await self.services.accounts.tokens.issue(user, "session", self._asked)
        await self.session_begun(user, token)


class Reset(_SignIn):
    """POST /api/v1/reset: a new password by a link that an admin has made."""

    @endpoint(body=ResetForm, anonymous=True)
    async def post(self) -> None:
        """Set a new password by a one-time link."""
        form = self.body(ResetForm)
        user = await self.services.credentials.by_link(form.token, form.password)
        await self.services.account_changes.refresh(user.id)
        self.reply({"name": user.name})


class Setup(_SignIn):
    """POST /api/v1/setup"""

    @endpoint(body=SetupForm, anonymous=True)
    async def post(self) -> None:
        """Make the first admin by the one-time link."""
        form = self.body(SetupForm)
        user, token = await self.services.accounts.first_admin(
            form.token, form.name, form.password, self._asked
        )
        await self.session_begun(user, token)


class Logout(Handler):
    """POST /api/v1/logout"""

    @endpoint()
    async def post(self) -> None:
        """Sign out."""
        # Also for a guest whose name is another user's by now.
        if self.token is None or await self.known_user() is None:
            raise Reject("Sign in first.", "unauthorized")
        await self.services.account_changes.sign_out(self.token)
        self.forget()
        self.reply({})


class Me(Handler):
    """GET and PATCH /api/v1/me"""

    reads = False

    @endpoint()
    async def get(self) -> None:
        """The user one is."""
        user = await self.require_user()
        await self.remember_again()
        self.reply({"user": own(user)})

    @endpoint(body=ProfileChange)
    async def patch(self) -> None:
        """Change what others see of oneself."""
        user = await self.require_writer()
        changes = self.services.profile_changes
        changed = await changes.change(user, self.body(ProfileChange))
        self.reply({"user": replies.own_profile_fields(changes.shown(changed, changed))})


class Server(Handler):
    """GET /api/v1/server: what a page needs to know at first, and the user who is signed in, if any."""

    @endpoint(anonymous=True)
    async def get(self) -> None:
        """What a page needs to know at first."""
        user = await self.known_user()
        await self.remember_again()
        settings = self.services.settings
        self.reply(
            {
                "name": settings.server.name,
                "version": self.site.version,
                "client": self.site.assets.hash,
                "guests": settings.auth.guests,
                "registration": settings.auth.registration,
                "time": wire.iso(time.time()),
                "user": own(user) if user is not None else None,
            }
        )
