"""Who is here, on all servers of a cluster: each tells the others of its own users, and its own clients of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..delivery.presence import Presence
from .after_commit import AfterCommit
from .node_notes import Everyone, Here, Note, People

AT_ONCE = 500
"""So many users go into one note."""


class SharedPresence:
    """Tells what changes for users of this server, by ``send(note)``, and takes over what other servers tell."""

    def __init__(self, presence: Presence, after_commit: AfterCommit, send: Callable[[Note], None]) -> None:
        self._presence = presence
        self._after_commit = after_commit
        self._send = send
        self._changed: dict[str, bool] = {}
        presence.changed = self._note

    # Of this server

    def _note(self, user_id: str, state: bool) -> None:
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._tell_changed)
        self._changed[user_id] = state or self._changed.get(user_id, False)

    def _tell_changed(self) -> None:
        changed, self._changed = self._changed, {}
        self._tell(changed)

    def _tell(self, changed: dict[str, bool]) -> None:
        here, gone = [], []
        for user_id, state in changed.items():
            found = self._presence.local(user_id)
            if found is None:
                gone.append(user_id)
            else:
                here.append(Here(*found, changed=state))
        while here or gone:
            self._send(People(tuple(here[:AT_ONCE]), tuple(gone[:AT_ONCE])))
            here, gone = here[AT_ONCE:], gone[AT_ONCE:]

    def tell_all(self) -> None:
        """Tell the others of all users of this server."""
        users = self._presence.local_users()
        self._tell(dict.fromkeys(users, False))
        self._send(Everyone(tuple(users)))

    def local_users(self) -> list[str]:
        """The ids of the users who are connected to this server."""
        return self._presence.local_users()

    # Of others

    def count_of(self, node: str) -> int:
        """How many users are known to be connected to another server."""
        return len(self._presence.users_of(node))

    def take(self, node: str, people: People) -> None:
        """Users came, left or changed on another server."""
        for each in people.here:
            before = self._presence.here_elsewhere(node, each.user, each.status, each.changed)
            self._after_commit.tell_state(each.user, before)
            for room in each.rooms:
                self._after_commit.show(each.user, room)
        for user_id in people.gone:
            self._presence.gone_elsewhere(node, user_id)

    def take_all(self, node: str, users: Everyone) -> None:
        """No other users are connected to this server."""
        for user_id in set(self._presence.users_of(node)).difference(users.users):
            self._presence.gone_elsewhere(node, user_id)

    def lost(self, node: str) -> None:
        """Another server is gone: so are the users who were connected to it alone."""
        for user_id in self._presence.users_of(node):
            self._presence.gone_elsewhere(node, user_id)
