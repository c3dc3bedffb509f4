"""Counts this process's open connections by address, and keeps all their deadlines in one timer wheel."""

from __future__ import annotations

import time
from collections import Counter
from typing import Protocol

from ..delivery.codec import Codec
from ..model.addresses import one_client
from ..model.errors import Close
from ..model.tuning import Timeouts


class MonitoredConnection(Protocol):
    """A connection, as the wheel sees it."""

    remote_ip: str

    @property
    def codec(self) -> Codec:
        """How payloads are encoded for it."""

    heard: float
    """When something last came from the other side, on the monotonic clock."""

    def goodbye(self, after_ms: int) -> None:
        """Say that the server goes, and when to come back."""

    def close(self, code: Close) -> None:
        """Close."""

    def beat(self) -> None:
        """Give a sign of life, and ask for one."""

    def silent(self) -> None:
        """No hello came in time."""

    def lost(self) -> None:
        """Nothing has come for too long."""


class Keepalive:
    """Counts connections and visits each of them once in ``timeouts.heartbeat`` seconds, a slot a second."""

    def __init__(self, most: int, most_per_ip: int, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._most = most
        self._most_per_ip = most_per_ip
        self._by_ip: Counter[str] = Counter()
        self._slots: list[dict[MonitoredConnection, None]] = [{} for _ in range(timeouts.heartbeat)]
        self._slot_of: dict[MonitoredConnection, int] = {}
        self._silent: dict[MonitoredConnection, float] = {}
        self._now = 0

    def __len__(self) -> int:
        return len(self._slot_of)

    def full(self, remote_ip: str) -> bool:
        """Whether the limit of connections, in all or from this address, is reached."""
        return len(self._slot_of) >= self._most or self._by_ip[one_client(remote_ip)] >= self._most_per_ip

    def add(self, connection: MonitoredConnection) -> None:
        """One more. Its first visit is a full turn of the wheel away."""
        slot = (self._now - 1) % len(self._slots)
        self._slots[slot][connection] = None
        self._slot_of[connection] = slot
        self._by_ip[one_client(connection.remote_ip)] += 1
        self.expect_hello(connection)

    def expect_hello(self, connection: MonitoredConnection) -> None:
        """It has ``timeouts.hello`` from now to say hello, for the first time or once more."""
        if connection in self._slot_of:
            self._silent[connection] = time.monotonic() + self._timeouts.hello

    def heard_hello(self, connection: MonitoredConnection) -> None:
        """It has said hello; the answer, and what it missed, may take longer."""
        self._silent.pop(connection, None)

    def remove(self, connection: MonitoredConnection) -> None:
        """Remove a connection."""
        slot = self._slot_of.pop(connection, None)
        if slot is not None:
            del self._slots[slot][connection]
            self._silent.pop(connection, None)
            client = one_client(connection.remote_ip)
            self._by_ip[client] -= 1
            if not self._by_ip[client]:
                del self._by_ip[client]

    def all(self) -> list[MonitoredConnection]:
        """Every connection."""
        return list(self._slot_of)

    def by_transport(self) -> Counter[str]:
        """How many there are of each transport."""
        return Counter(connection.codec.transport for connection in self._slot_of)

    def tick(self) -> None:
        """A second has passed."""
        now = time.monotonic()
        # In order of their deadlines, so that the first one that is not over ends the search.
        for connection, deadline in list(self._silent.items()):
            if deadline > now:
                break
            del self._silent[connection]
            connection.silent()
        for connection in tuple(self._slots[self._now]):
            if now - connection.heard > self._timeouts.silence:
                connection.lost()
            else:
                connection.beat()
        self._now = (self._now + 1) % len(self._slots)
