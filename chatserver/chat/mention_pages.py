"""A user's mentions, page by page, as far as the user may read them."""

from __future__ import annotations

import re

from ..model.errors import Reject
from ..model.values import Event, User
from ..store.mention_list import END, Mention, Place, mentions_before
from .services import Services

MOST = 100
_PLACE = re.compile(r"([0-9]{1,12}\.[0-9]{1,17})\.([0-9]{1,9})\.([0-9]{1,18})", re.ASCII)


async def mention_page(
    services: Services, user: User, before: str | None, limit: int
) -> tuple[list[tuple[Event, bool]], str | None]:
    """Up to ``limit`` messages that mention ``user``, the newest first, each with whether it was read; and where the
    next page begins, None for nowhere. Raises `Reject` ``invalid``, field ``before``."""
    place = END if before is None else _read(before)
    limit = max(1, min(limit, MOST))
    found: list[Mention] = []
    seen_from: dict[str, int | None] = {}
    while True:
        at = place
        page = await services.store.read(lambda conn: mentions_before(conn, user.id, at, limit + 1))  # noqa: B023
        for each in page[:limit]:
            room = each.event.room
            if room not in seen_from:
                seen_from[room] = await _seen_from(services, user, room)
            after = seen_from[room]
            place = each.place
            if after is not None and each.event.seq > after:
                found.append(each)
                if len(found) == limit:
                    break
        more = len(page) > limit or (bool(page) and place != page[-1].place)
        if len(found) == limit or not more:
            return [(each.event, each.read) for each in found], _written(place) if more else None


async def _seen_from(services: Services, user: User, room: str) -> int | None:
    """The seq after which the user may see the room's log; None for all of it hidden."""
    try:
        return await services.access.visible_after(user, await services.rooms.get(room))
    except Reject:
        return None


def _written(place: Place) -> str:
    return f"{place.ts!r}.{place.room_id}.{place.seq}"


def _read(text: str) -> Place:
    found = _PLACE.fullmatch(text)
    if found is None:
        raise Reject("This is no place in a list of mentions.", "invalid", field="before")
    return Place(float(found[1]), int(found[2]), int(found[3]))
