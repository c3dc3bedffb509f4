"""The users of plugins: made when first asked for, kept for ever. No one can sign in as one."""

from __future__ import annotations

from collections.abc import Callable

from ..accounts.accounts import Accounts
from ..model import names
from ..model.confusables import confusable_key
from ..model.errors import Reject
from ..model.ids import new_user_id
from ..model.values import ROLES, User
from ..store import Connection, Store
from ..store import accounts as users
from .people import People


class Bots:
    """Finds and makes bots. ``clock`` gives the time of day."""

    def __init__(self, store: Store, accounts: Accounts, people: People, clock: Callable[[], float]) -> None:
        self._store = store
        self._accounts = accounts
        self._people = people
        self._clock = clock

    async def of(
        self, plugin: str, name: str, display_name: str | None = None, role: str | None = None
    ) -> User:
        """The plugin's bot of this name, made if there is none; with a new shown name and role where they are given.

        Raises `Reject` ``invalid``, and ``name_taken`` where another user has the name or one that looks like it.
        """
        name = names.user_name(name)
        shown = None if display_name is None else names.shown_name(display_name)
        if role is not None and role not in ROLES:
            raise Reject(f"A role is one of {', '.join(ROLES)}.", "invalid", field="role")
        bot = await self._store.read(lambda conn: users.bot(conn, plugin, name))
        if bot is None:
            bot = await self._make(plugin, User(new_user_id(), name, name, role or "member", True))
        if (shown or bot.display_name, role or bot.role) != (bot.display_name, bot.role):
            bot = await self._change(bot, shown or bot.display_name, role or bot.role)
        return bot

    async def _make(self, plugin: str, bot: User) -> User:
        key = confusable_key(bot.name)

        def make(conn: Connection) -> User:
            # Asked for twice at once.
            return users.bot(conn, plugin, bot.name) or users.create_bot(
                conn, bot, key, self._clock(), plugin
            )

        try:
            return await self._accounts.take_name(key, make)
        except Reject as taken:
            if taken.code != "name_taken":
                raise
            raise Reject(
                f"The plugin {plugin!r} can't have a bot called {bot.name!r}: another user has this name, or one that"
                " looks like it.",
                "name_taken",
                field="name",
                plugin=plugin,
            ) from taken

    async def _change(self, bot: User, shown: str, role: str) -> User:
        key = confusable_key(shown)

        def change(conn: Connection) -> User:
            users.set_role(conn, bot.id, role)
            return users.rename(conn, bot, shown, key)

        changed = await self._accounts.take_name(key, change)
        self._people.replace(changed)
        return changed
