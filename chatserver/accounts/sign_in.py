"""Finds the user of a request: by a plugin, by a token, or as a new guest."""

from __future__ import annotations

from inspect import isawaitable

from ..model.addresses import one_client
from ..model.errors import Reject
from ..model.rate_limit import RateLimiter
from ..model.values import Request, User
from ..plugins.host import PluginHost
from .accounts import Accounts
from .arrivals import Arrivals
from .credentials import Credentials
from .jwt_tokens import looks_like_jwt
from .sanctions import Sanctions


class SignIn:
    """Sign-in, for sockets and HTTP alike. ``new_guests`` limits them by address; None: there are no guests."""

    def __init__(
        self,
        accounts: Accounts,
        credentials: Credentials,
        arrivals: Arrivals,
        plugins: PluginHost,
        new_guests: RateLimiter | None,
        sanctions: Sanctions,
    ) -> None:
        self.sanctions = sanctions
        self._accounts = accounts
        self._credentials = credentials
        self._arrivals = arrivals
        self._plugins = plugins
        self._new_guests = new_guests

    async def vouched(self, asked: Request) -> User | None:
        """The user whom a plugin names for this request (hook ``authenticate``), or None.

        Raises `Reject` ``forbidden`` for an account that isn't active.
        """
        hooks = self._plugins.current.hooks
        if not hooks.has("authenticate"):
            return None
        user = await hooks.first("authenticate", asked)
        if not isinstance(user, User):
            return None
        await self._credentials.require_active(user)
        return user

    async def of(self, asked: Request) -> User | None:
        """The user who may act with this request; None without a session.

        Raises `Reject` ``name_taken`` for a guest whose name went to another user, and ``banned``.
        """
        user = await self._of(asked)
        if user is not None:
            self.sanctions.refuse_banned(user)
        return user

    async def _of(self, asked: Request) -> User | None:
        vouched = await self.vouched(asked)
        if vouched is not None or asked.token is None:
            return vouched
        try:
            return await self._accounts.returning(asked.token)
        except Reject as refusal:
            if refusal.code != "unauthorized":
                raise
            return None

    async def known(self, asked: Request) -> User | None:
        """The user whose session this is, for showing only: a guest's name may be another user's by now."""
        vouched = await self.vouched(asked)
        if vouched is not None or asked.token is None:
            return vouched
        return await self._accounts.tokens.user_of(asked.token)

    async def again(self, user: User, token: str | None, name: str | None) -> User:
        """The same user as of now.

        With a token raises `Reject` ``unauthorized`` when it has ended, or ``name_taken`` when a guest's name is gone.
        """
        self.sanctions.refuse_banned(user)
        if token is not None:
            return await self._accounts.returning(token, name, connecting=True)
        return await self._accounts.find(user.id)

    async def ends(self, user: User, token: str) -> float | None:
        """When a program's token ends, in seconds since the epoch; None for a browser's session, which lives on with
        use."""
        program = user.scopes is not None or looks_like_jwt(token)
        return await self._accounts.tokens.ends(token) if program else None

    async def login(self, name: str, password: str, asked: Request) -> tuple[User, str]:
        """The account of this name and password, and a token for its new session.

        Raises `Reject` ``unauthorized``, ``rate_limited``, or what a plugin refuses with (hook ``before_login``).
        """
        user = await self._credentials.with_password(name, password, asked)
        try:
            await self._ask_plugins(user, asked)
        except Reject as refusal:
            if refusal.code == "second_step" and asked.code is not None:
                # Guesses at a code are guesses.
                self._credentials.failed(name, asked.remote_ip)
            raise
        return user, await self._accounts.tokens.issue(user, "session", asked)

    async def arrive(self, token: str, asked: Request) -> User:
        """The user for whom the token of another site vouches. Raises `Reject` like `login`."""
        user = await self._arrivals.user(token)
        if user is None:
            raise Reject("This token is not good here.", "unauthorized", field="token")
        await self._ask_plugins(user, asked)
        return user

    async def _ask_plugins(self, user: User, asked: Request) -> None:
        self.sanctions.refuse_banned(user)
        hooks = self._plugins.current.hooks
        if hooks.has("before_login"):
            allowed = hooks.filter("before_login", user, asked)
            if isawaitable(allowed):
                await allowed

    async def new_guest(self, name: str, asked: Request) -> tuple[User, str]:
        """A new guest and their token.

        Raises `Reject` ``unauthorized`` where there are none, ``rate_limited``, ``invalid`` or ``name_taken``.
        """
        if self._new_guests is None:
            raise Reject("This server has no guests. Sign in.", "unauthorized")
        self.sanctions.refuse_address(asked.remote_ip)
        await self._plugins.check_text(None, "name", name)
        self._new_guests.take(one_client(asked.remote_ip))
        return await self._accounts.guest(name, asked)
