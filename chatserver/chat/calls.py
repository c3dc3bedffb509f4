"""What a plugin's command or action gets as ``ctx``: the user, the room, and what can be done for the two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Any, NamedTuple, TypeVar

from ..accounts.accounts import Accounts
from ..model.errors import Reject
from ..model.values import Message, Room, User
from ..plugins.base import Plugin
from ..plugins.endpoints import Session
from ..plugins.forms import Form
from ..plugins.host import PluginHost
from .access import Access
from .dialogs import Dialogs
from .registry import RoomRegistry
from .room import LiveRoom

T = TypeVar("T")


class CallServices(NamedTuple):
    """What calls work with."""

    plugins: PluginHost
    accounts: Accounts
    rooms: RoomRegistry
    access: Access
    dialogs: Dialogs


class Call(ABC):
    """A call of a plugin by a user (`chatserver.plugins.command.Context`). ``what`` is how its failures are called."""

    def __init__(
        self,
        services: CallServices,
        plugin: str,
        what: str,
        user: User,
        room: Room | None,
        session: Session | None,
    ) -> None:
        self.user = user
        self.room = room
        self.session = session
        self._services = services
        self._plugin = plugin
        self._refused = f"{what} needs a client that shows forms."
        name = None if room is None else room.name
        self._dialog = services.dialogs.dialog(plugin, what, self, name, session)

    @abstractmethod
    async def require(self, user: User) -> None:
        """Raises `Reject` unless ``user``, as they are by now, may make this call. From then on it is theirs."""

    async def _live(self) -> LiveRoom | None:
        # Not kept: a form may have taken minutes.
        return None if self.room is None else await self._services.rooms.get(self.room.name)

    def here(self) -> Room:
        """The room of the call. Raises `Reject` ``invalid`` outside of one."""
        if self.room is None:
            raise Reject(
                "This works only inside a room. Send the person a plain message first, then this in the room of your "
                "conversation.",
                "invalid",
                field="room",
            )
        return self.room

    async def find_user(self, text: str) -> User:
        """A user by id, else a member of this room by name, else any user by name. Raises `Reject` ``not_found``."""
        live = await self._live()

        def member(name: str) -> User | None:
            user_id = live.member_list.named(name) if live is not None else None
            return live.members[user_id].user if live is not None and user_id is not None else None

        return await self._services.accounts.find(text, member)

    async def find_room(self, text: str) -> Room:
        """A room that the caller may read. Raises `Reject` ``not_found``."""
        live = await self._services.rooms.get(text)
        self._services.access.require_readable(self.user, live)
        return live.room

    async def may(self, permission: str) -> bool:
        """Whether the caller has the permission in this room."""
        return await self._services.access.may(self.user, permission, await self._live())

    def t(self, key: str, **values: Any) -> str:
        """A text of the plugin's in the caller's language. Raises KeyError."""
        language = getattr(self.session, "language", None)
        return self._services.plugins.current.texts_of(self._plugin).text(key, language, values)

    async def ask(self, form: Form[T]) -> T:
        """Have the caller fill in a form. Raises FormClosed, or `Reject` where the client can't show one."""
        return await self._dialog.ask(form, self._refused)

    async def reply(self, text: str, **options: Any) -> Message:
        """Post in this room as the plugin's bot; ``options`` are those of ``self.chat.post``. Raises `Reject`."""
        return await self._instance.chat.post(self.here(), text, **options)

    async def run(self, work: Awaitable[T]) -> T | None:
        """Run the call: what it returns, or None once it has asked something."""
        return await self._dialog.run(work)

    @property
    def asks(self) -> bool:
        """Whether a form of this call is open."""
        return self._dialog.form is not None

    @property
    def _instance(self) -> Plugin:
        instance = self._services.plugins.current.peer(self._plugin)
        if instance is None:
            raise Reject(f"The plugin {self._plugin!r} is not enabled any more.", "unavailable")
        return instance
