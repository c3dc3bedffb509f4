"""Named permissions and the roles that have them. A pure table: plugins' vetoes are asked elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .values import ROLES, Member, Role, RoomRole, User

CORE: Mapping[str, Role] = MappingProxyType(
    {
        "message.post": "guest",
        "message.edit": "guest",
        "message.delete": "guest",
        "message.delete_any": "moderator",
        "room.join": "guest",
        "room.join_private": "admin",
        "room.create": "member",
        "room.topic": "member",
        "room.change": "moderator",
        "room.invite": "member",
        "room.remove": "moderator",
        "room.announce": "moderator",
        "room.skip_slow_mode": "moderator",
        "room.roles": "admin",
        "direct.start": "guest",
        "user.rename": "guest",
        "user.status": "guest",
        "invite.create": "moderator",
        "server.accounts": "admin",
        "audit.read": "moderator",
        "audit.sign_ins": "admin",
        "server.metrics": "admin",
        "server.plugins": "admin",
    }
)
"""What the core asks for, each with the lowest role that has it. ``message.edit`` and ``message.delete`` are about
the user's own messages."""

OWNERS = frozenset({"room.roles"})
"""What the owners of a room have in it beyond what moderators have."""

_RANKS: Mapping[Role, int] = MappingProxyType({role: rank for rank, role in enumerate(ROLES)})
_ROOM_RANKS: Mapping[RoomRole, int] = MappingProxyType({"member": 0, "moderator": 1, "owner": 2})


class Permissions:
    """The core's permissions and those in ``grants``, each with the lowest role that has it.

    ``extra`` gives a role, and every role above it, more permissions. Raises KeyError for one that doesn't exist.
    """

    def __init__(
        self,
        grants: Mapping[str, Role] = MappingProxyType({}),
        extra: Mapping[Role, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self._lowest = {name: _RANKS[role] for name, role in {**CORE, **grants}.items()}
        for role, names in extra.items():
            for name in names:
                self._lowest[name] = min(self._lowest[name], _RANKS[role])
        self._held: dict[Role, list[str]] = {
            role: sorted(name for name, lowest in self._lowest.items() if rank >= lowest)
            for role, rank in _RANKS.items()
        }

    def __contains__(self, permission: str) -> bool:
        return permission in self._lowest

    def may(self, user: User, permission: str, member: Member | None = None) -> bool:
        """Whether ``user`` has the permission; ``member`` is their place in the room in question.

        A member with a role above ``member`` in the room is at least a moderator there, an owner has `OWNERS`, too.
        False for a permission that doesn't exist.
        """
        lowest = self._lowest.get(permission)
        if lowest is None or not in_scope(user, permission):
            return False
        rank = _RANKS[user.role]
        if member is None or member.role == "member":
            return rank >= lowest
        return max(rank, _RANKS["moderator"]) >= lowest or (member.role == "owner" and permission in OWNERS)

    def held(self, user: User) -> list[str]:
        """Every permission ``user`` has everywhere, sorted by name."""
        held = self._held[user.role]
        return held if user.scopes is None else [name for name in held if name in user.scopes]

    def outranks(
        self, by: User, target: User, by_member: Member | None = None, target_member: Member | None = None
    ) -> bool:
        """Whether ``by`` may act on ``target``: only a user of a strictly higher role may.

        The members are their places in the room in question, where there is one: its moderators stand above members
        of the server, its owners above them, and the server's moderators above both.
        """
        return _rank(by, by_member) > _rank(target, target_member)


READ = "messages.read"
"""The scope of a token that reads; no role lacks it, so that it is no permission."""


def in_scope(user: User, permission: str) -> bool:
    """Whether the token that acts as this user is good for it."""
    return user.scopes is None or permission in user.scopes


def _rank(user: User, member: Member | None) -> tuple[int, int]:
    rank = _RANKS[user.role]
    if rank >= _RANKS["moderator"] or member is None:
        return rank, 0
    return (rank, 0) if member.role == "member" else (_RANKS["member"], _ROOM_RANKS[member.role])
