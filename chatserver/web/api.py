"""Rooms and messages over HTTP: the same rules, permissions and codes as over the WebSocket."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct
from msgspec.structs import asdict

from ..chat.listing import listing
from ..chat.new_message import BY_HTTP, NewMessage
from ..chat.run_command import is_command
from ..model.errors import Reject
from ..model.values import RoomChange, RoomRole, RoomSettings
from ..protocol import replies
from ..protocol.requests import SEARCH_CHARS
from .endpoint import endpoint
from .forms import Seq, Short
from .handler import Handler

PAGE = 200


class NewRoom(RoomSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A room to make."""

    name: Short


class Invitation(Struct, forbid_unknown_fields=True):
    """Whom to add: a name or an id."""

    user: Short


class RoleForm(Struct, forbid_unknown_fields=True):
    """The role of a member in a room."""

    role: RoomRole


class MessageForm(Struct, forbid_unknown_fields=True):
    """A message; its nonce travels as the header Idempotency-Key."""

    content: str = ""
    reply_to: Short | None = None
    files: Annotated[tuple[Short, ...], Meta(max_length=20)] = ()


class MessageEdit(Struct, forbid_unknown_fields=True):
    """A new text; ``rev`` is the revision this makes."""

    content: str
    rev: int | None = None


class RoomSearch(Struct):
    """Words of a name or title, and the name after which the page begins."""

    search: Annotated[str, Meta(max_length=SEARCH_CHARS)] | None = None
    after: Short | None = None


class After(Struct):
    """The name after which the page begins."""

    after: Short | None = None


class Page(Struct):
    """How many events of a room, and from where."""

    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50
    before: Seq | None = None
    after: Seq | None = None
    around: Seq | None = None


class RoomList(Handler):
    """GET and POST /api/v1/rooms"""

    @endpoint(query=RoomSearch)
    async def get(self) -> None:
        """The rooms one is in; with a search, those that one may join."""
        user = await self.require_user()
        lists = self.services.room_lists
        query = self.query(RoomSearch)
        if query.search is None:
            return self.reply({"rooms": lists.fields(await lists.of(user))})
        rooms, more = await lists.directory(query.search, query.after, user)
        return self.reply({"rooms": rooms, "more": more})

    @endpoint(body=NewRoom, status=201)
    async def post(self) -> None:
        """Make a room."""
        user = await self.require_writer()
        form = self.body(NewRoom)
        settings = {key: value for key, value in asdict(form).items() if key != "name"}
        live = await self.services.room_service.create(user, form.name, settings)
        self.reply({"room": listing(live, user)}, 201)


class OneRoom(Handler):
    """GET and PATCH /api/v1/rooms/{room}"""

    @endpoint()
    async def get(self, name: str) -> None:
        """A room."""
        user = await self.require_user()
        live = await self.services.room_service.readable(user, name)
        self.reply({"room": listing(live, user)})

    @endpoint(body=RoomChange)
    async def patch(self, name: str) -> None:
        """Change the settings of a room."""
        user = await self.require_writer()
        live = await self.services.room_service.change(user, name, asdict(self.body(RoomChange)))
        self.reply({"room": listing(live, user)})


class RoomMembers(Handler):
    """GET and POST /api/v1/rooms/{room}/members"""

    @endpoint(query=After)
    async def get(self, name: str) -> None:
        """The members of a room, by pages."""
        user = await self.require_user()
        live = await self.services.room_service.readable(user, name)
        after = self.query(After).after
        self.reply(replies.members(*self.services.room_lists.members(live, after)))

    @endpoint(body=Invitation, status=201)
    async def post(self, name: str) -> None:
        """Add a member; with oneself, join."""
        user = await self.require_writer()
        target = await self.services.accounts.find(self.body(Invitation).user)
        if target.id == user.id:
            await self.services.room_service.join(user, name)
        elif not await self.services.room_service.invite(user, name, target):
            self.reply({"asked": True}, 202)
            return
        self.reply({}, 201)


class RoomMember(Handler):
    """PATCH and DELETE /api/v1/rooms/{room}/members/{user}"""

    @endpoint(body=RoleForm)
    async def patch(self, name: str, who: str) -> None:
        """Set the role of a member."""
        user = await self.require_writer()
        target = await self.services.accounts.find(who)
        seq = await self.services.room_service.set_role(user, name, target, self.body(RoleForm).role)
        self.reply({"seq": seq})

    @endpoint()
    async def delete(self, name: str, who: str) -> None:
        """Remove a member; with oneself, leave."""
        user = await self.require_writer()
        target = await self.services.accounts.find(who)
        if target.id == user.id:
            await self.services.room_service.leave(user, name)
        else:
            await self.services.room_service.remove(user, name, target)
        self.reply({})


class RoomMessages(Handler):
    """GET and POST /api/v1/rooms/{room}/messages"""

    @endpoint(query=Page)
    async def get(self, name: str) -> None:
        """What was said in a room, by pages."""
        user = await self.require_user()
        live = await self.services.room_service.readable(user, name)
        query = self.query(Page)
        where = {"before": query.before, "after": query.after, "around": query.around}
        if sum(value is not None for value in where.values()) > 1:
            raise Reject("Say one of before, after and around.", "invalid", field="before")
        events, more = await self.services.room_log.timeline(user, live, query.limit, **where)
        self.reply(replies.page(events, more))

    @endpoint(body=MessageForm, headers=("Idempotency-Key",), status=201)
    async def post(self, name: str) -> None:
        """Post a message, or a command."""
        user = await self.require_user()
        form = self.body(MessageForm)
        nonce = self.request.headers.get("Idempotency-Key")
        if nonce is not None and not 0 < len(nonce) <= 64:
            raise Reject("Idempotency-Key: 1 to 64 characters.", "invalid", field="nonce")
        message = NewMessage(name, form.content, nonce, form.reply_to, form.files, via=BY_HTTP)
        if is_command(form.content):
            said = await self.services.commands.run(user, message, None)
            self.reply({"notice": said} if said else {})
            return
        done = await self.services.messages.post_and_wait(user, message)
        assert done.event is not None
        self.reply(replies.acknowledgement(done.event, done.dup), 200 if done.dup else 201)


class OneMessage(Handler):
    """PATCH and DELETE /api/v1/messages/{id}"""

    @endpoint(body=MessageEdit)
    async def patch(self, message_id: str) -> None:
        """Edit a message."""
        user = await self.require_user()
        form = self.body(MessageEdit)
        done = await self.services.messages.edit(
            user, message_id, form.content, form.rev, allow_non_member=True
        )
        self.reply(replies.acknowledgement(done.event, done.dup) if done.event else {})

    @endpoint()
    async def delete(self, message_id: str) -> None:
        """Delete a message."""
        user = await self.require_user()
        done = await self.services.messages.delete(user, message_id, allow_non_member=True)
        self.reply({"seq": done.event.seq} if done.event else {})


class Stats(Handler):
    """GET /api/v1/stats"""

    @endpoint(anonymous=True)
    async def get(self) -> None:
        """Figures of the server."""
        self.reply(await self.site.context.info.stats.get())


class Healthy(Handler):
    """GET /healthz: the process answers, to the end of a stop."""

    answers_while_stopping = True
    answers_any_host = True

    @endpoint(anonymous=True)
    def get(self) -> None:
        """Whether the process answers."""
        self.reply({"status": "ok"})


class Ready(Handler):
    """GET /readyz: storage and plugins work too, and the server is not stopping."""

    answers_any_host = True

    @endpoint(anonymous=True)
    async def get(self) -> None:
        """Whether storage and plugins work."""
        problems: dict[str, Any] = await self.site.context.info.health()
        node = self.services.bus.node
        told = {
            "status": "failing" if problems else "ok",
            "problems": problems,
            **({"node": node} if node else {}),
        }
        self.reply(told, 503 if problems else 200)
