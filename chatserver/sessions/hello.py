"""Handles ``hello``: finds the user, the user's rooms, and the events that were missed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ..chat.services import Services
from ..delivery.local_sessions import PendingHello
from ..delivery.session import Connection, Session
from ..model import errors
from ..model.errors import Close, Reject
from ..model.permissions import READ, in_scope
from ..model.values import Request, Status, User
from ..protocol import events as wire
from ..protocol import replies, requests
from ..store import room_lists
from .resume import Resume

log = logging.getLogger(__name__)


class HelloHandler:
    """Turns a connection into a session. ``facts(user)`` gives what ``welcome`` says about the server."""

    def __init__(self, services: Services, facts: Callable[[User], Mapping[str, Any]]) -> None:
        self._sign_in = services.sign_in
        self._accounts = services.accounts
        self._access = services.access
        self._rooms = services.rooms
        self._room_lists = services.room_lists
        self._sessions = services.sessions
        self._presence = services.presence
        self._people = services.people
        self._profiles = services.profiles
        self._after_commit = services.after_commit
        self._notifier = services.notifier
        self._resume = Resume(services)
        self._facts = facts
        self._shared = services.bus.shared

    async def hello(
        self, connection: Connection, hello: requests.Hello, asked: Request, known: User | None = None
    ) -> Session | None:
        """Sign in, send ``welcome``, what was missed, and ``live``. ``asked`` carries the cookie, where it counts;
        ``known`` is a user who is signed in by other means.

        None when the connection was closed meanwhile. Raises `Reject` when it is refused; it may try again.
        """
        user_changes = self._sessions.user_changes
        user, token, new = (known, None, False) if known is not None else await self._who(hello, asked)
        self._sign_in.sanctions.refuse_banned(user)
        watch = self._sessions.opening(user.id, user_changes)
        try:
            may_choose = hello.status is not None and await self._access.may(user, "user.status")
            if not in_scope(user, READ):
                raise errors.forbidden(READ)
            user, lists = await self._facts_of(user, token, hello.name, watch)
            language = hello.language or self._profiles.of(user.id).language or None
            session = Session(user, connection, token, language=language, shows_forms=hello.forms)
            ends = await self._sign_in.ends(user, token) if token is not None else None
            if connection.closed:
                return None
            # No await from here to the subscriptions: nothing can come between what is said and what follows.
            self._welcome(session, hello, token if new else None, lists)
            cursors = self._resume.cursors(hello, lists.mine)
            self._enter(session, lists.mine, cursors, hello.status if may_choose else None)
            if ends is not None:
                self._sessions.end_at(session, ends)
            await self._people.came(session.user)
        finally:
            self._sessions.opened(user.id, watch)
        try:
            await self._resume.catch_up(session, cursors)
        except Exception as error:
            # Welcomed already: the client comes back and resumes from what it has.
            log.error("a resume failed: %s", error, exc_info=not isinstance(error, Reject))
            self.left(session)
            connection.close(Close.RESTART, "the server failed")
            return None
        connection.send(wire.LIVE)
        return session

    async def _who(self, hello: requests.Hello, asked: Request) -> tuple[User, str | None, bool]:
        """The user, the token, and whether the user is a new guest."""
        vouched = await self._sign_in.vouched(asked)
        if vouched is not None:
            return vouched, None, False
        token = hello.token or asked.token
        if token:
            user = await self._accounts.returning(token, hello.name, connecting=True)
            # A guest whose name went to another user has a new name now.
            self._rooms.rename(user)
            return user, token, False
        if hello.name is None:
            raise Reject("Say a name, or bring a token.", "unauthorized", field="name")
        user, token = await self._sign_in.new_guest(hello.name, asked)
        return user, token, True

    async def _facts_of(
        self, user: User, token: str | None, name: str | None, watch: PendingHello
    ) -> tuple[User, room_lists.RoomList]:
        """The user and their rooms, as they are at the end of it.

        Raises `Reject` when the session was ended, or the name went to another user, meanwhile.
        """
        while True:
            stale, watch.stale = watch.stale, False
            if stale:
                user = await self._sign_in.again(user, token, name)
            lists = await self._room_lists.of(user)
            if self._shared:
                # What comes next in these rooms has to be known to come next.
                await self._rooms.reach((entry.room.name, entry.position) for entry in lists.mine)
            if not watch.stale:
                return user, lists

    def _welcome(
        self,
        session: Session,
        hello: requests.Hello,
        token: str | None,
        lists: room_lists.RoomList,
    ) -> None:
        user, rooms = session.user, self._room_lists.fields(lists)
        fields = replies.welcome(hello.id, user, token, self._resume.epoch, self._facts(user), rooms)
        session.connection.send(wire.encode(fields), secret=token is not None)

    def _enter(
        self,
        session: Session,
        listed: list[room_lists.Membership],
        cursors: Mapping[str, int],
        status: Status | None,
    ) -> None:
        """From here on the session counts: for its user's events, and for the rooms it need not catch up with."""
        names = [entry.room.name for entry in listed]
        self._sessions.add(session, names, live=lambda name: name not in cursors)
        first = self._presence.connected(session.user, status)
        for name in names:
            self._after_commit.show(session.user, name)
        if first:
            self._notifier.notify("after_connect", session.user)

    def left(self, session: Session) -> None:
        """The connection is gone."""
        self._sessions.remove(session)
        self._presence.disconnected(session.user)
