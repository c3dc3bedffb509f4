"""Tells systemd that the server is ready, alive, or stopping (sd_notify(3)); without systemd nothing is told."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


class ServiceManager:
    """The service manager that ``environment`` names, if any."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # An abstract address begins with @, and a zero byte stands for it.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watched = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._watched &= "WATCHDOG_USEC" in environment

    def ready(self) -> None:
        """The server listens."""
        self._tell("READY=1")

    async def alive(self) -> None:
        """The loop turns. To be called more often than once in half of WatchdogSec."""
        if self._watched:
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The server was told to stop."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
                # A manager that doesn't read must not hold up the loop.
                notify.setblocking(False)
                notify.sendto(state.encode(), self._address)
        except OSError as error:
            log.warning("the service manager can't be told %s: %s", state, error)
