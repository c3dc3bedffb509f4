"""What a user may do, and what they may see of the past: decided in one place."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..accounts.blocks import Blocks
from ..accounts.sanctions import Sanctions
from ..model import errors
from ..model.errors import Reject
from ..model.permissions import NO_OVERRIDES, Overrides, Permissions
from ..model.values import Event, Member, Message, User
from ..plugins.host import PluginHost
from .room_memory import RoomMemory

_ANYONE = User("", "", "", "guest")


class Access:
    """The table of roles first; then every plugin may refuse."""

    def __init__(self, plugins: PluginHost, sanctions: Sanctions, blocks: Blocks) -> None:
        self._plugins = plugins
        self.blocks = blocks
        self.sanctions = sanctions

    @property
    def permissions(self) -> Permissions:
        """The table of now."""
        return self._plugins.current.permissions

    @property
    def asks(self) -> bool:
        """Whether a plugin implements the hook ``may``."""
        return self._plugins.current.hooks.has("may")

    def by_role(self, user: User, permission: str, live: RoomMemory | None = None) -> bool:
        """Whether the user's roles, the one in the room included, have the permission."""
        member = live.members.get(user.id) if live is not None else None
        overrides = live.room.permissions if live is not None else NO_OVERRIDES
        return self.permissions.may(user, permission, member, overrides) and not self.sanctions.is_banned(
            user
        )

    async def may(self, user: User, permission: str, live: RoomMemory | None = None) -> bool:
        """Whether ``user`` has the permission in this room, by role and by the plugins."""
        if not self.by_role(user, permission, live):
            return False
        if not self.asks:
            return True
        room = live.room if live is not None else None
        return await self._plugins.current.hooks.veto("may", user, permission, room)

    async def require(self, user: User, permission: str, live: RoomMemory | None = None) -> None:
        """Raises `Reject` ``forbidden`` unless ``user`` may."""
        if not await self.may(user, permission, live):
            raise errors.forbidden(permission)

    async def check_overrides(self, by: User, wanted: Overrides, live: RoomMemory | None) -> None:
        """Raises `Reject` for overrides of a room that name what there isn't, or allow what ``by`` lacks there. Without
        a room it is about a new one, whose owner they will be."""
        table = self.permissions
        known: Overrides = live.room.permissions if live is not None else NO_OVERRIDES
        owner = Member(by, "owner")
        for role, override in wanted.items():
            if role not in table.roles or role == "admin":
                raise Reject(
                    f"There is no role {role!r} that a room can treat in its own way.",
                    "invalid",
                    field="permissions",
                )
            for name in (*override.allow, *override.deny):
                if name not in table:
                    raise Reject(f"There is no permission {name!r}.", "invalid", field="permissions")
            before = known[role].allow if role in known else ()
            for name in set(override.allow).difference(before):
                has = table.may(by, name, owner) if live is None else await self.may(by, name, live)
                if not has:
                    raise Reject(
                        f"You can't allow what you may not do here: {name}.", "forbidden", field="permissions"
                    )

    async def check_text(self, user: User, kind: str, text: str) -> None:
        """Ask the plugins about a text that others see everywhere (hook ``before_text``). Raises `Reject`."""
        await self._plugins.check_text(user, kind, text)

    async def why(self, user: User, permission: str, live: RoomMemory | None = None) -> str:
        """Whether the user has the permission, and what decides that, for people."""
        member = live.members.get(user.id) if live is not None else None
        overrides = live.room.permissions if live is not None else NO_OVERRIDES
        allowed, reason = self.permissions.decide(user, permission, member, overrides)
        if self.sanctions.is_banned(user):
            allowed, reason = False, "the user is banned from this server"
        if allowed and not await self.may(user, permission, live):
            allowed, reason = False, "a plugin forbids it (hook may)"
        where = f" in {live.room.name}" if live is not None else ""
        roles = f"role {user.role}" + (f", {member.role} of the room" if member is not None else "")
        lines = [f"{user.name} ({roles}) {'may' if allowed else 'may not'} {permission}{where}: {reason}."]
        if live is not None and permission == "message.post":
            try:
                live.require_poster(user)
            except Reject as refusal:
                lines.append(f"Just now the room refuses it: {refusal.message}")
        return "\n".join(lines)

    def require_rank(self, by: User, target: User, live: RoomMemory) -> None:
        """Raises `Reject` ``forbidden`` unless ``target`` is ``by``, or has a lower role in this room."""
        places = live.members.get(by.id), live.members.get(target.id)
        if by.id != target.id and not self.permissions.outranks(by, target, *places):
            raise Reject(f"You can't do this to {target.name}.", "forbidden", field="user")

    def require_readable(self, user: User, live: RoomMemory) -> None:
        """Raises `Reject` unless ``user`` may read the room at all: ``banned``, or ``not_found`` for what is hidden."""
        if user.id in live.members:
            return
        if live.room.kind != "public":
            raise errors.no_room(live.room.name)
        live.require_not_banned(user)
        if not live.room.guests and user.role == "guest":
            raise errors.no_guests()

    async def visible_after(self, user: User, live: RoomMemory) -> int:
        """The seq after which ``user`` may see the room's log. Raises like `require_readable`.

        Decides for history, sync, resume, single messages and files alike.
        """
        self.require_readable(user, live)
        member = live.members.get(user.id)
        # A bot's plugin is told of every message, so its bot may read them.
        if live.room.kind == "direct" or user.bot:
            return live.floor
        if live.room.history == "all" and await self.may(user, "history.read", live):
            return live.floor
        return max(live.floor, member.since) if member is not None else live.position.seq

    def kept_from(self, live: RoomMemory, message: Message) -> list[str]:
        """The ids of the members who may not see a message, as it is from before they joined.

        Decides as `visible_after` does, but where plugins have a say it takes their no for granted: they can't be
        asked for each listener.
        """
        if live.room.kind == "direct":
            return []
        open_to_all = live.room.history == "all" and not self.asks and not live.room.permissions
        if open_to_all and self.permissions.may(_ANYONE, "history.read"):
            return []
        later = [each for each in live.members.values() if each.since >= message.seq]
        closed = live.room.history != "all" or self.asks
        return [
            each.user.id
            for each in later
            if each.user.id != message.user.id
            and (closed or not self.permissions.may(each.user, "history.read", each, live.room.permissions))
        ]


def without_hidden(events: Sequence[Event], user: User, after: int) -> list[Event]:
    """The events for a user who may see only messages after ``after``, and their own: an edit of
    another one comes without its text."""
    return [
        msgspec.structs.replace(event, message=None)
        if event.type == "edited" and event.message is not None and _is_hidden(event.message, user, after)
        else event
        for event in events
    ]


def _is_hidden(message: Message, user: User, after: int) -> bool:
    return message.seq <= after and message.user.id != user.id
