"""From a session's request to the use case, and from there to the reply."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..chat.listing import listing
from ..chat.new_message import NewMessage
from ..chat.rooms import direct_room
from ..chat.run_command import is_command
from ..chat.services import Services
from ..delivery.session import Session
from ..model import errors
from ..model.errors import Reject
from ..model.names import room_key
from ..model.people import ProfileChange
from ..model.rate_limit import moves
from ..model.values import RoomChange, User
from ..protocol import events as wire
from ..protocol import replies, requests
from ..store import Committed
from .plugin_requests import PluginRequests

log = logging.getLogger(__name__)

OUTSTANDING = 64
JOIN_EVENTS = 500

_NOTICED = (
    requests.Join
    | requests.Leave
    | requests.Press
    | requests.SetRoom
    | requests.SetRole
    | requests.AnswerInvitation
)
"""What others notice."""

Fields = Mapping[str, Any] | None


class SessionReply:
    """Answers a session's message: ``ok`` for one that asked for an answer, and every error."""

    __slots__ = ("_re", "_session")

    def __init__(self, session: Session, re: str | None) -> None:
        self._session = session
        self._re = re
        session.began()

    def committed(self, done: Committed) -> None:
        session, event = self._session, done.event
        session.ended()
        if event is not None and self._re is not None:
            session.connection.send(replies.acknowledged(self._re, event, done.dup))

    def refused(self, refusal: Reject) -> None:
        self._session.ended()
        self._session.error(self._re, refusal)


class RequestHandler:
    """Answers requests of sessions. ``stats()`` gives the server's figures."""

    def __init__(
        self,
        services: Services,
        plugins: PluginRequests,
        stats: Callable[[], Awaitable[dict[str, Any]]],
    ) -> None:
        self._messages = services.messages
        self._rooms = services.room_service
        self._room_lists = services.room_lists
        self._log = services.room_log
        self._consent = services.consent
        self._people = services.people
        self._profiles = services.profile_changes
        self._audit = services.audit
        self._commands = services.commands
        self._presser = services.presser
        self._dialogs = services.dialogs
        self._plugins = plugins
        self._accounts = services.accounts
        self._message_limiter = services.message_limiter
        self._limiter = services.request_limiter
        self._stats = stats

    def handle(
        self, session: Session, request: requests.Core | requests.PluginRequest
    ) -> Awaitable[None] | None:
        """Let a request take effect. What is returned has to be awaited before the session's next request."""
        if isinstance(request, requests.Post):
            return self._post(session, request)
        return self._answer(session, request)

    # Messages: answered when they are committed, so that many can be under way

    def _post(self, session: Session, request: requests.Post) -> Awaitable[None] | None:
        if request.to is not None or request.room is None or is_command(request.content):
            return self._post_elsewhere(session, request)
        reply = SessionReply(session, request.id)
        message = _message(request.room, request)
        try:
            waiting = self._messages.post(session.user, message, reply)
        except Exception:
            log.exception("a message could not be handled")
            reply.refused(errors.internal())
            return None
        if waiting is not None:
            return self._guarded(session, reply, waiting)
        return session.answered(OUTSTANDING - 1) if session.outstanding >= OUTSTANDING else None

    async def _guarded(self, session: Session, reply: SessionReply, waiting: Awaitable[None]) -> None:
        """Plugins run on the way: what they fail with must not end the connection unanswered."""
        try:
            await waiting
        except Reject as refusal:
            reply.refused(refusal)
        except Exception:
            log.exception("a message could not be handled")
            reply.refused(errors.internal())
        await session.answered(OUTSTANDING - 1)

    async def _post_elsewhere(self, session: Session, request: requests.Post) -> None:
        """A command, or a message to a user rather than to a room."""
        if is_command(request.content):
            await session.answered()
            await self._answer(session, request)
            return
        if request.to is None:
            session.error(request.id, Reject("Say room, or to.", "invalid", field="room"))
            return
        if request.room is not None:
            session.error(request.id, Reject("Say room or to, not both.", "invalid", field="to"))
            return
        reply = SessionReply(session, request.id)
        await self._guarded(session, reply, self._post_to(session, request.to, request, reply))

    async def _post_to(self, session: Session, to: str, request: requests.Post, reply: SessionReply) -> None:
        other = await self._accounts.find(to)
        message = _message(direct_room(session.user, other).name, request)
        await self._messages.post_direct(session.user, other, message, reply)

    # All else: answered before the next one is read

    async def _answer(self, session: Session, request: requests.Core | requests.PluginRequest) -> None:
        await session.answered()
        try:
            fields = await self._run_limited(session, request)
        except Reject as reject:
            session.error(request.id, reject)
        except Exception:
            log.exception("a request of type %s could not be handled", type(request).__name__)
            session.error(request.id, errors.internal())
        else:
            session.ok(request.id, fields or {})

    async def _run_limited(self, session: Session, request: requests.Core | requests.PluginRequest) -> Fields:
        """What others notice is limited like messages, though not counted with them; all else more widely."""
        if isinstance(request, _NOTICED):
            self._message_limiter.take(moves(session.user))
        else:
            self._limiter.take(session.user.id)
        return await self._run(session, request)

    async def _run(self, session: Session, request: requests.Core | requests.PluginRequest) -> Fields:
        user = session.user
        match request:
            case requests.Post():
                return await self._command(session, request)
            case requests.PluginRequest():
                return await self._plugins.answer(session, request)
            case requests.Hello():
                raise Reject("You have said hello already.", "bad_request", field="type")
            case requests.Join():
                return await self._join(session, request)
            case requests.Leave():
                await self._rooms.leave(user, request.room)
            case requests.Edit():
                done = await self._messages.edit(user, request.message_id, request.content, request.rev)
                return replies.acknowledgement(done.event, done.dup) if done.event else {}
            case requests.Delete():
                done = await self._messages.delete(user, request.message_id)
                return {"seq": done.event.seq} if done.event else {}
            case requests.Typing():
                await self._people.typing(user, request.room, request.on)
            case requests.Read():
                await self._people.read(user, request.room, request.seq)
            case requests.SetPresence():
                await self._people.set_status(user, request.status, request.text)
            case requests.Block():
                await self._people.block(user, await self._accounts.find(str(request.user)), request.on)
            case requests.Blocked():
                return {"users": [each.public() for each in await self._people.blocked(user)]}
            case requests.Hide():
                await self._rooms.hide(user, request.room, request.on)
            case requests.Invitations():
                return {
                    "invitations": [wire.invitation_fields(one) for one in await self._consent.waiting(user)]
                }
            case requests.AnswerInvitation():
                await self._rooms.answer(user, request.room, request.accept)
            case requests.Sync():
                live = await self._rooms.readable(user, request.room)
                events, more = await self._log.after(user, live, request.after, request.limit)
                return replies.page(events, more)
            case requests.SetRoom():
                values = {name: getattr(request, name) for name in RoomChange.__struct_fields__}
                live = await self._rooms.change(user, request.room, values)
                return {"seq": live.position.seq}
            case requests.SetRole():
                target = await self._accounts.find(str(request.user))
                return {"seq": await self._rooms.set_role(user, request.room, target, request.role)}
            case requests.Members():
                live = await self._rooms.readable(user, request.room)
                return replies.members(*self._room_lists.members(live, request.after))
            case requests.Complete():
                suggested = await self._commands.suggest(
                    user, request.room, request.command, request.argument, request.typed, session
                )
                return {"choices": suggested}
            case requests.Press():
                pressed = request.message_id, request.plugin, request.action
                self._tell(session, *await self._presser.press(user, *pressed, session))
            case requests.Answer():
                self._tell(session, *await self._dialogs.answer(user, request.form, request.values))
            case requests.Rooms(search=None):
                return {"rooms": await self.room_list(session)}
            case requests.Rooms(search=str(search)):
                rooms, more = await self._room_lists.directory(search, request.after, session.user)
                return {"rooms": rooms, "more": more}
            case requests.Audit():
                entries, more = await self._audit.page(user, request)
                return {"entries": [replies.audit_fields(each) for each in entries], "more": more}
            case requests.Stats():
                return await self._stats()
            case requests.Ping():
                pass
            case requests.Profile():
                return {"user": await self._profile(user, request)}
        return None

    async def _profile(self, user: User, request: requests.Profile) -> dict[str, Any]:
        values = {name: getattr(request, name) for name in ProfileChange.__struct_fields__}
        target = await self._accounts.find(str(request.user or user.id))
        if any(value is not None for value in values.values()):
            if target.id != user.id:
                raise Reject("You change your own profile alone.", "forbidden", field="user")
            target = await self._profiles.change(user, ProfileChange(**values))
        shown = self._profiles.shown(target, user)
        return replies.own_profile_fields(shown) if target.id == user.id else replies.profile_fields(shown)

    async def _command(self, session: Session, request: requests.Post) -> Fields:
        said = await self._commands.run(session.user, _message(request.room or "", request), session)
        self._tell(session, said, room_key(request.room) if request.room is not None else None)
        return None

    def _tell(self, session: Session, said: str | None, room: str | None) -> None:
        """What a plugin has to say to its caller alone."""
        if said:
            session.connection.send(wire.notice(said, room, "info"))

    async def room_list(self, session: Session) -> list[dict[str, Any]]:
        """The session's rooms, and the public ones."""
        return self._room_lists.fields(await self._room_lists.of(session.user))

    async def _join(self, session: Session, request: requests.Join) -> Fields:
        user = session.user
        live = await self._rooms.join(user, request.room)
        gap = request.after is not None and live.position.seq - request.after > JOIN_EVENTS
        if request.after is not None and not gap:
            events, more = await self._log.after(user, live, request.after, JOIN_EVENTS)
        else:
            events, more = await self._log.backlog(user, live)
        members = replies.members(*self._room_lists.members(live))
        return replies.joined_room(listing(live, user), members, replies.page(events, more), gap)


def _message(room: str, request: requests.Post) -> NewMessage:
    return NewMessage(room, request.content, request.nonce, request.reply_to, request.files)
