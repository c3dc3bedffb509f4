"""Runs messages that are commands (``/x``) for their senders."""

from __future__ import annotations

from ..model.errors import Reject, forbidden
from ..model.permissions import READ, in_scope
from ..model.rate_limit import RateLimiter
from ..model.values import Room, User
from ..plugins.command import Command
from ..plugins.commands import require
from ..plugins.endpoints import Session
from .calls import Call, CallServices
from .drafts import DraftPipeline
from .new_message import NewMessage
from .notifier import Notifier


class CommandCall(Call):
    """The call of a command."""

    def __init__(
        self, services: CallServices, command: Command, user: User, room: Room | None, session: Session | None
    ) -> None:
        super().__init__(services, command.plugin, f"/{command.name}", user, room, session)
        self._command = command

    async def require(self, user: User) -> None:
        """Raises `Reject` unless ``user`` may read the room and use the command, and it works there."""
        live = await self._live()
        if live is not None:
            self._services.access.require_readable(user, live)
        self._services.plugins.current.commands.named(self._command.name, self.room)
        self.user = user
        await require(self._command, self)


class CommandRunner:
    """Runs commands; each counts as a message for the rate limit."""

    def __init__(
        self, services: CallServices, pipeline: DraftPipeline, limiter: RateLimiter, notifier: Notifier
    ) -> None:
        self._services = services
        self._plugins = services.plugins
        self._pipeline = pipeline
        self._limiter = limiter
        self._notifier = notifier

    async def run(self, user: User, command: NewMessage, session: Session | None) -> str | None:
        """Run a message that is a command in a room its sender may read, or in none (an empty name).

        What it returns is for the sender alone. Raises `Reject`.
        """
        if command.files or command.reply_to is not None:
            raise Reject("A command can't carry files or be a reply.", "invalid", field="content")
        # A command may answer with what was said.
        for scope in ("message.post", READ):
            if not in_scope(user, scope):
                raise forbidden(scope)
        self._limiter.take(user.id)
        room = await self._room(user, command.room)
        commands = self._plugins.current.commands
        found, line = commands.find(self._pipeline.check(command.content)[1:], room)
        ctx = CommandCall(self._services, found, user, room, session)
        answer = await commands.call(found, line, ctx, ctx.run)
        self._notifier.notify("after_command", user, room, found.name, line.strip())
        return answer

    async def suggest(
        self,
        user: User,
        room: str | None,
        command: str,
        argument: str,
        typed: str,
        session: Session | None,
    ) -> list[dict[str, str]]:
        """What could stand for an argument of a command. Raises `Reject`."""
        where = await self._room(user, room or "")
        commands = self._plugins.current.commands
        found = commands.named(command, where)
        ctx = CommandCall(self._services, found, user, where, session)
        return await commands.suggest(found, argument, typed, ctx)

    async def _room(self, user: User, name: str) -> Room | None:
        """The room of this name, which the user may read; None without a name. Raises `Reject`."""
        if not name:
            return None
        live = await self._services.rooms.get(name)
        self._services.access.require_readable(user, live)
        return live.room


def is_command(content: str) -> bool:
    """``/x`` is one; ``//x`` is text that starts with a slash."""
    return content.startswith("/") and not content.startswith("//")
