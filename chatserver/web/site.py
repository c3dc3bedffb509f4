"""What the handlers work with: one value, given to each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from ..accounts import Accounts
from ..chat.access import Access
from ..chat.api import PluginChat
from ..chat.commands import CommandCases
from ..chat.dispatch import Dispatch
from ..chat.identity import Identity
from ..chat.limiter import Limiter
from ..chat.messages import Messages
from ..chat.opening import Welcoming
from ..chat.people import People
from ..chat.rooms import RoomCases
from ..config import Settings
from ..hub import Hub
from ..isolation import Stats
from ..metrics import Metrics
from ..protocol.requests import Decoder
from ..rooms import Rooms
from .connections import Connections
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
