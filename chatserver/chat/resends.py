"""A message that is sent again, with the nonce it had: answered as it was then, even if it would be refused by now."""

from __future__ import annotations

import asyncio
import logging

from ..model import errors
from ..model.errors import Reject
from ..model.values import RoomPosition
from ..store import Committed, Store
from ..store import queries as reading
from .replies import Reply

log = logging.getLogger(__name__)

_FINAL = ("nonce_conflict", "unavailable")
"""Refusals that say what became of the nonce, or that nothing can be said now."""


class Resends:
    """Looks up the nonce of a refused message; for accepted messages the unique index finds repeats."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looking: set[asyncio.Future[None]] = set()

    def refuse(
        self,
        reply: Reply,
        refusal: Reject,
        room: str,
        user_id: str,
        nonce: str | None,
        request_hash: str | None,
    ) -> None:
        """Refuse a message, unless one with its nonce was committed before: then say what was said of that one."""
        if nonce is None or refusal.code in _FINAL:
            reply.refused(refusal)
            return
        task = asyncio.ensure_future(self._look(reply, refusal, room, user_id, nonce, request_hash))
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(
        self, reply: Reply, refusal: Reject, room: str, user_id: str, nonce: str, request_hash: str | None
    ) -> None:
        try:
            earlier = await self._earlier(room, user_id, nonce, request_hash)
        except Reject as conflict:
            reply.refused(conflict)
        except Exception:
            log.exception("a nonce could not be looked up")
            reply.refused(errors.unavailable())
        else:
            if earlier is None:
                reply.refused(refusal)
            else:
                reply.committed(earlier)

    async def _earlier(
        self, room: str, user_id: str, nonce: str, request_hash: str | None
    ) -> Committed | None:
        """What became of this nonce; None if it is new. Raises `Reject` when it was of another message."""
        sent = await self._store.read(lambda conn: reading.sent_before(conn, room, user_id, nonce))
        if sent is None:
            return None
        seq, hashed = sent
        if hashed != request_hash:
            raise errors.nonce_conflict()
        event = await self._store.read(lambda conn: reading.event_at(conn, room, seq))
        return Committed(RoomPosition(), event, dup=True)
