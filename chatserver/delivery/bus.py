"""What a bus promises. It is a carrier, never the truth: what must not be lost is in the log before it gets here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol


class Deliver(Protocol):
    """Takes what the bus carries on this process."""

    def __call__(
        self, topic: str, payload: bytes, seq: int | None = None, *, ephemeral: bool = False
    ) -> None: ...


class DeliverApart(Protocol):
    """The same for a payload that some users get in another form."""

    def __call__(
        self, topic: str, payload: bytes, instead: bytes, users: Collection[str], seq: int | None = None
    ) -> None: ...


class Bus(Protocol):
    """Carries payloads by topic, in order for each publisher. A topic is a room's name, ``@`` and a user's id for all
    of a user's connections, or ``*`` for all connections: nothing reaches more than one connection but over here.

    ``seq`` is the place in the room's log of a durable event: of what comes twice or is missing, a reader finds by it
    which it is.
    """

    def publish(self, topic: str, payload: bytes, seq: int | None = None, *, ephemeral: bool = False) -> None:
        """Send to all processes, this one too. Never blocks; ``ephemeral`` payloads may be dropped on the way."""

    def publish_apart(
        self, topic: str, payload: bytes, instead: bytes, users: Collection[str], seq: int | None = None
    ) -> None:
        """Send to all processes, with ``instead`` for the connections of these users, by id; nothing for them where it
        is empty. For what is rare."""

    async def start(self) -> None:
        """Connect. What is published before is not carried."""

    async def stop(self) -> None:
        """Disconnect, after what was published has gone out."""


MakeBus = Callable[[Deliver, DeliverApart], Bus]
"""Makes the bus of a process from what takes what it carries."""
