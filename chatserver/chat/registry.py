"""The rooms in memory: each is loaded when first needed, and let go when idle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from ..delivery.bus import Bus
from ..model import errors
from ..model.names import room_key
from ..model.values import Member, RoomPosition, User
from ..store import Change, Committed, Store
from ..store.changes import CreateRoom, RoomState
from ..store.queries import room_state
from .resends import Resends
from .room import LiveRoom
from .room_feed import Watcher
from .room_memory import Clock


class RoomRegistry:
    """The rooms in memory: loaded when first needed, let go when idle."""

    def __init__(self, store: Store, bus: Bus, watcher: Watcher, resends: Resends, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._watcher = watcher
        self._resends = resends
        self._clock = clock
        self._live: dict[str, LiveRoom] = {}
        self._loading: dict[str, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def loaded(self, name: str) -> LiveRoom | None:
        """The room if it is in memory."""
        live = self._live.get(name)
        if live is not None:
            live.used = time.monotonic()
        return live

    def in_memory(self, name: str) -> LiveRoom | None:
        """The same, without counting as a use of it."""
        return self._live.get(name)

    def names(self) -> list[str]:
        """The rooms in memory."""
        return list(self._live)

    async def get(self, name: str) -> LiveRoom:
        """The room, however its name is written. Use it at once: an idle one is unloaded.

        Raises `Reject` ``not_found``.
        """
        return self.loaded(name) or await self._get(room_key(name))

    async def reach(self, positions: Iterable[tuple[str, RoomPosition]]) -> None:
        """Have these rooms in memory, at least so far as this. Raises `Reject`."""
        for name, position in positions:
            live = await self.get(name)
            if live.order is not None:
                await live.order.reach(position)

    async def _get(self, name: str) -> LiveRoom:
        while True:
            live = self.loaded(name)
            if live is not None:
                return live
            loading = self._loading.get(name)
            if loading is None:
                break
            await asyncio.shield(loading)
        with _Turn(self._loading, name):
            # Before it is read, so that nothing is missed in between.
            self._bus.listen(name)
            state = None
            try:
                state = await self._store.read(lambda conn: room_state(conn, name, self._clock()))
                if state is None:
                    raise errors.no_room(name)
                return self._add(state)
            finally:
                if state is None:
                    self._bus.unlisten(name)

    async def create(self, entry: CreateRoom, *then: Change) -> tuple[LiveRoom, Committed]:
        """Make a room, with more entries in the same transaction, and say what became of the last one.
        Raises `Reject` ``name_taken``."""
        name = entry.room.name
        while name in self._loading:
            await asyncio.shield(self._loading[name])
        if name in self._live:
            raise errors.room_exists(name)
        members = {user.id: Member(user.whole(), role) for user, role in entry.members}
        state = RoomState(entry.room, RoomPosition(), members, {}, {})
        with _Turn(self._loading, name):
            live = self._made(state)
            done = await live.append(entry, *then)
            self._live[name] = live
            self._bus.listen(name)
            return live, done

    def _add(self, state: RoomState) -> LiveRoom:
        live = self._live[state.room.name] = self._made(state)
        return live

    def _made(self, state: RoomState) -> LiveRoom:
        return LiveRoom(state, self._store, self._bus, self._watcher, self._resends, self._clock)

    def rename(self, user: User) -> None:
        """A user has another name or role: tell the rooms in memory."""
        for live in self._live.values():
            live.member_list.rename(user)

    def refuse_muted(self, user: User) -> None:
        """Raises `Reject` ``muted`` for a member of a room who is muted there: what is seen everywhere is seen there.

        A room that isn't in memory has no one who would see it.
        """
        for live in self._live.values():
            if user.id in live.mutes and user.id in live.members:
                live.require_not_muted(user)

    def release(self, user_id: str) -> None:
        """A member's name has gone to another user: tell the rooms in memory."""
        for live in self._live.values():
            live.member_list.release(user_id)

    def recently_changed(self, names: Iterable[str]) -> dict[str, int]:
        """The last seq of those rooms that changed within the last minute."""
        since = time.monotonic() - 60
        found = ((name, self._live.get(name)) for name in names)
        return {name: live.position.seq for name, live in found if live is not None and live.moved > since}

    def forget(self, user_ids: Iterable[str]) -> None:
        """These guests will not come back."""
        for live in self._live.values():
            live.forget(user_ids)

    def unload_idle(self, listened_to: Callable[[str], bool], seconds: float) -> None:
        """Unload the rooms that have no subscribers, and were not used for so many seconds."""
        limit = time.monotonic() - seconds
        for name, live in list(self._live.items()):
            if not live.busy and live.used < limit and not listened_to(name):
                del self._live[name]
                self._bus.unlisten(name)
                if live.order is not None:
                    live.order.stop()

    async def drain(self) -> None:
        """Wait until everything that was accepted is answered."""
        for live in list(self._live.values()):
            await live.idle()


class _Turn:
    """Holds a name's place in ``loading``; others wait until it is over, however it ends."""

    def __init__(self, loading: dict[str, asyncio.Future[None]], name: str) -> None:
        self._loading = loading
        self._name = name

    def __enter__(self) -> None:
        self._loading[self._name] = asyncio.get_running_loop().create_future()

    def __exit__(self, *_: object) -> None:
        self._loading.pop(self._name).set_result(None)
