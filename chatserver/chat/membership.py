"""What a change makes of a room in memory. What the store writes for it leads to the same state."""

from __future__ import annotations

from typing import Protocol

import msgspec

from ..model.values import Member, Room
from ..store import Change
from ..store.changes import ENTERING, ChangeMember, ChangeRoom, Expire
from .members import MemberList

FOREVER = float("inf")


class State(Protocol):
    """A room in memory. Mutes and bans: user id → until, in seconds since the epoch."""

    room: Room
    member_list: MemberList
    mutes: dict[str, float]
    bans: dict[str, float]
    floor: int


def apply(change: Change, state: State, head: int) -> None:
    """Let a committed change take effect; ``head`` is the room's last seq before it."""
    if isinstance(change, ChangeRoom):
        state.room = msgspec.structs.replace(state.room, **change.settings)
    elif isinstance(change, ChangeMember):
        _change_member(change, state, head)
    elif isinstance(change, Expire):
        state.floor = max(state.floor, change.through)


def _change_member(change: ChangeMember, state: State, head: int) -> None:
    target, until = change.target.id, change.until or FOREVER
    if change.action in ENTERING:
        if target not in state.member_list.by_id:
            state.member_list.put(Member(change.target.whole(), since=head))
        return
    match change.action:
        case "muted":
            state.mutes[target] = until
        case "unmuted":
            state.mutes.pop(target, None)
        case "role":
            if target in state.member_list.by_id:
                member = state.member_list.by_id[target]
                state.member_list.put(msgspec.structs.replace(member, role=change.role))
        case "unbanned":
            state.bans.pop(target, None)
        case _:
            state.member_list.remove(target)
            if change.action == "banned" or (change.action == "kicked" and change.until):
                state.bans[target] = until
