"""The bus of a single process: a call."""

from __future__ import annotations

from collections.abc import Collection

from .bus import Deliver, DeliverApart


class LocalBus:
    """Delivers at once, in the caller's turn of the loop."""

    def __init__(self, deliver: Deliver, deliver_apart: DeliverApart) -> None:
        self._deliver = deliver
        self._deliver_apart = deliver_apart

    def publish(self, topic: str, payload: bytes, seq: int | None = None, *, ephemeral: bool = False) -> None:
        """Hand over to this process."""
        self._deliver(topic, payload, seq, ephemeral=ephemeral)

    def publish_apart(
        self, topic: str, payload: bytes, instead: bytes, users: Collection[str], seq: int | None = None
    ) -> None:
        """Hand over to this process."""
        self._deliver_apart(topic, payload, instead, users, seq)

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing is under way."""
