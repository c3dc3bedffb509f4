"""What was said in a room, as a user may read it."""

from __future__ import annotations

from ..model.values import Event, User
from ..plugins.host import PluginHost
from ..store import Store
from ..store import queries as reading
from .access import Access, without_hidden
from .pages import first_that_fit, last_that_fit
from .room import LiveRoom


class RoomLog:
    """Pages of the logs of rooms."""

    def __init__(self, store: Store, access: Access, plugins: PluginHost) -> None:
        self._store = store
        self._access = access
        self._plugins = plugins

    async def after(self, user: User, live: LiveRoom, after: int, limit: int) -> tuple[list[Event], bool]:
        """The log after ``after`` that ``user`` may see, every seq, as much as makes a page; and whether there is
        more."""
        floor = await self._access.visible_after(user, live)
        after = max(after, floor)
        events = await self._store.read(
            lambda conn: reading.events_after(conn, live.room.name, after, limit + 1)
        )
        page = first_that_fit(events[:limit])
        return without_hidden(page, user, floor), len(events) > len(page)

    async def timeline(
        self, user: User, live: LiveRoom, limit: int, *, before: int | None = None,
        after: int | None = None, around: int | None = None,
    ) -> tuple[list[Event], bool]:  # fmt: skip
        """A page of what people read, ascending; and whether there is more in that direction.

        ``around`` takes half a page on each side; "more" then means older ones.
        """
        floor = await self._access.visible_after(user, live)
        name = live.room.name
        if around is not None:
            older, more = await self.timeline(user, live, limit - limit // 2, before=around + 1)
            if limit > 1:
                newer, _ = await self.timeline(user, live, limit // 2, after=around)
                return older + newer, more
            return older, more
        if after is not None:
            events, more = await self._store.read(
                lambda conn: reading.newer(conn, name, max(floor, after), limit)
            )
            page = first_that_fit(events)
        else:
            events, more = await self._store.read(
                lambda conn: reading.older(conn, name, floor, before, limit)
            )
            page = last_that_fit(events)
        return list(page), more or len(page) < len(events)

    async def backlog(self, user: User, live: LiveRoom) -> tuple[list[Event], bool]:
        """The events that a user who joins is shown at once: as many as a plugin says (hook ``backlog``)."""
        size = await self._plugins.current.hooks.first("backlog", user, live.room)
        if not isinstance(size, int) or size <= 0:
            return [], False
        return await self.timeline(user, live, min(size, 200))
