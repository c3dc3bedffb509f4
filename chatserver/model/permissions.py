"""Named permissions and the roles that have them. A pure table: plugins' vetoes are asked elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .values import ROLES, Member, Role, User

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

_RANKS: Mapping[Role, int] = MappingProxyType({role: rank for rank, role in enumerate(ROLES)})


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

        A member with a role above ``member`` in the room is at least a moderator there.
        False for a permission that doesn't exist.
        """
        lowest = self._lowest.get(permission)
        if lowest is None or not in_scope(user, permission):
            return False
        return _rank(user, member) >= lowest

    def held(self, user: User) -> list[str]:
        """Every permission ``user`` has everywhere, sorted by name."""
        held = self._held[user.role]
        return held if user.scopes is None else [name for name in held if name in user.scopes]

    def outranks(
        self, by: User, target: User, by_member: Member | None = None, target_member: Member | None = None
    ) -> bool:
        """Whether ``by`` may act on ``target``: only a user of a strictly higher role may.

        The members are their places in the room in question, where there is one.
        """
        return _rank(by, by_member) > _rank(target, target_member)


READ = "messages.read"
"""The scope of a token that reads; no role lacks it, so that it is no permission."""


def in_scope(user: User, permission: str) -> bool:
    """Whether the token that acts as this user is good for it."""
    return user.scopes is None or permission in user.scopes


def _rank(user: User, member: Member | None) -> int:
    rank = _RANKS[user.role]
    if member is not None and member.role != "member":
        return max(rank, _RANKS["moderator"])
    return rank
