"""A room in memory: decides, one batch after the other, what is appended to the room's log, and publishes it in order.

No task and no lock: what waits is one batch; when it is committed its senders are answered and its events published
in one turn of the loop, and the next batch goes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from ..delivery.bus import Bus
from ..model import errors
from ..model.errors import Reject
from ..model.values import Event, Member, Message, User
from ..protocol import events as wire
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
from .members import MemberList
from .membership import FOREVER, apply
from .replies import FutureReply, Reply
from .resends import Resends

log = logging.getLogger(__name__)

BATCH = 500
_WRITES = (Post, Edit, Delete)
MOST_SPEAKERS = 1000
HELD_SECONDS = 2.0
"""How long a user's further messages are refused after one that could not be stored, unless that one comes again: what
was on its way by then must not overtake it."""


class Clock(Protocol):
    """Seconds since the epoch."""

    def __call__(self) -> float: ...


class Watcher(Protocol):
    """Is told what was committed, in the turn in which it is published."""

    def kept_from(self, live: LiveRoom, message: Message) -> Collection[str]:
        """The ids of the members who may not see a message."""

    def refuse_sanctioned(self, user: User) -> None:
        """Raises `Reject` for a user who is muted or banned on the whole server."""

    def may(self, live: LiveRoom, user: User, permission: str) -> bool:
        """Whether the user's roles have the permission here."""

    def before_publish(self, live: LiveRoom, entry: Change, done: Committed) -> None:
        """The room's state has changed (by anything but a message); the event is not published yet."""

    def after_publish(self, live: LiveRoom, entry: Change, done: Committed) -> None:
        """The event, if there is one, is with the hub."""


class LiveRoom:
    """One room, as it was at the last commit. What another server changed is noticed by the store, which refuses a
    batch that was checked against an older state and says what the room is like now."""

    def __init__(
        self, state: RoomState, store: Store, bus: Bus, watcher: Watcher, resends: Resends, clock: Clock
    ) -> None:
        self._take_state(state)
        self.recounted = 0
        """The seq of the last event that changed a count other than that of all messages."""
        self.used = self.moved = time.monotonic()
        self._store = store
        self._bus = bus
        self._watcher = watcher
        self._resends = resends
        self._clock = clock
        self._waiting: deque[tuple[Change, Reply]] = deque()
        self._held: dict[str, tuple[float, str | None]] = {}
        """Users who are held: until when, on the monotonic clock, and the nonce that has to come first."""
        self._busy = False
        self._idle: asyncio.Future[None] | None = None

    def _take_state(self, state: RoomState) -> None:
        self.room = state.room
        self.position = state.position
        self.member_list = MemberList(state.members, state.released)
        self.members: Mapping[str, Member] = self.member_list.by_id
        self.mutes = state.mutes
        self.bans = state.bans
        self._spoke = state.spoke

    @property
    def busy(self) -> bool:
        """Something waits or is under way."""
        return self._busy or bool(self._waiting)

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

    def require_writer(self, user: User, *, allow_non_member: bool = False) -> None:
        """Raises `Reject` unless this user may write here now: ``banned``, ``not_member``, ``not_found`` for a room
        that is hidden from them, ``muted``, or ``forbidden`` in an archived room.

        With ``allow_non_member`` a public room can be written to without joining it.
        """
        self._watcher.refuse_sanctioned(user)
        member = user.id in self.members
        if member and not (self.bans or self.mutes or self.room.archived or not self.room.guests):
            return
        if not member and self.room.kind != "public":
            # Banned or not: that there is such a room is for its members to know.
            raise errors.not_in_room(self.room)
        self.require_not_banned(user)
        if not member and not allow_non_member:
            raise errors.not_in_room(self.room)
        self.require_not_muted(user)
        if self.room.archived:
            raise errors.archived()
        if not self.room.guests and user.role == "guest":
            raise errors.no_guests()

    def require_poster(self, user: User, *, allow_non_member: bool = False) -> None:
        """Raises `Reject` unless this user may post a message here now: as `require_writer`, and for a room in which
        only some write, or write slowly."""
        self.require_writer(user, allow_non_member=allow_non_member)
        room = self.room
        if room.read_only and not self._watcher.may(self, user, "room.announce"):
            raise errors.read_only()
        if room.slow_mode and not user.bot and user.id in self._spoke:
            wait = self._spoke[user.id] + room.slow_mode - self._clock()
            if wait > 0 and not self._watcher.may(self, user, "room.skip_slow_mode"):
                raise errors.slow_mode(room.slow_mode, wait)

    def _note_words(self, user: User) -> None:
        """This user writes now; who has long been silent is forgotten."""
        now = self._clock()
        if len(self._spoke) > MOST_SPEAKERS:
            self._spoke = {id: ts for id, ts in self._spoke.items() if ts > now - self.room.slow_mode}
        self._spoke[user.id] = now

    def is_last_owner(self, user: User) -> bool:
        """Whether a member who leaves would leave others without an owner."""
        if user.id not in self.members or self.members[user.id].role != "owner":
            return False
        owners = sum(member.role == "owner" for member in self.members.values())
        return owners == 1 and any(
            member.user.role != "guest" and not member.user.bot and member.user.id != user.id
            for member in self.members.values()
        )

    def require_not_muted(self, user: User) -> None:
        """Raises `Reject` ``muted`` or ``banned`` for a user who may do nothing here that others see."""
        self._watcher.refuse_sanctioned(user)
        until, now = self.mutes.get(user.id, 0), self._clock()
        if until > now:
            left = None if until == FOREVER else until - now
            raise Reject("You are muted in this room.", "muted", retry_after=left)

    def may_write(self, user: User) -> bool:
        """Whether this user may write here now."""
        try:
            self.require_writer(user)
        except Reject:
            return False
        return True

    def require_not_banned(self, user: User) -> None:
        """Raises `Reject` ``banned`` for a user who is kept out just now."""
        if self.banned(user):
            raise errors.banned()

    def banned(self, user: User) -> bool:
        """Whether a user is kept out just now."""
        return self.bans.get(user.id, 0) > self._clock()

    def forget(self, user_ids: Iterable[str]) -> None:
        """These guests will not come back; what they said stays."""
        if self.room.kind != "direct":
            for user_id in user_ids:
                self.member_list.remove(user_id)

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
        if isinstance(change, _WRITES):
            if self._held and self._is_held(change):
                raise errors.unavailable()
            require = self.require_poster if isinstance(change, Post) else self.require_writer
            require(change.user, allow_non_member=change.allow_non_member)
            if isinstance(change, Post) and self.room.slow_mode:
                self._note_words(change.user)
        elif isinstance(change, Append):
            if change.writer is not None:
                self.require_writer(change.writer, allow_non_member=change.allow_non_member)
        elif isinstance(change, ChangeMember) and change.action in ENTERING:
            self.require_not_banned(change.target)
        elif isinstance(change, ChangeMember) and _steps_down(change) and self.is_last_owner(change.target):
            raise errors.last_owner(self.room.name)

    def _hold(self, change: Change) -> None:
        now = time.monotonic()
        # The first one that failed has to come first.
        if self._held.get(change.user.id, (0.0, None))[0] <= now:
            nonce = change.nonce if isinstance(change, Post) else None
            self._held[change.user.id] = now + HELD_SECONDS, nonce

    def _is_held(self, change: Post | Edit | Delete) -> bool:
        now, user_id = time.monotonic(), change.user.id
        self._held = {each: held for each, held in self._held.items() if held[0] > now}
        nonce = self._held[user_id][1] if user_id in self._held else None
        if nonce is not None and isinstance(change, Post) and change.nonce == nonce:
            del self._held[user_id]
        return user_id in self._held

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
        for change, reply, outcome in zip(changes, replies, outcomes, strict=True):
            if isinstance(outcome, StaleRoom):
                self._take_state(outcome.state)
                stale.append((change, reply))
                continue
            try:
                self._finish(change, reply, outcome)
            except Exception:
                log.exception("what follows from a committed change failed in %s", self.room.name)
        if stale:
            # To be checked again, before what came later.
            self._waiting.extendleft(reversed(stale))
        self._busy = False
        if self._waiting:
            self._compose()
        if not self._busy and self._idle is not None:
            self._idle.set_result(None)
            self._idle = None

    def _finish(self, change: Change, reply: Reply, done: Outcome) -> None:
        if not isinstance(done, Committed):
            if not isinstance(done, Reject):
                self._hold(change)
                self._spoke.pop(change.user.id, None)
            reply.refused(done if isinstance(done, Reject) else errors.unavailable())
            return
        reply.committed(done)
        if done.dup:
            return
        self.position = done.position
        if done.mentioned or isinstance(change, Edit | Delete):
            self.recounted = done.position.seq
        if not isinstance(change, Post):
            apply(change, self, done.position.seq - (done.event is not None))
            self._watcher.before_publish(self, change, done)
        if done.event is not None:
            self._publish(done.event)
        self._watcher.after_publish(self, change, done)

    def _publish(self, event: Event) -> None:
        if event.type == "edited" and event.message is not None:
            hidden = self._watcher.kept_from(self, event.message)
            if hidden:
                bare = msgspec.structs.replace(event, message=None)
                self._bus.publish_apart(
                    self.room.name, wire.durable(event), wire.durable(bare), hidden, event.seq
                )
                return
        self._bus.publish(self.room.name, wire.durable(event), event.seq)


def _steps_down(change: ChangeMember) -> bool:
    """Whether a member gives up their place, or their role, by themselves."""
    own = change.user.id == change.target.id
    return own and (change.action == "left" or (change.action == "role" and change.role != "owner"))


def _restricts(entry: Change) -> bool:
    """Whether it may change who may write, other than by letting a user in."""
    return isinstance(entry, ChangeRoom) or (isinstance(entry, ChangeMember) and entry.action not in ENTERING)
