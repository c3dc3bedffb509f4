"""Presses of the buttons that plugins put below messages."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from ..model import errors
from ..model.errors import Reject
from ..model.values import Message, Room, User
from ..plugins.actions import handler_of
from ..plugins.commands import said
from ..plugins.database import AlsoWork, EventTransaction
from ..plugins.endpoints import Session
from ..store import changes as log
from .calls import Call, CallServices
from .messages import Messages

AGAIN_SECONDS = 1.0
"""A second press of the same user on the same button within this is a double click."""
PRESSED = "pressed"
"""The event that tells of a press which changed the message: ``<plugin>:pressed``."""


class ActionCall(Call):
    """The press of a button (`chatserver.plugins.actions.ActionContext`)."""

    room: Room

    def __init__(
        self,
        services: CallServices,
        action: Mapping[str, Any],
        message: Message,
        user: User,
        room: Room,
        session: Session | None,
    ) -> None:
        super().__init__(services, action["plugin"], f"action {action['id']}", user, room, session)
        self.message = message
        self.data = action.get("data")
        self._id: str = action["id"]
        self._permission: str | None = action.get("permission")
        self._updated = False

    async def require(self, user: User) -> None:
        """Raises `Reject` unless ``user`` may write in the room and has the button's permission, and the plugin works
        there."""
        live = await self._services.rooms.get(self.room.name)
        live.require_writer(user)
        rooms = self._services.plugins.rooms_of(self._plugin)
        if rooms is not None and live.room.name not in rooms:
            raise _no_use(self._plugin)
        if self._permission:
            await self._services.access.require(user, self._permission, live)
        self.user = user

    async def reply(self, text: str, **options: Any) -> Message:
        """Answer the message as the plugin's bot."""
        return await super().reply(text, **{"reply_to": self.message.id, **options})

    async def update(
        self,
        *,
        extra: Mapping[str, Any] | UnsetType | None = UNSET,
        actions: Iterable[Mapping[str, Any]] | None = None,
        also: AlsoWork | None = None,
    ) -> Message:
        """Change the message for all, if the button is still there."""
        wanted = None if actions is None else list(actions)

        def work(tx: EventTransaction) -> None:
            message = tx.message(self.message.id)
            if message is None:
                raise errors.no_message()
            # Its own first update may have taken the button away.
            if not self._updated and _action(message, self._plugin, self._id) is None:
                raise _no_button()
            tx.annotate(message.id, extra, actions=wanted)
            if also is not None:
                also(tx)

        change = log.Append(
            self.user, f"{self._plugin}:{PRESSED}", {"action": self._id}, work, writer=self.user
        )
        live = await self._services.rooms.get(self.room.name)
        try:
            done = await live.append(change)
        except Reject as refusal:
            cause = refusal.__cause__
            if refusal.plugin == self._plugin and cause is not None:
                raise cause from cause.__cause__
            raise
        assert done.event is not None
        assert done.event.message is not None
        self._updated = True
        return done.event.message


class ActionPresser:
    """Finds a button's method, and calls it."""

    def __init__(self, services: CallServices, messages: Messages) -> None:
        self._services = services
        self._messages = messages
        self._pressed: dict[tuple[str, ...], float] = {}
        """When a user pressed a button lately, on the monotonic clock."""

    async def press(
        self, user: User, message_id: str, plugin: str, id: str, session: Session | None
    ) -> tuple[str | None, str]:
        """Press a button. What it says, for the user alone, and the message's room. Raises `Reject`."""
        message, live = await self._messages.visible(user, message_id)
        live.require_writer(user)
        action = _action(message, plugin, id)
        if action is None:
            raise _no_button()
        current = self._services.plugins.current
        instance = current.peer(plugin)
        handler = None if instance is None else handler_of(instance, action)
        if handler is None:
            raise _no_use(plugin)
        ctx = ActionCall(self._services, action, message, user, live.room, session)
        await ctx.require(user)
        press = user.id, message.id, plugin, id
        self._require_once(press)
        said = await current.hooks.guard(plugin, f"action {id}", _press, handler, ctx)
        if ctx.asks:
            # After a cancelled form the button may be pressed again at once.
            self._pressed.pop(press, None)
        return said, live.room.name

    def _require_once(self, press: tuple[str, ...]) -> None:
        """Raises `Reject` ``rate_limited`` for the second press of a double click."""
        now = time.monotonic()
        self._pressed = {each: at for each, at in self._pressed.items() if at > now - AGAIN_SECONDS}
        if press in self._pressed:
            seconds = self._pressed[press] + AGAIN_SECONDS - now
            raise Reject("You have pressed this button already.", "rate_limited", retry_after=seconds)
        self._pressed[press] = now


async def _press(handler: Callable[..., Any], ctx: ActionCall) -> str | None:
    answer = handler(ctx)
    return await ctx.run(_said(answer)) if inspect.isawaitable(answer) else said(answer)


async def _said(waiting: Awaitable[Any]) -> str | None:
    return said(await waiting)


def _action(message: Message, plugin: str, id: str) -> Mapping[str, Any] | None:
    return next((each for each in message.actions if each["plugin"] == plugin and each["id"] == id), None)


def _no_use(plugin: str) -> Reject:
    return Reject(f"The plugin {plugin!r} does nothing with this button any more.", "not_found")


def _no_button() -> Reject:
    return Reject("This button is not there any more.", "not_found", field="action")
