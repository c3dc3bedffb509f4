"""The bus of a single process: a call."""

from __future__ import annotations

from collections.abc import Collection

from ..model.values import RoomPosition
from .bus import Carried, Deliver, DeliverApart, Receiver


class LocalBus:
    """Delivers at once, in the caller's turn of the loop."""

    shared = False
    node = ""
    problem: str | None = None

    def __init__(self, deliver: Deliver, deliver_apart: DeliverApart) -> None:
        self._deliver = deliver
        self._deliver_apart = deliver_apart

    def publish(
        self, topic: str, payload: bytes, position: RoomPosition | None = None, *, ephemeral: bool = False
    ) -> None:
        """Hand over to this process."""
        self._deliver(topic, payload, ephemeral=ephemeral)

    def publish_apart(
        self,
        topic: str,
        payload: bytes,
        instead: bytes,
        users: Collection[str],
        position: RoomPosition | None = None,
    ) -> None:
        """Hand over to this process."""
        self._deliver_apart(topic, payload, instead, users)

    def here(
        self,
        topic: str,
        payload: bytes,
        instead: bytes | None = None,
        users: Collection[str] = (),
        *,
        ephemeral: bool = False,
    ) -> None:
        """Hand over to this process."""
        if instead is None:
            self._deliver(topic, payload, ephemeral=ephemeral)
        else:
            self._deliver_apart(topic, payload, instead, users)

    def elsewhere(self, topic: str, what: Carried) -> None:
        """There is no other process."""

    def listen(self, topic: str) -> None:
        """All is here."""

    def unlisten(self, topic: str) -> None:
        """All is here."""

    async def start(self, receiver: Receiver) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing is under way."""
