"""A room in memory: decides, one batch after the other, what is appended to the room's log, and publishes it in order.

No task and no lock: what waits is one batch; when it is committed its senders are answered and its events published
in one turn of the loop, and the next batch goes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence

from ..delivery.bus import Bus
from ..model import errors
from ..model.errors import Reject
from ..store import Batch, Change, Committed, Outcome, Store
from ..store.changes import (
    ENTERING,
    Append,
    ChangeMember,
    ChangeRoom,
    Delete,
    Edit,
    Post,
    RoomState,
    StaleRoom,
)
from .held import Held
from .replies import FutureReply, Reply
from .resends import Resends
from .room_feed import RoomFeed, Watcher
from .room_memory import Clock

log = logging.getLogger(__name__)

BATCH = 500
_WRITES = (Post, Edit, Delete)


class LiveRoom(RoomFeed):
    """One room, as it was at the last commit. What another server changed is noticed by the store, which refuses a
    batch that was checked against an older state and says what the room is like now."""

    def __init__(
        self, state: RoomState, store: Store, bus: Bus, watcher: Watcher, resends: Resends, clock: Clock
    ) -> None:
        super().__init__(state, store, bus, watcher, clock)
        self._store = store
        self._resends = resends
        self._waiting: deque[tuple[Change, Reply]] = deque()
        self._held = Held()
        self._busy = False
        self._idle: asyncio.Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Something waits or is under way."""
        return self._busy or bool(self._waiting) or (self.order is not None and self.order.waits)

    async def idle(self) -> None:
        """Wait until everything that was accepted is answered."""
        while self.busy:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            # More than one may wait, and each may give up.
            await asyncio.shield(self._idle)

    def submit(self, change: Change, reply: Reply) -> None:
        """Queue a change; ``reply`` is called once it is committed or refused, on the loop."""
        self._waiting.append((change, reply))
        if not self._busy:
            self._compose()

    async def append(self, *changes: Change) -> Committed:
        """Queue changes, one after the other, and wait for the last one. Raises the first `Reject`."""
        replies = []
        for change in changes:
            reply = FutureReply()
            replies.append(reply)
            self._waiting.append((change, reply))
        if not self._busy:
            self._compose()
        outcomes = await asyncio.gather(*(reply.outcome for reply in replies))
        for outcome in outcomes:
            if isinstance(outcome, Reject):
                raise outcome
        last = outcomes[-1]
        assert isinstance(last, Committed)
        return last

    def _compose(self) -> None:
        """Make one batch of what waits, and hand it to the store.

        A change after which a user may not write any longer closes its batch: what follows is checked against it.
        """
        changes: list[Change] = []
        replies: list[Reply] = []
        self._busy = True
        while self._waiting and len(changes) < BATCH:
            change, reply = self._waiting.popleft()
            try:
                self._recheck(change)
            except Reject as refusal:
                self._refuse(change, reply, refusal)
                continue
            changes.append(change)
            replies.append(reply)
            if not isinstance(change, Post) and _restricts(change):
                break
        if not changes:
            self._busy = False
            return
        batch = Batch(self.room.name, self._clock(), changes, self.position.version)
        self._store.append(batch, lambda outcomes: self._committed(changes, replies, outcomes))

    def _recheck(self, change: Change) -> None:
        """Raises `Reject` for a change that is not allowed any longer after those before it."""
        if isinstance(change, Edit | Delete) and change.erasing:
            return
        if isinstance(change, _WRITES):
            if self._held and self._held.holds(change):
                raise errors.unavailable()
            require = self.require_poster if isinstance(change, Post) else self.require_writer
            require(change.user, allow_non_member=change.allow_non_member)
            if isinstance(change, Edit):
                self.require_reach(change.user)
            if isinstance(change, Post) and self.room.slow_mode:
                self.note_words(change.user.id)
        elif isinstance(change, Append):
            if change.writer is not None:
                self.require_writer(change.writer, allow_non_member=change.allow_non_member)
                self.require_reach(change.writer)
        elif isinstance(change, ChangeMember) and change.action in ENTERING:
            self.require_not_banned(change.target)
        elif isinstance(change, ChangeMember) and _steps_down(change) and self.is_last_owner(change.target):
            raise errors.last_owner(self.room.name)

    def _refuse(self, change: Change, reply: Reply, refusal: Reject) -> None:
        if isinstance(change, Post):
            self._resends.refuse(
                reply, refusal, self.room.name, change.user.id, change.nonce, change.request_hash
            )
        else:
            reply.refused(refusal)

    def _committed(self, changes: list[Change], replies: list[Reply], outcomes: Sequence[Outcome]) -> None:
        self.used = self.moved = time.monotonic()
        stale: list[tuple[Change, Reply]] = []
        state: RoomState | None = None
        for change, reply, outcome in zip(changes, replies, outcomes, strict=True):
            if isinstance(outcome, StaleRoom):
                state = outcome.state
                stale.append((change, reply))
                continue
            try:
                self._finish(change, reply, outcome)
            except Exception:
                log.exception("what follows from a committed change failed in %s", self.room.name)
        if state is not None:
            # To be checked again, before what came later.
            self._waiting.extendleft(reversed(stale))
            if self.order is not None:
                self.order.when_at(state.position, self._go_on)
                return
            self._take_state(state)
        self._go_on()

    def _go_on(self) -> None:
        self._busy = False
        if self._waiting:
            self._compose()
        if not self._busy and self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

    def _finish(self, change: Change, reply: Reply, done: Outcome) -> None:
        if not isinstance(done, Committed):
            if not isinstance(done, Reject):
                self._held.hold(change)
                self.take_back_words(change.user)
            reply.refused(done if isinstance(done, Reject) else errors.unavailable())
            return
        if done.dup:
            reply.committed(done)
            return
        self.committed(change, reply, done)


def _steps_down(change: ChangeMember) -> bool:
    """Whether a member gives up their place, or their role, by themselves."""
    own = change.user.id == change.target.id
    return own and (change.action == "left" or (change.action == "role" and change.role != "owner"))


def _restricts(entry: Change) -> bool:
    """Whether it may change who may write, other than by letting a user in."""
    return isinstance(entry, ChangeRoom) or (isinstance(entry, ChangeMember) and entry.action not in ENTERING)
