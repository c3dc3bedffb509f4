"""``hello``: who is it, what are their rooms, what did they miss."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..chat.access import without_hidden
from ..chat.after_commit import PendingHello
from ..chat.services import Services
from ..delivery.hub import EVERYBODY, user_topic
from ..delivery.session import Connection, Session
from ..model.errors import Close, Reject
from ..model.values import Event, Request, Status, User
from ..protocol import events as wire
from ..protocol import requests
from ..store import queries as reading

log = logging.getLogger(__name__)

PACE_BYTES = 64 * 1024


class HelloHandler:
    """Turns a connection into a session. ``facts(user)`` gives what ``welcome`` says about the server."""

    def __init__(self, services: Services, facts: Callable[[User], Mapping[str, Any]]) -> None:
        self._sign_in = services.sign_in
        self._accounts = services.accounts
        self._access = services.access
        self._rooms = services.rooms
        self._room_service = services.room_service
        self._store = services.store
        self._hub = services.hub
        self._presence = services.presence
        self._after_commit = services.after_commit
        self._notifier = services.notifier
        self._sizes = services.sizes
        self._facts = facts

    async def hello(
        self, connection: Connection, hello: requests.Hello, asked: Request, known: User | None = None
    ) -> Session | None:
        """Sign in, send ``welcome``, what was missed, and ``live``. ``asked`` carries the cookie, where it counts;
        ``known`` is a user who is signed in by other means.

        None when the connection was closed meanwhile. Raises `Reject` when it is refused; it may try again.
        """
        user_changes = self._after_commit.user_changes
        user, token, new = (known, None, False) if known is not None else await self._who(hello, asked)
        watch = self._after_commit.opening(user.id, user_changes)
        try:
            may_choose = hello.status is not None and await self._access.may(user, "user.status")
            user, lists = await self._facts_of(user, token, hello.name, watch)
            session = Session(user, connection, token)
            if connection.closed:
                return None
            # No await from here to the subscriptions: nothing can come between what is said and what follows.
            self._welcome(session, hello, token if new else None, lists)
            cursors = self._cursors(hello, lists.mine)
            self._enter(session, lists.mine, cursors, hello.status if may_choose else None)
        finally:
            self._after_commit.opened(user.id, watch)
        try:
            left = self._sizes.resume_all
            for name, cursor in cursors.items():
                left -= await self._catch_up(session, name, cursor, left)
        except Exception as error:
            # Welcomed already: the client comes back and resumes from what it has.
            log.error("a resume failed: %s", error, exc_info=not isinstance(error, Reject))
            self.left(session)
            connection.close(Close.RESTART, "the server failed")
            return None
        connection.send(wire.LIVE)
        return session

    async def _who(self, hello: requests.Hello, asked: Request) -> tuple[User, str | None, bool]:
        """The user, their token, and whether they are new here."""
        vouched = await self._sign_in.vouched(asked)
        if vouched is not None:
            return vouched, None, False
        token = hello.token or asked.token
        if token:
            user = await self._accounts.returning(token, hello.name)
            # Whose name went to somebody else is called otherwise now.
            self._rooms.rename(user)
            return user, token, False
        if hello.name is None:
            raise Reject("Say a name, or bring a token.", "unauthorized", field="name")
        user, token = await self._sign_in.new_guest(hello.name, asked.remote_ip)
        return user, token, True

    async def _facts_of(
        self, user: User, token: str | None, name: str | None, watch: PendingHello
    ) -> tuple[User, reading.RoomList]:
        """The user and their rooms, as they are at the end of it.

        Raises `Reject` when the session was ended, or the name went to another user, meanwhile.
        """
        while True:
            stale, watch.stale = watch.stale, False
            if stale and token is not None:
                user = await self._accounts.returning(token, name)
            lists = await self._room_service.lists(user)
            if not watch.stale:
                return user, lists

    def _welcome(
        self,
        session: Session,
        hello: requests.Hello,
        token: str | None,
        lists: reading.RoomList,
    ) -> None:
        user, rooms = session.user, self._room_service.fields(lists)
        fields = wire.welcome(hello.id, user, token, self._store.epoch, self._facts(user), rooms)
        session.connection.send(wire.encode(fields), secret=token is not None)

    def _cursors(self, hello: requests.Hello, listed: list[reading.Membership]) -> dict[str, int]:
        """The rooms to catch up with. Another epoch, or a cursor beyond the head: that log is not this one."""
        if hello.resume is None or hello.resume.epoch != self._store.epoch:
            return {}
        cursors = {}
        for entry in listed:
            cursor = hello.resume.rooms.get(entry.room.name)
            if cursor is not None and cursor < self._head(entry):
                cursors[entry.room.name] = cursor
        return cursors

    def _head(self, entry: reading.Membership) -> int:
        live = self._rooms.loaded(entry.room.name)
        return live.position.seq if live is not None else entry.position.seq

    def _enter(
        self,
        session: Session,
        listed: list[reading.Membership],
        cursors: Mapping[str, int],
        status: Status | None,
    ) -> None:
        """From here on the session counts: for its user's events, and for the rooms it need not catch up with."""
        self._hub.subscribe(session, EVERYBODY)
        self._hub.subscribe(session, user_topic(session.user.id))
        first = self._presence.connected(session.user, status)
        for entry in listed:
            name = entry.room.name
            session.rooms.add(name)
            if name not in cursors:
                self._hub.subscribe(session, name)
            self._after_commit.show(session.user, name)
        if first:
            self._notifier.notify("after_connect", session.user)

    async def _catch_up(self, session: Session, name: str, cursor: int, left: int) -> int:
        """Send what was missed in one room and go live; the number of events sent.

        Somebody who is removed meanwhile gets nothing more.
        """
        live = await self._rooms.get(name)
        if name not in session.rooms:
            return 0
        floor = await self._access.visible_after(session.user, live)
        if live.position.seq - cursor > min(self._sizes.resume_room, left) or cursor < floor:
            self._go_live(session, name)
            session.connection.send(wire.gap(name, cursor + 1, live.position.seq))
            return 0
        sent = 0
        while not session.connection.closed:
            live = await self._rooms.get(name)
            # In the same turn as this comparison: whatever is published later, the session hears live.
            if cursor >= live.position.seq:
                self._go_live(session, name)
                break
            events = await self._store.read(
                partial(reading.events_after, room=name, after=cursor, limit=self._sizes.resume_page)
            )
            if name not in session.rooms:
                break
            await self._send_paced(session, without_hidden(events, session.user, floor))
            cursor, sent = events[-1].seq, sent + len(events)
        return sent

    async def _send_paced(self, session: Session, events: Sequence[Event]) -> None:
        """Send a page, so that no more than `PACE_BYTES` wait for a slow reader."""
        waiting = 0
        for event in events:
            payload = wire.durable(event)
            session.connection.send(payload)
            waiting += len(payload)
            if waiting > PACE_BYTES:
                await session.connection.drained()
                waiting = 0
        await session.connection.drained()

    def _go_live(self, session: Session, name: str) -> None:
        # Somebody who was removed meanwhile is not let in again.
        if name in session.rooms:
            self._hub.subscribe(session, name)

    def left(self, session: Session) -> None:
        """The connection is gone."""
        for room in session.rooms:
            self._hub.drop(session, room)
        self._hub.drop(session, EVERYBODY)
        self._hub.drop(session, user_topic(session.user.id))
        self._presence.disconnected(session.user)
