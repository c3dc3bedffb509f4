"""Users whose messages wait for one that could not be stored."""

from __future__ import annotations

import time

from ..store import Change
from ..store.changes import Delete, Edit, Post

HELD_SECONDS = 2.0
"""How long a user's further messages are refused after one that could not be stored, unless that one comes again: what
was on its way by then must not overtake it."""


class Held:
    """The users of one room who are held: until when, on the monotonic clock, and the nonce that has to come first."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[float, str | None]] = {}

    def __bool__(self) -> bool:
        return bool(self._until)

    def hold(self, change: Change) -> None:
        """A change could not be stored."""
        now = time.monotonic()
        # The first one that failed has to come first.
        if self._until.get(change.user.id, (0.0, None))[0] <= now:
            nonce = change.nonce if isinstance(change, Post) else None
            self._until[change.user.id] = now + HELD_SECONDS, nonce

    def holds(self, change: Post | Edit | Delete) -> bool:
        """Whether a change comes too early."""
        now, user_id = time.monotonic(), change.user.id
        self._until = {each: held for each, held in self._until.items() if held[0] > now}
        nonce = self._until[user_id][1] if user_id in self._until else None
        if nonce is not None and isinstance(change, Post) and change.nonce == nonce:
            del self._until[user_id]
        return user_id in self._until
