"""Runs messages that are commands (``/x``) for their senders, and gives the commands their context."""

from __future__ import annotations

from ..accounts.accounts import Accounts
from ..model.errors import Reject
from ..model.rate_limit import RateLimiter
from ..model.values import Room, User
from ..plugins.api import Session as AnySession
from ..plugins.host import PluginHost
from .access import Access
from .drafts import DraftPipeline
from .new_message import NewMessage
from .notifier import Notifier
from .registry import RoomRegistry
from .room import LiveRoom


class CommandCall:
    """The call of a command, and the finder of its arguments (`chatserver.plugins.command.Context`)."""

    def __init__(
        self,
        user: User,
        live: LiveRoom | None,
        session: AnySession | None,
        accounts: Accounts,
        rooms: RoomRegistry,
        access: Access,
    ) -> None:
        self.user = user
        self.room: Room | None = live.room if live is not None else None
        self.session = session
        self._live = live
        self._accounts = accounts
        self._rooms = rooms
        self._access = access

    async def find_user(self, text: str) -> User:
        """A user by id, else a member of this room by name, else any user by name. Raises `Reject` ``not_found``."""
        return await self._accounts.find(text, self._member)

    def _member(self, name: str) -> User | None:
        if self._live is None:
            return None
        user_id = self._live.member_list.named(name)
        return self._live.members[user_id].user if user_id is not None else None

    async def find_room(self, text: str) -> Room:
        """A room that the caller may read. Raises `Reject` ``not_found``."""
        live = await self._rooms.get(text)
        self._access.require_readable(self.user, live)
        return live.room

    async def may(self, permission: str) -> bool:
        """Whether the caller has the permission in this room."""
        return await self._access.may(self.user, permission, self._live)


class CommandRunner:
    """Runs commands; each counts as a message for the rate limit."""

    def __init__(
        self,
        plugins: PluginHost,
        accounts: Accounts,
        rooms: RoomRegistry,
        access: Access,
        pipeline: DraftPipeline,
        limiter: RateLimiter,
        notifier: Notifier,
    ) -> None:
        self._notifier = notifier
        self._plugins = plugins
        self._accounts = accounts
        self._rooms = rooms
        self._access = access
        self._pipeline = pipeline
        self._limiter = limiter

    async def run(self, user: User, command: NewMessage, session: AnySession | None) -> str | None:
        """Run a message that is a command in a room its sender may read, or in none (an empty name).

        What it returns is for the sender alone. Raises `Reject`.
        """
        if command.files or command.reply_to is not None:
            raise Reject("A command can't carry files or be a reply.", "invalid", field="content")
        self._limiter.take(user.id)
        context = await self._context(user, command.room, session)
        commands = self._plugins.current.commands
        text = self._pipeline.check(command.content)[1:]
        found, line = commands.find(text, context.room)
        answer = await commands.call(found, line, context)
        self._notifier.notify("after_command", user, context.room, found.name, line.strip())
        return answer

    async def suggest(
        self,
        user: User,
        room: str | None,
        command: str,
        argument: str,
        typed: str,
        session: AnySession | None,
    ) -> list[dict[str, str]]:
        """What could stand for an argument of a command. Raises `Reject`."""
        context = await self._context(user, room or "", session)
        return await self._plugins.current.commands.suggest(context, command, argument, typed)

    async def _context(self, user: User, room: str, session: AnySession | None) -> CommandCall:
        """The call of a command in a room that the user may read, or in none. Raises `Reject`."""
        live = None
        if room:
            live = await self._rooms.get(room)
            self._access.require_readable(user, live)
        return CommandCall(user, live, session, self._accounts, self._rooms, self._access)


def is_command(content: str) -> bool:
    """``/x`` is one; ``//x`` is text that starts with a slash."""
    return content.startswith("/") and not content.startswith("//")
