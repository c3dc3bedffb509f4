"""A room's live: one at a time decides what is appended to the room's log, and tells everybody, in order.

No task and no lock: what waits is one batch; when it is committed its outcomes are settled and published in one turn
of the loop, and the next batch goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from ..delivery.bus import Bus
from ..model.errors import Reject
from ..model.values import Member, User
from ..protocol import events as wire
from ..store import Batch, Change, Committed, Outcome, Store
from ..store.changes import ChangeMember, ChangeRoom, Delete, Edit, Post
from ..store.queries import RoomState
from .members import MemberList

log = logging.getLogger(__name__)

Settle = Callable[[Outcome], None]

BATCH = 500
FOREVER = float("inf")
_WRITES = (Post, Edit, Delete)
ENTERING = ("joined", "added")


class Clock(Protocol):
    """Seconds since the epoch."""

    def __call__(self) -> float: ...


class Watcher(Protocol):
    """Is told what was committed, in the turn in which it is published."""

    def before_publish(self, live: LiveRoom, entry: Change, done: Committed) -> None:
        """The room's state has changed (by anything but a message); nobody has been told yet."""

    def after_publish(self, live: LiveRoom, entry: Change, done: Committed) -> None:
        """The event, if there is one, is with the hub."""


def awaited() -> tuple[asyncio.Future[Outcome], Settle]:
    """A future of an outcome, and what settles it."""
    future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def settle(outcome: Outcome) -> None:
        if not future.done():
            future.set_result(outcome)

    return future, settle


class LiveRoom:
    """One room. ``head`` and membership here are those of the last commit; nobody else changes them."""

    def __init__(self, state: RoomState, store: Store, bus: Bus, watcher: Watcher, clock: Clock) -> None:
        self.room = state.room
        self.position = state.position
        self.member_list = MemberList(state.members)
        self.members: Mapping[str, Member] = self.member_list.by_id
        self.mutes = state.mutes
        self.bans = state.bans
        self.used = self.moved = clock()
        self._store = store
        self._bus = bus
        self._watcher = watcher
        self._clock = clock
        self._waiting: deque[tuple[Change, Settle]] = deque()
        self._busy = False
        self._idle: asyncio.Future[None] | None = None

    @property
    def busy(self) -> bool:
        """Something waits or is under way."""
        return self._busy or bool(self._waiting)

    async def idle(self) -> None:
        """Wait until everything that was accepted is settled."""
        while self.busy:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            # More than one may wait, and each may give up.
            await asyncio.shield(self._idle)

    def submit(self, entry: Change, settle: Settle) -> None:
        """Queue an entry; ``settle`` gets its outcome once it is committed or refused, on the loop."""
        self._waiting.append((entry, settle))
        if not self._busy:
            self._compose()

    async def append(self, *entries: Change) -> Committed:
        """Queue entries, one behind the other, and wait for the last one. Raises the first `Reject`."""
        futures = []
        for entry in entries:
            future, settle = awaited()
            futures.append(future)
            self._waiting.append((entry, settle))
        if not self._busy:
            self._compose()
        outcomes = await asyncio.gather(*futures)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        last = outcomes[-1]
        assert isinstance(last, Committed)
        return last

    def refusal(self, user: User, *, allow_non_member: bool = False) -> Reject | None:
        """Why this user may not write here now; None when they may.

        With ``allow_non_member`` a public room can be written to without joining it.
        """
        if user.id in self.members and not (self.bans or self.mutes or self.room.archived):
            return None
        now = self._clock()
        if self.bans.get(user.id, 0) > now:
            return banned()
        if user.id not in self.members and not (allow_non_member and self.room.kind == "public"):
            return Reject("You are not in this room.", "not_member", field="room")
        until = self.mutes.get(user.id, 0)
        if until > now:
            left = None if until == FOREVER else until - now
            return Reject("You are muted in this room.", "muted", retry_after=left)
        if self.room.archived:
            return Reject("This room is archived: it can be read only.", "forbidden", field="room")
        return None

    def banned(self, user: User) -> bool:
        """Whether somebody is kept out just now."""
        return self.bans.get(user.id, 0) > self._clock()

    def forget(self, user_ids: Iterable[str]) -> None:
        """These guests will not come back; what they said stays."""
        if self.room.kind != "direct":
            for user_id in user_ids:
                self.member_list.remove(user_id)

    def _compose(self) -> None:
        """Make one batch of what waits, and hand it to the store.

        An entry after which somebody may not write any longer closes its batch: what follows is checked against it.
        """
        entries: list[Change] = []
        settles: list[Settle] = []
        self._busy = True
        while self._waiting and len(entries) < BATCH:
            entry, settle = self._waiting.popleft()
            refusal = self._recheck(entry)
            if refusal is not None:
                settle(refusal)
                continue
            entries.append(entry)
            settles.append(settle)
            if _restricts(entry):
                break
        if not entries:
            self._busy = False
            return
        batch = Batch(self.room.name, self._clock(), entries)
        self._store.append(batch, lambda outcomes: self._committed(entries, settles, outcomes))

    def _recheck(self, entry: Change) -> Reject | None:
        if isinstance(entry, _WRITES):
            return self.refusal(entry.user, allow_non_member=entry.allow_non_member)
        if isinstance(entry, ChangeMember) and entry.action in ENTERING and self.banned(entry.target):
            return banned()
        return None

    def _committed(self, entries: list[Change], settles: list[Settle], outcomes: Sequence[Outcome]) -> None:
        self.used = self.moved = self._clock()
        for entry, settle, outcome in zip(entries, settles, outcomes, strict=True):
            try:
                self._settle(entry, settle, outcome)
            except Exception:
                log.exception("what follows from a committed entry failed in %s", self.room.name)
        self._busy = False
        if self._waiting:
            self._compose()
        if not self._busy and self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

    def _settle(self, entry: Change, settle: Settle, done: Outcome) -> None:
        if not isinstance(done, Committed):
            storage_failed = Reject("This could not be stored.", "unavailable", retry_after=5)
            settle(done if isinstance(done, Reject) else storage_failed)
            return
        settle(done)
        if done.dup:
            return
        self.position = done.position
        if not isinstance(entry, Post):
            self._apply(entry, done)
            self._watcher.before_publish(self, entry, done)
        if done.event is not None:
            self._bus.publish(self.room.name, wire.durable(done.event))
        self._watcher.after_publish(self, entry, done)

    def _apply(self, entry: Change, done: Committed) -> None:
        if isinstance(entry, ChangeRoom):
            self.room = msgspec.structs.replace(self.room, **entry.changes)
        elif isinstance(entry, ChangeMember):
            self._change_member(entry, done)

    def _change_member(self, entry: ChangeMember, done: Committed) -> None:
        target = entry.target.id
        until = entry.until or FOREVER
        match entry.action:
            case action if action in ENTERING:
                since = done.position.seq - (done.event is not None)
                if target not in self.members:
                    self.member_list.put(Member(entry.target, entry.role, since))
            case "role":
                member = self.members.get(target)
                if member is not None:
                    self.member_list.put(msgspec.structs.replace(member, role=entry.role))
            case "muted":
                self.mutes[target] = until
            case "unmuted":
                self.mutes.pop(target, None)
            case "unbanned":
                self.bans.pop(target, None)
            case _:
                self.member_list.remove(target)
                if entry.action == "banned" or (entry.action == "kicked" and entry.until):
                    self.bans[target] = until


def _restricts(entry: Change) -> bool:
    """Whether it may change who may write, other than by letting somebody in."""
    return isinstance(entry, ChangeRoom) or (isinstance(entry, ChangeMember) and entry.action not in ENTERING)


def banned() -> Reject:
    """The refusal for those who are kept out."""
    return Reject("You are banned from this room.", "banned", field="room")
