"""What the handlers work with: one value, given to each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from ..accounts.accounts import Accounts
from ..accounts.sign_in import Identity
from ..chat.access import Access
from ..chat.messages import Messages
from ..chat.people import People
from ..chat.plugin_api import PluginChat
from ..chat.registry import Rooms
from ..chat.rooms import RoomCases
from ..chat.run_command import CommandCases
from ..config import Settings
from ..delivery.hub import Hub
from ..model.metrics import Metrics
from ..model.rate_limit import Limiter
from ..plugins.isolation import Stats
from ..protocol.requests import Decoder
from ..sessions.hello import Welcoming
from ..sessions.keepalive import Connections
from ..sessions.requests import Dispatch
from .security import Network


@dataclasses.dataclass(frozen=True)
class Site:
    """The server, as its handlers see it. ``stats()`` gives its figures, and
    ``health()`` what is wrong, by name; once ``stopping()`` is true nothing new is begun."""

    settings: Settings
    version: str
    identity: Identity
    accounts: Accounts
    access: Access
    rooms: Rooms
    messages: Messages
    room_cases: RoomCases
    people: People
    commands: CommandCases
    welcoming: Welcoming
    dispatch: Dispatch
    decoder: Decoder
    connections: Connections
    hub: Hub
    metrics: Metrics
    limiter: Limiter
    gauges: Callable[[], dict[str, tuple[str, float]]]
    hook_stats: Callable[[], dict[tuple[str, str], Stats]]
    chat: Callable[[str], PluginChat]
    stats: Callable[[], Awaitable[dict[str, Any]]]
    health: Callable[[], Awaitable[dict[str, str]]]
    stopping: Callable[[], bool]
    proxies: tuple[Network, ...]
    origins: Collection[str]
    secure: bool
