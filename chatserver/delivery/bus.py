"""What a bus promises. It is a carrier, never the truth: what must not be lost is in the log before it gets here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Deliver(Protocol):
    """Takes what the bus carries on this process."""

    def __call__(self, topic: str, payload: bytes, ephemeral: bool) -> None: ...


class DeliverApart(Protocol):
    """The same for a payload that some users get in another form."""

    def __call__(self, topic: str, payload: bytes, instead: bytes, users: Collection[str]) -> None: ...


class Bus(Protocol):
    """Carries payloads by topic, a room's name or ``@`` and a user's id, in order for each publisher and topic."""

    def publish(self, topic: str, payload: bytes, ephemeral: bool = False) -> None:
        """Send to all processes, this one too. Never blocks; ``ephemeral`` may be dropped on the way."""

    def publish_apart(self, topic: str, payload: bytes, instead: bytes, users: Collection[str]) -> None:
        """Send to all processes, with ``instead`` for the connections of these users, by id. For what is rare."""

    async def start(self) -> None:
        """Connect. What is published before is not carried."""

    async def stop(self) -> None:
        """Disconnect, after what was published has gone out."""
