"""The members of a room: by id, by name, and in the order in which they are listed."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

import msgspec

from ..model.names import name_key
from ..model.values import Member, User


class MemberList:
    """Changed only by its methods. ``by_id`` is for looking up, ``in_order`` for listing by name.

    ``released`` are the ids of guests whose names have gone to other users.
    """

    def __init__(self, by_id: dict[str, Member], released: Iterable[str] = ()) -> None:
        self.by_id = by_id
        # Kept sorted: a list of members is asked for by each client that joins.
        self.in_order = sorted(by_id.values(), key=_order)
        self._released = set(released)
        self._names: dict[str, str] | None = None
        self._spaced = False

    def put(self, member: Member) -> None:
        """Add a member, or change what is known of one."""
        self._take_out(member.user.id)
        self.by_id[member.user.id] = member
        insort(self.in_order, member, key=_order)

    def remove(self, user_id: str) -> None:
        """Take a member out, if there is one with this id."""
        self._take_out(user_id)
        self._released.discard(user_id)

    def _take_out(self, user_id: str) -> None:
        member = self.by_id.pop(user_id, None)
        if member is not None:
            del self.in_order[bisect_left(self.in_order, _order(member), key=_order)]
        self._names = None

    def rename(self, user: User) -> None:
        """A user has another name or role, and holds the name."""
        user = user.whole()
        member = self.by_id.get(user.id)
        if member is not None and (member.user != user or user.id in self._released):
            self._released.discard(user.id)
            self.put(msgspec.structs.replace(member, user=user))

    def release(self, user_id: str) -> None:
        """A member's name has gone to another user."""
        if user_id in self.by_id:
            self._released.add(user_id)
            self._names = None

    def named(self, name: str) -> str | None:
        """The id of the member with this name, or shown by it, whatever its case and composition."""
        return self._all_names().get(name_key(name))

    @property
    def spaced(self) -> bool:
        """Whether a member's name has a space in it."""
        self._all_names()
        return self._spaced

    def _all_names(self) -> dict[str, str]:
        if self._names is None:
            users = [member.user for member in self.in_order]
            holders = [user for user in users if user.id not in self._released]
            # What is set last counts: a member's own name before the shown name of another member, and both before
            # a name that a guest has lost.
            self._names = {name_key(user.name): user.id for user in users}
            self._names.update((name_key(user.display_name), user.id) for user in holders)
            self._names.update((name_key(user.name), user.id) for user in holders)
            self._spaced = any(" " in name for name in self._names)
        return self._names


def _order(member: Member) -> tuple[str, str]:
    return member.user.name.casefold(), member.user.id
