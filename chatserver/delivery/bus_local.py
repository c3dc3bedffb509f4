"""The bus of a single process: a call."""

from __future__ import annotations

from .bus import Deliver


class LocalBus:
    """Delivers at once, in the caller's turn of the loop."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver

    def publish(self, topic: str, payload: bytes, ephemeral: bool = False) -> None:
        """Hand over to this process."""
        self._deliver(topic, payload, ephemeral)

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing is under way."""
