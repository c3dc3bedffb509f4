"""The profiles of users in memory, so that a list of members needs no query for its status texts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from ..model.people import Profile, StatusText
from ..store import Store
from ..store.profiles import change_profile, profiles

_NONE = Profile()


class KeptProfiles:
    """Those of all users who have said something of themselves. ``clock`` gives the time of day."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._kept: dict[str, Profile] = {}

    async def load(self, user_id: str | None = None) -> None:
        """Read all of them, or that of one user."""
        found = await self._store.read(lambda conn: profiles(conn, user_id))
        if user_id is None:
            self._kept = found
        elif user_id in found:
            self._kept[user_id] = found[user_id]
        else:
            self._kept.pop(user_id, None)

    def of(self, user_id: str) -> Profile:
        """What a user says of themselves."""
        return self._kept.get(user_id, _NONE)

    def shown(self, user_id: str, visible: bool) -> StatusText:
        """The status text that others see of a user, who is ``visible`` or not."""
        if user_id not in self._kept:
            return StatusText()
        kept = self._kept[user_id]
        if visible and kept.held_text is not None:
            return StatusText(kept.held_text, kept.held_until).at(self._clock())
        return StatusText(kept.status_text, kept.status_until).at(self._clock())

    def own(self, user_id: str) -> StatusText:
        """The status text as the user has set it."""
        return self.shown(user_id, visible=True)

    def holds(self, user_id: str) -> bool:
        """Whether there is a text that others have not seen yet."""
        return self.of(user_id).held_text is not None

    async def set_text(self, user_id: str, said: StatusText, *, hold: bool) -> None:
        """Another status text; with ``hold`` others see it only once the user is visible."""
        if hold:
            await self.change(user_id, held_text=said.text, held_until=said.until)
        else:
            shown = {"status_text": said.text, "status_until": said.until}
            await self.change(user_id, **shown, held_text=None, held_until=0.0)

    async def reveal(self, user_id: str) -> None:
        """The user is visible: what was held is what others see from here on."""
        await self.set_text(user_id, self.own(user_id), hold=False)

    async def change(self, user_id: str, **changes: Any) -> None:
        """Other values for some fields of a profile."""
        await self._store.write(lambda conn: change_profile(conn, user_id, changes))
        self._kept[user_id] = msgspec.structs.replace(self.of(user_id), **changes)

    def over(self) -> list[str]:
        """The users whose status text has just ended; they are told of once."""
        now, ended = self._clock(), []
        for user_id, kept in self._kept.items():
            if _is_over(kept.status_until, now) or _is_over(kept.held_until, now):
                ended.append(user_id)
        for user_id in ended:
            kept = self._kept[user_id]
            if _is_over(kept.status_until, now):
                kept = msgspec.structs.replace(kept, status_text="", status_until=0.0)
            if _is_over(kept.held_until, now):
                kept = msgspec.structs.replace(kept, held_text="", held_until=0.0)
            self._kept[user_id] = kept
        return ended


def _is_over(until: float, now: float) -> bool:
    return 0 < until <= now
