"""Who may do what, and who may see what of the past: asked in one place, by everybody."""

from __future__ import annotations

from ..model.errors import Reject
from ..model.permissions import Permissions
from ..model.values import Room, User
from ..plugins.hooks import HookCaller
from .room import LiveRoom


class Access:
    """The roles' table first; then every plugin may say no."""

    def __init__(self, permissions: Permissions, hooks: HookCaller) -> None:
        self.permissions = permissions
        self._hooks = hooks

    @property
    def asks(self) -> bool:
        """Whether any plugin wants to be asked."""
        return self._hooks.has("may")

    def by_role(self, user: User, permission: str, live: LiveRoom | None = None) -> bool:
        """What the roles say, the one in the room included."""
        member = live.members.get(user.id) if live is not None else None
        return self.permissions.may(user, permission, member)

    async def may(self, user: User, permission: str, live: LiveRoom | None = None) -> bool:
        """Whether ``user`` may, here."""
        if not self.by_role(user, permission, live):
            return False
        if not self.asks:
            return True
        room = live.room if live is not None else None
        return await self._hooks.veto("may", user=user, permission=permission, room=room)

    async def require(self, user: User, permission: str, live: LiveRoom | None = None) -> None:
        """Raises `Reject` ``forbidden`` unless ``user`` may."""
        if not await self.may(user, permission, live):
            raise forbidden(permission)

    def require_rank(self, by: User, target: User, live: LiveRoom) -> None:
        """Nobody acts on a higher role than theirs in this room, or on their own. Raises `Reject` ``forbidden``."""
        places = live.members.get(by.id), live.members.get(target.id)
        if by.id != target.id and not self.permissions.outranks(by, target, *places):
            raise Reject(f"You can't do this to {target.name}.", "forbidden", field="user")

    def require_readable(self, user: User, live: LiveRoom) -> None:
        """Raises `Reject` unless ``user`` may read the room at all: ``banned``, or ``not_found`` for what is hidden."""
        if user.id in live.members:
            return
        if live.room.kind != "public":
            raise hidden(live.room)
        refusal = live.refusal(user, allow_non_member=True)
        if refusal is not None and refusal.code == "banned":
            raise refusal

    async def visible_after(self, user: User, live: LiveRoom) -> int:
        """The seq behind which ``user`` may see the room's log. Raises like `require_readable`.

        Decides for history, sync, resume, single messages and files alike.
        """
        self.require_readable(user, live)
        member = live.members.get(user.id)
        if live.room.kind == "direct":
            return 0
        if live.room.history == "all" and await self.may(user, "history.read", live):
            return 0
        return member.since if member is not None else live.position.seq


def forbidden(permission: str) -> Reject:
    """The refusal for a permission that is missing."""
    return Reject(f"You may not do this here: it needs the permission {permission}.", "forbidden")


def not_member(room: Room) -> Reject:
    """The refusal for somebody who is not in a room that they would have to be in."""
    if room.kind == "public":
        return Reject("You are not in this room.", "not_member", field="room")
    return hidden(room)


def hidden(room: Room) -> Reject:
    """A room that is not for this user looks like one that isn't there."""
    return Reject(f"There is no room {room.name!r}.", "not_found", field="room")
