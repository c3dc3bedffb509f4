"""A room's state in memory, and who may write by it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from ..model import errors
from ..model.errors import Reject
from ..model.values import Member, User
from ..store.changes import RoomState
from .members import MemberList
from .membership import FOREVER

MOST_SPEAKERS = 1000


class Clock(Protocol):
    """Seconds since the epoch."""

    def __call__(self) -> float: ...


class Judge(Protocol):
    """Knows what holds for users beyond one room."""

    def refuse_sanctioned(self, user: User) -> None:
        """Raises `Reject` for a user who is muted or banned on the whole server."""

    def may(self, live: RoomMemory, user: User, permission: str) -> bool:
        """Whether the user's roles have the permission here."""

    def refuse_blocked(self, user: User, other_id: str) -> None:
        """Raises `Reject` for two users of whom one has blocked the other."""


class RoomMemory:
    """The settings, members, mutes and bans of a room, and where its log is."""

    def __init__(self, state: RoomState, judge: Judge, clock: Clock) -> None:
        self._take_state(state)
        self.recounted = 0
        """The seq of the last event that changed a count other than that of all messages."""
        self.used = self.moved = time.monotonic()
        self._judge = judge
        self._clock = clock

    def _take_state(self, state: RoomState) -> None:
        self.position = state.position
        self._take_settings(state)

    def _take_settings(self, state: RoomState) -> None:
        self.room = state.room
        self.member_list = MemberList(state.members, state.released)
        self.members: Mapping[str, Member] = self.member_list.by_id
        self.mutes = state.mutes
        self.bans = state.bans
        self._spoke = state.spoke
        self.floor = state.floor

    def require_writer(self, user: User, *, allow_non_member: bool = False) -> None:
        """Raises `Reject` unless this user may write here now: ``banned``, ``not_member``, ``not_found`` for a room
        that is hidden from them, ``muted``, or ``forbidden`` in an archived room.

        With ``allow_non_member`` a public room can be written to without joining it.
        """
        self._judge.refuse_sanctioned(user)
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
        self.require_reach(user)
        room = self.room
        if room.read_only and not self._judge.may(self, user, "room.announce"):
            raise errors.read_only()
        if room.slow_mode and not user.bot and user.id in self._spoke:
            wait = self._spoke[user.id] + room.slow_mode - self._clock()
            if wait > 0 and not self._judge.may(self, user, "room.skip_slow_mode"):
                raise errors.slow_mode(room.slow_mode, wait)

    def require_reach(self, user: User) -> None:
        """Raises `Reject` ``forbidden`` in a direct room of two people of whom one has blocked the other."""
        if self.room.kind == "direct":
            for other_id in self.members:
                if other_id != user.id:
                    self._judge.refuse_blocked(user, other_id)

    def note_words(self, user_id: str) -> None:
        """This user writes now, here or on another server; who has long been silent is forgotten."""
        now = self._clock()
        if len(self._spoke) > MOST_SPEAKERS:
            self._spoke = {id: ts for id, ts in self._spoke.items() if ts > now - self.room.slow_mode}
        self._spoke[user_id] = now

    def take_back_words(self, user: User) -> None:
        """What this user wrote could not be stored."""
        self._spoke.pop(user.id, None)

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
        self._judge.refuse_sanctioned(user)
        until, now = self.mutes.get(user.id, 0), self._clock()
        if until > now:
            left = None if until == FOREVER else until - now
            raise Reject("You are muted in this room.", "muted", retry_after=left)

    def may_write(self, user: User) -> bool:
        """Whether this user may write here now."""
        try:
            self.require_writer(user)
            self.require_reach(user)
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
