"""The members of a room: by id, by name, and in the order in which they are listed."""

from __future__ import annotations

from bisect import bisect_left, insort

import msgspec

from ..model.names import name_key
from ..model.values import Member, User


class MemberList:
    """Changed only by its methods. ``by_id`` is for looking up, ``in_order`` for listing by name."""

    def __init__(self, by_id: dict[str, Member]) -> None:
        self.by_id = by_id
        # MonitoredConnection sorted: a list of members is asked for by everybody who joins.
        self.in_order = sorted(by_id.values(), key=_order)
        self._names: dict[str, str] | None = None

    def put(self, member: Member) -> None:
        """Add a member, or change what is known of one."""
        self.remove(member.user.id)
        self.by_id[member.user.id] = member
        insort(self.in_order, member, key=_order)

    def remove(self, user_id: str) -> None:
        """Take somebody out, if they are in."""
        member = self.by_id.pop(user_id, None)
        if member is not None:
            del self.in_order[bisect_left(self.in_order, _order(member), key=_order)]
        self._names = None

    def rename(self, user: User) -> None:
        """Somebody has another name or role."""
        member = self.by_id.get(user.id)
        if member is not None and member.user != user:
            self.put(msgspec.structs.replace(member, user=user))

    def named(self, name: str) -> str | None:
        """The id of the member with this name, or shown by it, whatever its case and composition."""
        if self._names is None:
            users = [member.user for member in self.in_order]
            # A name of one's own comes before the shown name of another member.
            self._names = {name_key(user.display_name): user.id for user in users}
            self._names.update((name_key(user.name), user.id) for user in users)
        return self._names.get(name_key(name))


def _order(member: Member) -> tuple[str, str]:
    return member.user.name.casefold(), member.user.id
