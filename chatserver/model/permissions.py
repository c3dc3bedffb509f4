"""Named permissions and the roles that have them. A pure table: plugins' vetoes are asked elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from .values import ROLES, Member, Role, RoleOverride, RoomRole, User

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
        "room.retention": "admin",
        "room.permissions": "admin",
        "room.unlimited": "moderator",
        "direct.start": "guest",
        "user.rename": "guest",
        "user.status": "guest",
        "user.reset": "moderator",
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

OWNERS = frozenset({"room.roles", "room.retention", "room.permissions"})
"""What the owners of a room have in it beyond what moderators have."""

_RANKS: Mapping[Role, int] = MappingProxyType({role: rank for rank, role in enumerate(ROLES)})
_ROOM_RANKS: Mapping[RoomRole, int] = MappingProxyType({"member": 0, "moderator": 1, "owner": 2})


Overrides = Mapping[str, RoleOverride]
"""What is different in one room, by role."""
NO_OVERRIDES: Overrides = MappingProxyType({})


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """A role of the admin's own, or what is added to one of the server's: it has what ``inherits`` has, and ``grants``;
    ``denies`` wins over all else, also over a role in a room."""

    inherits: Role = "member"
    grants: tuple[str, ...] = ()
    denies: tuple[str, ...] = ()


Decision = tuple[bool, str]
"""Whether it is allowed, and why, as a sentence's part."""


class Permissions:
    """The core's permissions and those in ``grants``, each with the lowest role that has it.

    ``extra`` gives a role, and every role above it, more permissions; ``roles`` has the admin's own. Raises KeyError
    for a permission that doesn't exist.
    """

    def __init__(
        self,
        grants: Mapping[str, Role] = MappingProxyType({}),
        extra: Mapping[Role, Sequence[str]] = MappingProxyType({}),
        roles: Mapping[str, Rules] = MappingProxyType({}),
    ) -> None:
        self._lowest = {name: _RANKS[role] for name, role in {**CORE, **grants}.items()}
        for role, names in extra.items():
            for name in names:
                self._lowest[name] = min(self._lowest[name], _RANKS[role])
        for name in (name for rules in roles.values() for name in (*rules.grants, *rules.denies)):
            self._lowest[name]
        rules: dict[str, Rules] = {role: Rules(inherits=role) for role in ROLES}
        for own, each in roles.items():
            rules[own] = msgspec.structs.replace(each, inherits=own) if own in _RANKS else each
        self._rules: Mapping[str, Rules] = rules
        self._denies = {role: self._denied_to(each) for role, each in rules.items()}
        self._has = {
            role: frozenset(
                name
                for name, lowest in self._lowest.items()
                if _RANKS[each.inherits] >= lowest or name in self._granted_to(each)
            )
            for role, each in rules.items()
        }

    def _granted_to(self, rules: Rules) -> frozenset[str]:
        return frozenset((*rules.grants, *self._rules[rules.inherits].grants))

    def _denied_to(self, rules: Rules) -> frozenset[str]:
        return frozenset((*rules.denies, *self._rules[rules.inherits].denies))

    def __contains__(self, permission: str) -> bool:
        return permission in self._lowest

    @property
    def roles(self) -> list[str]:
        """Every role there is: the server's, from the lowest on, then the admin's own."""
        return list(self._rules)

    def role_of(self, user: User) -> str:
        """The user's role; one that the settings no longer have is that of a member."""
        return user.role if user.role in self._rules else "member"

    def may(
        self, user: User, permission: str, member: Member | None = None, overrides: Overrides = NO_OVERRIDES
    ) -> bool:
        """Whether ``user`` has the permission; ``member`` is their place in the room in question, which has these
        ``overrides``.

        A member with a role above ``member`` in the room is at least a moderator there, an owner has `OWNERS`, too.
        False for a permission that doesn't exist.
        """
        return self.decide(user, permission, member, overrides)[0]

    def decide(
        self, user: User, permission: str, member: Member | None = None, overrides: Overrides = NO_OVERRIDES
    ) -> Decision:
        """What `may` says, and why."""
        if not in_scope(user, permission):
            return False, "the token is not good for it"
        role = user.role if user.role in self._rules else "member"
        if permission in self._denies[role]:
            return False, "the role is denied it"
        own = self._overrides(role, member, overrides) if overrides else ()
        if any(permission in each.deny for each in own):
            return False, "the room denies it to the role"
        if permission in self._has[role]:
            return True, "the role has it"
        if permission in self._lowest and any(permission in each.allow for each in own):
            return True, "the room allows it to the role"
        if member is None or member.role == "member":
            return (
                False,
                "the role doesn't have it" if permission in self._lowest else "there is no such permission",
            )
        if permission in self._has["moderator"]:
            return True, "who runs a room has it there"
        if member.role == "owner" and permission in OWNERS:
            return True, "an owner of a room has it there"
        return False, "neither the role nor the one in the room has it"

    def _overrides(self, role: str, member: Member | None, overrides: Overrides) -> Sequence[RoleOverride]:
        """Those that are about a user of a role: by the role itself, and by the one it inherits from. None of them are
        about who runs the room."""
        if member is not None and member.role != "member":
            return ()
        roles = dict.fromkeys((role, self._rules[role].inherits))
        return [overrides[name] for name in roles if name in overrides]

    def held(self, user: User) -> list[str]:
        """Every permission ``user`` has everywhere, sorted by name."""
        role = self.role_of(user)
        return sorted(name for name in self._has[role] - self._denies[role] if in_scope(user, name))

    def may_give(self, by: User, role: str) -> bool:
        """Whether the role has nothing that ``by`` lacks. True for one that there isn't: that is another mistake."""
        return role not in self._has or self._has[role] - self._denies[role] <= set(self.held(by))

    def outranks(
        self, by: User, target: User, by_member: Member | None = None, target_member: Member | None = None
    ) -> bool:
        """Whether ``by`` may act on ``target``: only a user of a strictly higher role may.

        A role of the admin's own ranks as the one it inherits from. The members are their places in the room in
        question, where there is one: its moderators stand above members of the server, its owners above them, and the
        server's moderators above both.
        """
        return self._rank(by, by_member) > self._rank(target, target_member)

    def _rank(self, user: User, member: Member | None) -> tuple[int, int]:
        rank = _RANKS[self._rules[self.role_of(user)].inherits]
        if rank >= _RANKS["moderator"] or member is None:
            return rank, 0
        return (rank, 0) if member.role == "member" else (_RANKS["member"], _ROOM_RANKS[member.role])


READ = "messages.read"
"""The scope of a token that reads; no role lacks it, so that it is no permission."""


def in_scope(user: User, permission: str) -> bool:
    """Whether the token that acts as this user is good for it."""
    return user.scopes is None or permission in user.scopes
