"""Buttons below a message: what the plugin puts there, and which of its methods one calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Protocol, get_args

from msgspec import UNSET, UnsetType

from ..model.values import Message, Room
from .base import Plugin
from .command import Context
from .database import AlsoWork

Style = Literal["plain", "primary", "danger"]
LABEL_CHARS = 80


class Action(dict[str, Any]):
    """A button: ``Action("Approve", self.approve)``. It is kept with the message as data, and works after a restart.

    ``handler`` is a method of the plugin with ``ctx`` alone; it is kept by its name. ``id`` tells the buttons of one
    message apart, without it the method's name does. ``permission`` is needed to press it, besides that of writing in
    the room. ``data`` (JSON) is given to the handler as ``ctx.data``, and is no secret. Raises TypeError and
    ValueError.
    """

    def __init__(
        self,
        label: str,
        handler: Callable[..., Any],
        *,
        id: str | None = None,
        permission: str | None = None,
        style: Style = "plain",
        data: Any = None,
    ) -> None:
        name = getattr(handler, "__name__", "")
        plugin = getattr(handler, "__self__", None)
        if not isinstance(plugin, Plugin) or getattr(plugin, name, None) != handler:
            raise TypeError("an action's handler is a method of the plugin: Action(label, self.approve)")
        _check_handler(handler)
        if not label.strip() or len(label) > LABEL_CHARS:
            raise ValueError(f"an action's label has 1 to {LABEL_CHARS} characters")
        if style not in get_args(Style):
            raise ValueError(f"an action's style is one of {', '.join(get_args(Style))}, not {style!r}")
        fields = {"permission": permission, "style": style if style != "plain" else None, "data": data}
        given = {key: value for key, value in fields.items() if value is not None}
        super().__init__(id=name if id is None else id, label=label, handler=name, **given)


class ActionContext(Context, Protocol):
    """The press of a button. Its handler gets it as ``ctx``."""

    message: Message
    """As it was when the button was pressed."""
    data: Any
    """What the button was given; None without."""

    @property
    def room(self) -> Room: ...

    async def update(
        self,
        *,
        extra: Mapping[str, Any] | UnsetType | None = UNSET,
        actions: Iterable[Mapping[str, Any]] | None = None,
        also: AlsoWork | None = None,
    ) -> Message:
        """Change the message's extra and buttons for all, by an event ``<plugin>:pressed`` of the user who pressed.

        Of two who press at once, the first one's update counts: raises `Reject` ``not_found`` when the button, or the
        message, is not there any more. So it comes before all else that pressing does. ``also`` is written in the same
        transaction.
        """


def handler_of(plugin: Plugin, action: Mapping[str, Any]) -> Callable[..., Any] | None:
    """The method that a button calls; None if the plugin has it no more."""
    name = action.get("handler")
    if not isinstance(name, str) or name.startswith("__"):
        return None
    handler = getattr(plugin, name, None)
    if handler is None or getattr(handler, "__self__", None) is not plugin:
        return None
    try:
        _check_handler(handler)
    except TypeError:
        return None
    return handler  # type: ignore[no-any-return]  # it is a method


def _check_handler(handler: Callable[..., Any]) -> None:
    if list(inspect.signature(handler).parameters) != ["ctx"]:
        raise TypeError(
            f"an action's handler takes self and ctx: {getattr(handler, '__qualname__', handler)}"
        )
