"""What clients may ask of a plugin: its requests and HTTP routes, and who asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

from ..model.values import User


class Session(Protocol):
    """One connection of one user, as requests and commands see it."""

    @property
    def user(self) -> User: ...

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event to this connection alone. ``event["type"]`` is ``<plugin>:<name>`` or ``notice``."""


class RequestContext(Protocol):
    """The caller of a request."""

    @property
    def user(self) -> User: ...

    @property
    def session(self) -> Session:
        """The connection it came by."""

    def t(self, key: str, **values: Any) -> str:
        """A text of the plugin's ``i18n`` in the language of the caller's client, else in English. Raises KeyError."""


class RequestSpec(msgspec.Struct, frozen=True):
    """A wire request of a plugin.

    ``name`` goes on the wire as ``<plugin>:<name>``; ``fields`` is a `msgspec.Struct` or dataclass that types the
    request; ``handler(ctx, fields)`` returns what the reply carries, or None. ``bare`` puts the name on the wire
    without prefix, which only the bundled plugins may do.
    """

    name: str
    fields: type
    handler: Callable[[RequestContext, Any], Awaitable[Mapping[str, Any] | None] | Mapping[str, Any] | None]
    bare: bool = False


class Route(msgspec.Struct, frozen=True):
    """An HTTP route: ``pattern`` is a regular expression below ``/plugins/<plugin>/``, ``handler`` a subclass of
    `chatserver.Handler`, whose ``self.plugin`` is the plugin. A ``bare`` one, which only the bundled plugins may have,
    is below ``/api/v1/``."""

    pattern: str
    handler: type
    bare: bool = False
