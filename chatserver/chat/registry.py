"""The rooms in memory: each has one actor, loaded when first needed and let go when idle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ..delivery.bus import Bus
from ..model.errors import Reject
from ..model.values import Heads, Member, User
from ..store import Done, Entry, Store
from ..store.changes import CreateRoom
from ..store.queries import RoomState, room_state
from .room import Clock, RoomActor, Watcher

IDLE_SECONDS = 120.0


class Rooms:
    """The rooms in memory: loaded when first needed, let go when idle."""

    def __init__(self, store: Store, bus: Bus, watcher: Watcher, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._watcher = watcher
        self._clock = clock
        self._actors: dict[str, RoomActor] = {}
        self._loading: dict[str, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._actors)

    def peek(self, name: str) -> RoomActor | None:
        """The room's actor if it is in memory."""
        actor = self._actors.get(name)
        if actor is not None:
            actor.used = self._clock()
        return actor

    async def get(self, name: str) -> RoomActor:
        """The room's actor. Use it at once: an idle one is let go. Raises `Reject` ``not_found``."""
        while True:
            actor = self.peek(name)
            if actor is not None:
                return actor
            loading = self._loading.get(name)
            if loading is None:
                break
            await asyncio.shield(loading)
        with _Turn(self._loading, name):
            state = await self._store.read(lambda conn: room_state(conn, name, self._clock()))
            if state is None:
                raise Reject(f"There is no room {name!r}.", "not_found", field="room")
            return self._add(state)

    async def create(self, entry: CreateRoom, *then: Entry) -> tuple[RoomActor, Done]:
        """Make a room, with more entries in the same transaction, and say what became of the last one.
        Raises `Reject` ``name_taken``."""
        name = entry.room.name
        while name in self._loading:
            await asyncio.shield(self._loading[name])
        if name in self._actors:
            raise Reject(f"There is a room {name!r} already.", "name_taken", field="name")
        members = {user.id: Member(user, role) for user, role in entry.members}
        state = RoomState(entry.room, Heads(), members, {}, {})
        with _Turn(self._loading, name):
            actor = RoomActor(state, self._store, self._bus, self._watcher, self._clock)
            done = await actor.append(entry, *then)
            self._actors[name] = actor
            return actor, done

    def _add(self, state: RoomState) -> RoomActor:
        actor = RoomActor(state, self._store, self._bus, self._watcher, self._clock)
        self._actors[state.room.name] = actor
        return actor

    def rename(self, user: User) -> None:
        """Somebody has another name or role: tell the rooms in memory."""
        for actor in self._actors.values():
            actor.roster.rename(user)

    def moved(self, names: Iterable[str]) -> dict[str, int]:
        """The heads of those rooms that moved within the last minute."""
        since = self._clock() - 60
        found = ((name, self._actors.get(name)) for name in names)
        return {name: actor.heads.head for name, actor in found if actor is not None and actor.moved > since}

    def forget(self, user_ids: Iterable[str]) -> None:
        """These guests will not come back."""
        for actor in self._actors.values():
            actor.forget(user_ids)

    def let_go(self, listened_to: Callable[[str], bool]) -> None:
        """Forget rooms that nobody has used or listened to for a while."""
        limit = self._clock() - IDLE_SECONDS
        for name, actor in list(self._actors.items()):
            if not actor.busy and actor.used < limit and not listened_to(name):
                del self._actors[name]

    async def quiesce(self) -> None:
        """Wait until everything that was accepted is settled."""
        for actor in list(self._actors.values()):
            await actor.idle()


class _Turn:
    """Holds a name's place in ``loading``; others wait until it is over, however it ends."""

    def __init__(self, loading: dict[str, asyncio.Future[None]], name: str) -> None:
        self._loading = loading
        self._name = name

    def __enter__(self) -> None:
        self._loading[self._name] = asyncio.get_running_loop().create_future()

    def __exit__(self, *_: object) -> None:
        self._loading.pop(self._name).set_result(None)
