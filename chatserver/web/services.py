"""What the handlers work with: one value, given to each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from ..accounts.accounts import Accounts
from ..accounts.sign_in import SignIn
from ..chat.access import Access
from ..chat.messages import Messages
from ..chat.people import People
from ..chat.plugin_api import PluginChat
from ..chat.registry import RoomRegistry
from ..chat.rooms import RoomService
from ..chat.run_command import CommandRunner
from ..config import Settings
from ..model.metrics import Metrics
from ..model.rate_limit import RateLimiter
from ..plugins.hooks import HookCaller
from ..sessions.connection import ConnectionContext
from .security import Network


@dataclasses.dataclass(frozen=True)
class Services:
    """The server, as its handlers see it. ``stats()`` gives its figures, and
    ``health()`` what is wrong, by name; once ``stopping()`` is true nothing new is begun."""

    settings: Settings
    version: str
    sign_in: SignIn
    accounts: Accounts
    access: Access
    rooms: RoomRegistry
    messages: Messages
    room_service: RoomService
    people: People
    commands: CommandRunner
    connections: ConnectionContext
    metrics: Metrics
    limiter: RateLimiter
    gauges: Callable[[], dict[str, tuple[str, float]]]
    hooks: HookCaller
    chat: Callable[[str], PluginChat]
    stats: Callable[[], Awaitable[dict[str, Any]]]
    health: Callable[[], Awaitable[dict[str, str]]]
    stopping: Callable[[], bool]
    proxies: tuple[Network, ...]
    origins: Collection[str]
    secure: bool
