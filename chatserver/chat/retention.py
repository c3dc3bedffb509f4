"""Messages that are older than they may get are blanked, in small batches, while people chat."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from ..store import Store, expiring
from ..store.changes import Expire
from ..store.expiring import Aged
from .notifier import Notifier
from .registry import RoomRegistry
from .rooms import SYSTEM

log = logging.getLogger(__name__)

DAY_SECONDS = 86_400
BATCH = 100
"""So many events of a room are one change."""
STEP_SECONDS = 0.5
"""How long one step works before it tells how far it is."""


class Retention:
    """Knows what is too old. ``keep_days`` is for rooms that don't say it themselves; 0: for ever. ``clock`` gives
    seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        rooms: RoomRegistry,
        notifier: Notifier,
        keep_days: int,
        clock: Callable[[], float],
    ) -> None:
        self._notifier = notifier
        self._store = store
        self._rooms = rooms
        self._keep_days = keep_days
        self._clock = clock

    async def aged(self) -> list[Aged]:
        """What is too old by now, by room, without the rooms where nothing is."""
        found = []
        for room, days in await self._keeping():
            # Room by room, so that other readers get their turn.
            found.append(
                await self._store.read(
                    partial(expiring.aged, room=room, days=days, before=self._before(days))
                )
            )
        return [each for each in found if each.messages]

    async def step(self) -> tuple[int, bool]:
        """Blank some of it; how many events that was, and whether there is more."""
        done, until = 0, time.monotonic() + STEP_SECONDS
        for room, days in await self._keeping():
            in_room = 0
            while count := await self._batch(room, days):
                in_room += count
                if time.monotonic() >= until:
                    break
            if in_room:
                live = await self._rooms.get(room)
                self._notifier.notify("after_expire", live.room, live.floor)
                done += in_room
            if time.monotonic() >= until:
                return done, True
        return done, False

    async def run(self) -> None:
        """Blank all of it."""
        total, more = 0, True
        while more:
            done, more = await self.step()
            total += done
            # As much time again for all else.
            await asyncio.sleep(STEP_SECONDS if more else 0)
        if total:
            log.info("%d events are older than they may get: their texts and files are gone", total)

    async def _keeping(self) -> list[tuple[str, int]]:
        return await self._store.read(partial(expiring.keeping, default=self._keep_days))

    def _before(self, days: int) -> float:
        return self._clock() - days * DAY_SECONDS

    async def _batch(self, room: str, days: int) -> int:
        through = await self._store.read(
            partial(expiring.aged_through, room=room, before=self._before(days), most=BATCH)
        )
        if through is None:
            return 0
        live = await self._rooms.get(room)
        before = live.floor
        await live.append(Expire(SYSTEM, through))
        return max(through - before, 1)
