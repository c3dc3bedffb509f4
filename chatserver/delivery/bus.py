"""What a bus promises. It is a carrier, never the truth: what must not be lost is in the log before it gets here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from ..model.values import RoomPosition

NODES = "!"
"""The topic of the processes themselves."""


class Deliver(Protocol):
    """Takes what the bus carries for the clients of this process."""

    def __call__(self, topic: str, payload: bytes, *, ephemeral: bool = False) -> None: ...


class DeliverApart(Protocol):
    """The same for a payload that some users get in another form."""

    def __call__(self, topic: str, payload: bytes, instead: bytes, users: Collection[str]) -> None: ...


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """What came from another process. ``position`` is the room's after a durable event; ``instead`` is for the
    ``users``, as in `Bus.publish_apart`; a ``note`` is for the process itself."""

    payload: bytes
    position: RoomPosition | None = None
    ephemeral: bool = False
    instead: bytes | None = None
    users: tuple[str, ...] = ()
    note: bool = False


class Receiver(Protocol):
    """Takes what comes from other processes, on the loop."""

    def carried(self, topic: str, what: Carried, node: str) -> None:
        """Something that process ``node`` sent."""

    def listening(self, topic: str) -> None:
        """From here on the topic is listened to, for the first time or again: what was sent before may be missing."""


class Bus(Protocol):
    """Carries payloads by topic, in order for each publisher. A topic is a room's name, ``@`` and a user's id for all
    of a user's connections, ``*`` for all connections, or ``!`` for the processes themselves: nothing reaches more than
    one connection but over here.

    ``position`` goes with a durable event: of what comes twice or is missing, a reader finds by it which it is.
    """

    @property
    def shared(self) -> bool:
        """Whether there may be other processes."""

    @property
    def node(self) -> str:
        """What this process is called among them."""

    @property
    def problem(self) -> str | None:
        """Why other processes can't be reached just now."""

    def publish(
        self, topic: str, payload: bytes, position: RoomPosition | None = None, *, ephemeral: bool = False
    ) -> None:
        """Send to all processes, this one too. Never blocks; ``ephemeral`` payloads may be dropped on the way."""

    def publish_apart(
        self,
        topic: str,
        payload: bytes,
        instead: bytes,
        users: Collection[str],
        position: RoomPosition | None = None,
    ) -> None:
        """Send to all processes, with ``instead`` for the connections of these users, by id; nothing for them where it
        is empty. For what is rare."""

    def here(
        self,
        topic: str,
        payload: bytes,
        instead: bytes | None = None,
        users: Collection[str] = (),
        *,
        ephemeral: bool = False,
    ) -> None:
        """Send to this process alone: the others find out by themselves."""

    def elsewhere(self, topic: str, what: Carried) -> None:
        """Send to the other processes alone."""

    def listen(self, topic: str) -> None:
        """Let this process have what others send to a topic."""

    def unlisten(self, topic: str) -> None:
        """It needs that no more."""

    async def start(self, receiver: Receiver) -> None:
        """Connect. What is published before is not carried. Raises ConfigError where it must not."""

    async def stop(self) -> None:
        """Disconnect, after what was published has gone out."""


MakeBus = Callable[[Deliver, DeliverApart], Bus]
"""Makes the bus of a process from what takes what it carries."""
