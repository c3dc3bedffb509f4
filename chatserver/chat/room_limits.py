"""How many rooms, invitations and direct conversations one user may begin: each is told to others, and lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from ..config.settings import Limits
from ..model.errors import Reject
from ..model.rate_limit import RateLimiter
from ..model.values import User
from .access import Access

HOUR = 3600.0
UNLIMITED = "room.unlimited"
_SAID = {"room": "rooms", "invitation": "invitations", "direct": "new conversations"}


class RoomLimits:
    """Limits by user and hour; those with the permission ``room.unlimited``, and bots, have none."""

    def __init__(self, limits: Limits, access: Access, clock: Callable[[], float]) -> None:
        self._access = access
        most = {
            "room": limits.rooms_per_hour,
            "invitation": limits.invitations_per_hour,
            "direct": limits.directs_per_hour,
        }
        self._most = most
        self.limiters = {what: RateLimiter(count / HOUR, count, clock) for what, count in most.items()}

    def take(self, what: Literal["room", "invitation", "direct"], user: User) -> None:
        """Count one more. Raises `Reject` ``rate_limited``."""
        if user.bot or self._access.by_role(user, UNLIMITED):
            return
        wait = self.limiters[what].wait(user.id)
        if wait:
            text = f"{self._most[what]} {_SAID[what]} an hour are enough."
            raise Reject(text, "rate_limited", retry_after=wait)
