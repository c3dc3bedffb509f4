"""What a shared bus has still to do: what to send, what to subscribe to, in one piece for each turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from .bus import Carried


class Outbox:
    """Bounded: of what is sent, ``most`` bytes wait at once. ``topics`` are all that are wanted."""

    def __init__(self, topics: Iterable[str], most: int) -> None:
        self.topics = dict.fromkeys(topics)
        self.open = False
        """There is a connection: without one nothing is kept."""
        self._most = most
        self._bytes = 0
        self._items: dict[str, list[Carried]] = {}
        self._listened: set[str] = set()
        self._unlistened: set[str] = set()
        self._wake = asyncio.Event()

    def put(self, topic: str, what: Carried) -> None:
        """Add something to send; what finds no room, or no connection, is left out."""
        size = len(what.payload) + len(what.instead or b"")
        if not self.open or self._bytes + size > self._most:
            return
        self._bytes += size
        items = self._items.get(topic)
        if items is None:
            self._items[topic] = [what]
            self._wake.set()
        else:
            items.append(what)

    def listen(self, topic: str) -> None:
        """Want a topic."""
        if topic not in self.topics:
            self.topics[topic] = None
            self._unlistened.discard(topic)
            self._listened.add(topic)
            self._wake.set()

    def unlisten(self, topic: str) -> None:
        """Want it no more."""
        if topic in self.topics:
            del self.topics[topic]
            self._listened.discard(topic)
            self._unlistened.add(topic)
            self._wake.set()

    async def wait(self) -> None:
        """Wait until there is something to do."""
        await self._wake.wait()
        self._wake.clear()

    def take(self) -> dict[str, list[Carried]]:
        """What is to be sent, by topic."""
        items, self._items = self._items, {}
        self._bytes = 0
        return items

    def take_topics(self) -> tuple[list[str], list[str]]:
        """The topics that are wanted since, and those that are not any more."""
        found = list(self._listened), list(self._unlistened)
        self._listened, self._unlistened = set(), set()
        return found
