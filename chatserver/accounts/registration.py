"""Registration: accounts that people make for themselves, as the settings allow it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable

from ..config import Auth, Limits
from ..model import names
from ..model.addresses import one_client
from ..model.confusables import confusable_key
from ..model.errors import Reject, name_taken
from ..model.people import Invite
from ..model.rate_limit import RateLimiter
from ..model.reserved import refuse_reserved
from ..model.values import Request, User
from ..plugins.host import PluginHost
from ..store import Connection, Store
from ..store import accounts as people
from ..store import invites as kept_invites
from .accounts import Accounts
from .passwords import accepted

MOST_WAITING = 500
"""So many accounts wait to be approved at most."""


class Registration:
    """Makes accounts. ``auth.registration`` says for whom, ``may`` whether a user has a permission."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        plugins: PluginHost,
        auth: Auth,
        limits: Limits,
        may: Callable[[User, str], Awaitable[bool]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._plugins = plugins
        self._mode = auth.registration
        self._may = may
        most = limits.registrations_per_hour
        self.by_address = RateLimiter(most / 3600, most, time.monotonic)
        self._clock = clock

    async def register(
        self, name: str, password: str, invite: str | None, asked: Request
    ) -> tuple[User, Invite | None, bool]:
        """A new account, the invite that it was made with, and whether it has to wait for an admin.

        Raises `Reject`: ``forbidden`` where there is no registration, ``unauthorized`` without a good invite where one
        is needed, ``invalid``, ``name_taken``, ``rate_limited``, ``unavailable``, or what a plugin refuses with (hook
        ``before_register``).
        """
        if self._mode == "closed":
            raise Reject("Accounts are made by the admins here. Ask one of them.", "forbidden")
        name = names.user_name(name)
        refuse_reserved(name)
        password = accepted(password, name)
        used = await self._invite(invite)
        waits = self._mode == "approval" and used is None
        self.by_address.take(one_client(asked.remote_ip))
        await self._ask_plugins(name, asked)

        def then(conn: Connection, user: User) -> None:
            if used is not None and not kept_invites.use(conn, used.code, self._clock()):
                raise _no_invite()
            if waits:
                if people.count_waiting(conn) >= MOST_WAITING:
                    raise Reject("Too many wait for an admin already. Come back later.", "unavailable")
                people.set_state(conn, user.id, "waiting")

        # Before the work of a hash: most names that are taken are taken by accounts.
        holder = await self._store.read(lambda conn: people.user_by_key(conn, confusable_key(name)))
        if holder is not None and holder.role != "guest":
            raise name_taken()
        user = await self._accounts.register(name, password, asked.remote_ip, then)
        return user, used, waits

    async def _invite(self, code: str | None) -> Invite | None:
        if code is None and self._mode != "invite":
            return None
        invite = None
        if code is not None:
            invite = await self._good(code)
        if invite is None:
            raise (
                _no_invite()
                if code is not None
                else Reject("You need an invite to register here.", "unauthorized", field="invite")
            )
        return invite

    async def _good(self, code: str) -> Invite | None:
        """The invite of this code, while its maker may still invite."""

        def read(conn: Connection) -> tuple[Invite, User] | None:
            invite = kept_invites.good(conn, code, self._clock())
            maker = people.user_by_id(conn, invite.by_id) if invite is not None else None
            if invite is None or maker is None or not people.is_active(conn, maker.id):
                return None
            return invite, maker

        found = await self._store.read(read)
        if found is None or not await self._may(found[1], "invite.create"):
            return None
        return found[0]

    async def _ask_plugins(self, name: str, asked: Request) -> None:
        hooks = self._plugins.current.hooks
        if hooks.has("before_register"):
            allowed = hooks.filter("before_register", name, asked)
            if isawaitable(allowed):
                await allowed


def _no_invite() -> Reject:
    return Reject("This invite has been used up, or is out of date.", "unauthorized", field="invite")
