"""The presence of users. A second tab is not a second person; a reload is neither a leave nor a join."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ..model.values import Status, User

KEPT = 10_000
"""Of so many users it is remembered at most that they left invisible."""


class _Here:
    __slots__ = ("leaving", "nodes", "rooms", "sessions", "status", "user")

    def __init__(self, user: User) -> None:
        self.user = user
        self.sessions = 0
        self.status: Status = "online"
        self.rooms: dict[str, None] | None = None
        """Where it was told that they are here; None is nowhere, which costs nothing."""
        self.leaving: asyncio.TimerHandle | None = None
        self.nodes: frozenset[str] = frozenset()
        """The other processes that they are connected to."""

    @property
    def local(self) -> bool:
        """Whether they are connected to this process, or were a moment ago."""
        return self.sessions > 0 or self.leaving is not None


class Presence:
    """State by user id. ``gone(user, rooms)`` is called when the grace after the last connection is over, on each
    process; ``left(user)`` on the one that had it."""

    def __init__(
        self,
        gone: Callable[[User, Iterable[str]], None],
        grace: float,
        left: Callable[[User], None] = lambda user: None,
        text_of: Callable[[str, bool], str] = lambda user_id, visible: "",
    ) -> None:
        """``text_of(user_id, visible)`` gives the text beside a user's state, as others see it."""
        self._text_of = text_of
        self._gone = gone
        self._left = left
        self.changed: Callable[[str, bool], None] | None = None
        """Is told of a user of this process who came, left or is shown in one more room, or (True) has another
        state."""
        self._grace = grace
        self._here: dict[str, _Here] = {}
        # In the order in which they left.
        self._left_invisible: dict[str, None] = {}

    def connected(self, user: User, status: Status | None = None) -> bool:
        """One more connection; whether it is the first.

        A first one begins in ``status``, else invisible if the user left so, else online.
        """
        user = user.whole()
        here = self._here.get(user.id)
        first = here is None
        if here is None:
            here = self._here[user.id] = _Here(user)
            here.status = status or ("invisible" if user.id in self._left_invisible else "online")
            self._left_invisible.pop(user.id, None)
        if here.leaving is not None:
            here.leaving.cancel()
            here.leaving = None
        here.user = user
        here.sessions += 1
        if here.sessions == 1:
            self._tell(user.id)
        return first

    def disconnected(self, user: User) -> None:
        """One connection less. After the last one the grace begins."""
        here = self._here.get(user.id)
        if here is None:
            return
        here.sessions -= 1
        if here.sessions == 0:
            here.leaving = asyncio.get_running_loop().call_later(self._grace, self._leave, user.id)

    def _leave(self, user_id: str) -> None:
        here = self._here[user_id]
        here.leaving = None
        self._tell(user_id)
        if not here.nodes:
            self._left(here.user)
            self._forget(user_id)

    def _forget(self, user_id: str) -> None:
        here = self._here.pop(user_id)
        if here.status == "invisible":
            self._left_invisible[user_id] = None
            if len(self._left_invisible) > KEPT:
                del self._left_invisible[next(iter(self._left_invisible))]
        self._gone(here.user, here.rooms or () if here.status != "invisible" else ())

    def stop(self) -> None:
        """Forget all users; no room is told."""
        for here in self._here.values():
            if here.leaving is not None:
                here.leaving.cancel()
        self._here.clear()

    def enter(self, user: User, room: str) -> bool:
        """Note that a room is told of a user's presence. Returns whether it was not told before."""
        here = self._here.get(user.id)
        if here is None or room in (here.rooms or ()):
            return False
        if here.rooms is None:
            here.rooms = {}
        here.rooms[room] = None
        if here.local:
            self._tell(user.id)
        return True

    def _tell(self, user_id: str, state: bool = False) -> None:
        if self.changed is not None:
            self.changed(user_id, state)

    def exit(self, user: User, room: str) -> bool:
        """A user leaves a room; whether others saw them there."""
        here = self._here.get(user.id)
        if here is None or not here.rooms or room not in here.rooms:
            return False
        del here.rooms[room]
        return here.status != "invisible"

    def is_here(self, user_id: str) -> bool:
        """Whether a user is connected, or was a moment ago."""
        return user_id in self._here

    def rooms(self, user_id: str) -> Iterable[str]:
        """The rooms in which a user is present now."""
        here = self._here.get(user_id)
        return tuple(here.rooms or ()) if here else ()

    def status(self, user_id: str) -> tuple[Status, str]:
        """The state others see, and its text."""
        here = self._here.get(user_id)
        if here is None or here.status == "invisible":
            return "offline", self._text_of(user_id, False)
        return here.status, self._text_of(user_id, True)

    def own_status(self, user_id: str) -> Status:
        """The state as the user has set it; offline for one who is not here."""
        here = self._here.get(user_id)
        return here.status if here is not None else "offline"

    def is_invisible(self, user_id: str) -> bool:
        """Whether a user is here invisibly, or left so."""
        return self.own_status(user_id) == "invisible" or user_id in self._left_invisible

    def set_status(self, user: User, status: Status) -> None:
        """Change the state of a user who is here."""
        here = self._here.get(user.id)
        if here is not None and here.status != status:
            here.status = status
            self._tell(user.id, True)

    def rename(self, user: User) -> None:
        """A user has another name or role."""
        here = self._here.get(user.id)
        if here is not None:
            here.user = user.whole()

    def user(self, user_id: str) -> User | None:
        """The user, if they are here."""
        here = self._here.get(user_id)
        return here.user if here is not None else None

    def people(self) -> list[User]:
        """All users who are here."""
        return [here.user for here in self._here.values()]

    def online(self) -> int:
        """How many users are here, the invisible too."""
        return len(self._here)

    def hidden(self) -> tuple[int, int]:
        """How many users are here invisibly, and with how many connections."""
        sessions = [here.sessions for here in self._here.values() if here.status == "invisible"]
        return len(sessions), sum(sessions)

    # Other processes

    def local(self, user_id: str) -> tuple[User, Status, tuple[str, ...]] | None:
        """A user of this process with their state, as they set it, and the rooms they are shown in."""
        here = self._here.get(user_id)
        if here is None or not here.local:
            return None
        return here.user, here.status, tuple(here.rooms or ())

    def local_users(self) -> list[str]:
        """The ids of the users of this process."""
        return [user_id for user_id, here in self._here.items() if here.local]

    def here_elsewhere(self, node: str, user: User, status: Status, changed: bool) -> tuple[Status, str]:
        """A user is connected to another process; ``changed`` if the state was set just now. How others saw them
        before."""
        here = self._here.get(user.id)
        before = self.status(user.id)
        if here is None:
            here = self._here[user.id] = _Here(user)
            changed = True
        here.nodes |= {node}
        if changed:
            here.status = status
        here.user = user
        return before

    def gone_elsewhere(self, node: str, user_id: str) -> None:
        """A user is no longer connected to another process."""
        here = self._here.get(user_id)
        if here is None or node not in here.nodes:
            return
        here.nodes -= {node}
        if not here.nodes and not here.local:
            self._forget(user_id)

    def users_of(self, node: str) -> list[str]:
        """The ids of the users who are connected to another process."""
        return [user_id for user_id, here in self._here.items() if node in here.nodes]
