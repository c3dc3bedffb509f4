"""Where the outcome of a change goes: one object for each change, made by the caller."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ..model.errors import Reject
from ..store import Committed


class Reply(Protocol):
    """Gets one of the two calls, once, on the loop."""

    def committed(self, done: Committed) -> None:
        """The change is in the log, by this request or, with ``done.dup``, by an earlier one."""

    def refused(self, refusal: Reject) -> None:
        """The change was refused or could not be stored; nothing has changed."""


class FutureReply:
    """A reply that a coroutine waits for."""

    __slots__ = ("outcome",)

    def __init__(self) -> None:
        self.outcome: asyncio.Future[Committed | Reject] = asyncio.get_running_loop().create_future()

    def committed(self, done: Committed) -> None:
        self._set(done)

    def refused(self, refusal: Reject) -> None:
        self._set(refusal)

    def _set(self, outcome: Committed | Reject) -> None:
        # The caller may have been cancelled.
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    async def result(self) -> Committed:
        """Wait for the outcome. Raises `Reject` when it was refused."""
        outcome = await self.outcome
        if isinstance(outcome, Reject):
            raise outcome
        return outcome
