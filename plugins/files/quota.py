"""What may still be taken: for a user, a room, an address, the whole server, and what is free on the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from chatserver import Reject, Upload

from .table import Table

_TOLD = {
    "user": "You have no room left for more files. Delete some first.",
    "room": "This room has no room left for more files.",
    "address": "So much was uploaded from your address today that it has to wait.",
    "server": "The server takes no more files.",
}


class Coming(msgspec.Struct, frozen=True):
    """An upload that is under way: its announced ``size`` counts as if it were there."""

    user: str
    room: str
    address: str
    size: int

    @classmethod
    def of(cls, upload: Upload, address: str) -> Coming:
        return cls(upload.user.id, upload.room.name, address, upload.size)


class Quota:
    """Checks uploads against the settings; a limit of 0 is none. ``free`` tells how many bytes the disk has left."""

    def __init__(self, settings: Any, table: Table, free: Callable[[], int]) -> None:
        self._limits = {
            "user": settings.quota_bytes,
            "room": settings.room_quota_bytes,
            "address": settings.address_quota_bytes,
            "server": settings.server_quota_bytes,
        }
        self._floor = settings.free_bytes
        self._table = table
        self._free = free
        self.coming: dict[Path, Coming] = {}
        """What is under way, by where it is written."""

    async def check(self, wanted: Coming) -> None:
        """Raises `Reject` ``too_large`` for what is over a limit, ``unavailable`` where the disk is nearly full."""
        kept = await self._table.sizes(wanted.user, wanted.room, wanted.address)
        coming = self.coming.values()
        under_way = {
            "user": sum(each.size for each in coming if each.user == wanted.user),
            "room": sum(each.size for each in coming if each.room == wanted.room),
            "address": sum(each.size for each in coming if each.address == wanted.address),
            "server": sum(each.size for each in coming),
        }
        for what, limit in self._limits.items():
            if limit and kept[what] + under_way[what] + wanted.size > limit:
                raise Reject(_TOLD[what], "too_large")
        if self._floor and self._free() - under_way["server"] - wanted.size < self._floor:
            raise Reject("The server's disk is too full for more files.", "unavailable")
