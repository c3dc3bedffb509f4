"""What clients may ask: one type a request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from ..model.people import STATUS_CHARS, ProfileChange
from ..model.values import RoomChange, RoomRole

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
Page = Annotated[int, Meta(ge=1, le=500)]
Language = Annotated[str, Meta(max_length=35, pattern="^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$")]
"""A tag of BCP 47, such as ``zh-Hant``."""
SEARCH_CHARS = 64
Search = Annotated[str, Meta(max_length=SEARCH_CHARS)]


class Request(Struct, tag_field="type", frozen=True):
    """Any request may carry an ``id``; its reply carries it back as ``re``."""

    id: Id | None = None


_RoomChange = msgspec.defstruct(
    "_RoomChange",
    [(each.name, each.type, each.default) for each in fields(RoomChange)],
    bases=(Request,),
    frozen=True,
    kw_only=True,
    module=__name__,
)


_ProfileChange = msgspec.defstruct(
    "_ProfileChange",
    [(each.name, each.type, each.default) for each in fields(ProfileChange)],
    bases=(Request,),
    frozen=True,
    kw_only=True,
    module=__name__,
)


class Resume(Struct, frozen=True):
    """Where a client left off: the epoch it knows, and the last seq of each room."""

    epoch: str
    rooms: dict[str, Seq] = {}


class Hello(Request, tag="hello", frozen=True):
    """The first request. A token, else the cookie, else a new guest called ``name``. ``status`` is how others see the
    user from the first connection on, ``language`` what the user reads; ``forms``: the client can show forms."""

    token: Token | None = None
    name: Name | None = None
    status: Literal["online", "away", "busy", "invisible"] | None = None
    resume: Resume | None = None
    language: Language | None = None
    forms: bool = False


class Join(Request, tag="join", frozen=True, kw_only=True):
    """Become a member of a room and follow it, from ``after`` on."""

    room: Name
    after: Seq | None = None


class Leave(Request, tag="leave", frozen=True, kw_only=True):
    """Stop being a member of a room."""

    room: Name


class Post(Request, tag="message", frozen=True, kw_only=True):
    """A message, to a ``room`` or ``to`` a user."""

    room: Name | None = None
    to: Name | None = None
    content: str = ""
    nonce: Id | None = None
    reply_to: Id | None = None
    files: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()


class Edit(Request, tag="edit", frozen=True, kw_only=True):
    """A new text for a message; ``rev`` is the revision this makes."""

    message_id: Id
    content: str
    rev: Annotated[int, Meta(ge=2, le=2**31)] | None = None


class Delete(Request, tag="delete", frozen=True, kw_only=True):
    """Blank a message's text, for good."""

    message_id: Id


class Typing(Request, tag="typing", frozen=True, kw_only=True):
    """The user starts or stops writing."""

    room: Name
    on: bool = True


class Read(Request, tag="read", frozen=True, kw_only=True):
    """Everything up to ``seq`` has been read."""

    room: Name
    seq: Seq


class SetPresence(Request, tag="presence", frozen=True, kw_only=True):
    """How others see the user; without ``text`` it stays as it is."""

    status: Literal["online", "away", "busy", "invisible"]
    text: Annotated[str, Meta(max_length=STATUS_CHARS)] | None = None


class Profile(_ProfileChange, tag="profile", frozen=True, kw_only=True):  # type: ignore[call-arg, misc, valid-type]
    """What a user says of themselves: that of ``user``, or one's own, with other values for what is given."""

    user: Name | None = None


class Block(Request, tag="block", frozen=True, kw_only=True):
    """Hear nothing of a user any more, or again."""

    user: Name
    on: bool = True


class Blocked(Request, tag="blocked", frozen=True):
    """Those whom the user has blocked."""


class Hide(Request, tag="hide", frozen=True, kw_only=True):
    """Take a direct room out of the user's list until its next message, or show it again."""

    room: Name
    on: bool = True


class Invitations(Request, tag="invitations", frozen=True):
    """The invitations into rooms that the user has not answered."""


class AnswerInvitation(Request, tag="invitation", frozen=True, kw_only=True):
    """Accept an invitation into a room, or refuse it."""

    room: Name
    accept: bool


class Sync(Request, tag="sync", frozen=True, kw_only=True):
    """A page of a room's log, every seq."""

    room: Name
    after: Seq
    limit: Page = 200


class SetRoom(_RoomChange, tag="set_room", frozen=True, kw_only=True):  # type: ignore[call-arg, misc, valid-type]
    """New values for some of a room's settings."""

    room: Name


class SetRole(Request, tag="room_role", frozen=True, kw_only=True):
    """Give a member another role in a room."""

    room: Name
    user: Name
    role: RoomRole


class Members(Request, tag="members", frozen=True, kw_only=True):
    """A page of a room's members; ``after`` is the last user id of the page before."""

    room: Name
    after: Id | None = None


class Complete(Request, tag="complete", frozen=True, kw_only=True):
    """What could stand for an ``argument`` of a command, of which so much is ``typed``."""

    command: Name
    argument: Name
    typed: Annotated[str, Meta(max_length=256)] = ""
    room: Name | None = None


class Press(Request, tag="action", frozen=True, kw_only=True):
    """The user presses a button of a plugin's below a message."""

    message_id: Id
    plugin: Name
    action: Name


class Answer(Request, tag="answer", frozen=True, kw_only=True):
    """The values of a form, by its fields' names; without them it is cancelled."""

    form: Id
    values: dict[str, str | float | bool | None] | None = None


class Rooms(Request, tag="rooms", frozen=True, kw_only=True):
    """The user's rooms, and some public ones; with ``search``, a page of the public ones alone. ``after`` is the last
    name of the page before."""

    search: Search | None = None
    after: Name | None = None


class Audit(Request, tag="audit", frozen=True, kw_only=True):
    """A page of the audit log, the newest entries first: what fits all fields that are given. ``cursor`` is the id of
    the last entry of the page before."""

    room: Name | None = None
    user: Name | None = None
    by: Name | None = None
    action: Annotated[str, Meta(max_length=64)] | None = None
    search: Search | None = None
    after: Annotated[str, Meta(max_length=40)] | None = None
    before: Annotated[str, Meta(max_length=40)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Seq | None = None


class Stats(Request, tag="stats", frozen=True):
    """The server in figures."""


class Ping(Request, tag="ping", frozen=True):
    """A sign of life, which the server answers."""


Core = (
    Hello
    | Join
    | Leave
    | Post
    | Edit
    | Delete
    | Typing
    | Read
    | SetPresence
    | Profile
    | Block
    | Blocked
    | Hide
    | Invitations
    | AnswerInvitation
    | Sync
    | SetRoom
    | SetRole
    | Members
    | Complete
    | Press
    | Answer
    | Rooms
    | Audit
    | Stats
    | Ping
)
"""Every request that needs no plugin."""


class PluginRequest(Struct, frozen=True):
    """A plugin's request: its wire type, and the fields as the plugin typed them.

    One that is not ``known`` has no fields; its plugin may have been switched off since the client heard of it.
    """

    type: str
    id: str | None
    fields: Any = None
    known: bool = True
