"""Tells the clients what a change of plugins means for them, while the server goes on with everything else."""

from __future__ import annotations

import asyncio
from time import perf_counter

from ..delivery.local_sessions import LocalSessions
from ..protocol import events as wire
from .server_info import ServerInfo

TURN_SECONDS = 0.002
"""How long it may hold up the loop before all else has its turn."""


class ClientUpdates:
    """Sends each client its permissions, commands and plugins, as its welcome would name them now."""

    def __init__(self, sessions: LocalSessions, info: ServerInfo) -> None:
        self._sessions = sessions
        self._info = info

    async def send(self) -> None:
        """Tell all that are connected."""
        self._info.refresh_client()
        began = perf_counter()
        for session in self._sessions.all():
            if not session.connection.closed:
                session.connection.send(wire.plugins(**self._info.plugin_facts(session.user)))
            if perf_counter() - began > TURN_SECONDS:
                await asyncio.sleep(0)
                began = perf_counter()
