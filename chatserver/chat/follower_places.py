"""How far a follower has read the rooms, in memory and in the database."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.values import Event
from ..store import Store
from ..store import followers as stored
from ..store.changes import Contributor
from ..store.followers import Place


class Places:
    """The places of one follower. Those of events that are passed over, as the plugin's ``in_commit`` had them, are
    stored later, many at once."""

    def __init__(self, store: Store, plugin: str, name: str) -> None:
        self.known: dict[str, Place] = {}
        self._store = store
        self._plugin = plugin
        self._name = name
        self._unstored: dict[str, Place] = {}
        self._contributors: Sequence[Contributor] = ()
        self._own: Contributor | None = None

    @property
    def unstored(self) -> int:
        """How many events were passed over since the last time."""
        return sum(place.seq - (place.stored or 0) for place in self._unstored.values())

    def forget(self) -> None:
        """Know nothing more of what is stored: it begins again."""
        self.known, self._unstored = {}, {}

    async def read(self) -> list[Place]:
        """The places in all rooms."""
        found = await self._store.read(lambda conn: stored.places(conn, self._plugin, self._name))
        for place in found:
            before = self.known.get(place.room)
            place.reached = before.reached if before is not None else 0
            if place.room in self._unstored:
                self._unstored[place.room] = place
        self.known = {place.room: place for place in found}
        return found

    async def of(self, room: str) -> Place | None:
        """The place in a room."""
        if room not in self.known:
            found = await self._store.read(lambda conn: stored.places(conn, self._plugin, self._name, room))
            self.known |= {place.room: place for place in found}
        return self.known.get(room)

    def pass_over(self, event: Event, contributors: Sequence[Contributor]) -> bool:
        """Move on to an event, if the plugin was among those who wrote with it, and nothing before it is left to read.
        Returns whether it was so."""
        if contributors is not self._contributors:
            self._contributors = contributors
            self._own = next((each for each in contributors if each.plugin == self._plugin), None)
        place = self.known.get(event.room)
        if (
            self._own is None
            or place is None
            or place.seq + 1 != event.seq
            or not self._own.covers(event.room)
        ):
            return False
        place.reached = event.seq
        self._unstored[event.room] = place
        return True

    async def store(self) -> None:
        """Store the places of what was passed over. Raises `Moved` where another reader was there."""
        unstored, self._unstored = self._unstored, {}
        moves = [
            (place.room_id, place.stored, place.reached)
            for place in unstored.values()
            if place.seq == place.reached
        ]
        if not moves:
            return
        try:
            await self._store.write(lambda conn: stored.move(conn, self._plugin, self._name, moves))
        except BaseException:
            self._unstored = {**unstored, **self._unstored}
            raise
        reached = {room_id: seq for room_id, _, seq in moves}
        for place in unstored.values():
            place.stored = max(place.stored or 0, reached.get(place.room_id, 0))
