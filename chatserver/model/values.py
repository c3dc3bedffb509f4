"""The values that everything passes around. Frozen, without I/O and without a clock.

Times are floats, seconds since the epoch (UTC); the protocol turns them into ISO 8601.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import fields

from . import nested_json
from .plugin_parts import NO_EXTRAS, Actions, Extras, extra

Role = Literal["guest", "member", "moderator", "admin"]
RoomRole = Literal["member", "moderator", "owner"]
Kind = Literal["public", "private", "direct"]
History = Literal["all", "joined"]
Status = Literal["online", "away", "busy", "invisible", "offline"]
AccountState = Literal["active", "waiting", "disabled"]
"""Waiting: registered, and to be approved by an admin. Only an active one can be signed in to."""

ROLES: tuple[Role, ...] = ("guest", "member", "moderator", "admin")


class User(msgspec.Struct, frozen=True):
    """A user: the ``id`` never changes, the names and the ``role`` (a `Role`, or one of the admin's own) may. A ``bot``
    belongs to a plugin."""

    id: str
    name: str
    display_name: str
    role: str = "guest"
    bot: bool = False
    avatar: str | None = None
    """The address of the picture that is shown of the user, on this server."""
    scopes: frozenset[str] | None = None
    """The only permissions of the token that acts as this user; None: all that the user has. Not kept."""

    def whole(self) -> User:
        """The user without the limits of a token, as others see and keep one."""
        return self if self.scopes is None else msgspec.structs.replace(self, scopes=None)

    def public(self) -> dict[str, Any]:
        """The user as other people's clients see one."""
        fields: dict[str, Any] = {"id": self.id, "name": self.name, "display_name": self.display_name}
        if self.bot:
            fields["bot"] = True
        if self.role == "guest":
            fields["guest"] = True
        if self.avatar is not None:
            fields["avatar"] = self.avatar
        return fields


Line = Annotated[str, msgspec.Meta(max_length=4096)]
"""A text on one line. How long it may really be is decided by what it is for."""


PermissionNames = Annotated[
    tuple[Annotated[str, msgspec.Meta(max_length=100)], ...], msgspec.Meta(max_length=100)
]


class RoleOverride(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What those of one role of the server may do in a room beside what they may elsewhere, and what they may not."""

    allow: PermissionNames = ()
    deny: PermissionNames = ()


class RoomSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What can be set of a room. A new setting is a line here: the store, the wire, the HTTP API and plugins take
    this type whole."""

    title: Line = ""
    topic: Line = ""
    kind: Kind = "public"
    history: History = "all"
    archived: bool = False
    unlisted: bool = False
    """Not in any list of rooms; who knows its name can join."""
    read_only: bool = False
    """Only those with ``room.announce`` write."""
    slow_mode: Annotated[int, msgspec.Meta(ge=0, le=21600)] = 0
    """The least seconds between two messages of a member; 0: none."""
    guests: bool = True
    """Whether guests take part."""
    notify: Literal["all", "mentions", "none"] = "all"
    """What members are notified of unless they choose otherwise."""
    keep_days: Annotated[int, msgspec.Meta(ge=0, le=36500)] = 0
    """After so many days messages are blanked; 0: as the server's settings say."""
    permissions: Annotated[Mapping[str, RoleOverride], msgspec.Meta(max_length=50)] = {}
    """By role of the server; none of it is about those who run the room. What is denied wins."""


RoomChange = msgspec.defstruct(
    "RoomChange",
    [(field.name, field.type | None, None) for field in fields(RoomSettings) if field.name != "kind"],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    module=__name__,
)
"""New values for some of a room's settings: all but ``kind``, which stays. None leaves a value alone."""


class Room(RoomSettings, frozen=True):
    """A room: its settings, and its ``name``, which never changes."""

    name: str


class RoomPosition(msgspec.Struct, frozen=True):
    """How far a room has come: the last ``seq`` of its log, how many messages were ever posted to it (for unread
    counts), and the ``version`` of its settings, members and sanctions."""

    seq: int = 0
    messages: int = 0
    version: int = 0


class Member(msgspec.Struct, frozen=True):
    """One person's place in one room. ``since`` is the head at which they were added: with ``history: joined``
    they see what came after."""

    user: User
    role: RoomRole = "member"
    since: int = 0


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file as a message shows it. ``url`` is relative to the server; ``inline`` is safe to show in a page;
    ``width`` and ``height`` are in pixels, where known; ``preview`` is where a smaller picture of it is."""

    id: str
    name: str
    size: int
    mime: str
    url: str
    inline: bool = False
    width: int | None = None
    height: int | None = None
    preview: str | None = None


_JSON_FIELDS = frozenset({"extras", "new_extra", "actions"})


class Draft(msgspec.Struct, frozen=True):
    """A message on its way in. Hooks return a changed copy: ``draft.replace(content="…")``.

    ``html`` is None until a ``render`` hook gives one; what stays None is shown as escaped text. ``files`` are the
    ids the sender named; ``attachments`` is what a plugin made of them. ``edits`` is the id of the message that
    this text would replace. ``extras`` is what plugins keep with the message. ``plugin`` is the one that posts it,
    None for what people write; ``display_name`` and ``actions`` are those of a `Message`.
    """

    user: User
    room: Room
    content: str
    kind: str = "text"
    html: str | None = None
    reply_to: str | None = None
    files: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    edits: str | None = None
    extras: Extras = NO_EXTRAS
    plugin: str | None = None
    display_name: str | None = None
    actions: Actions = ()
    mentions: tuple[str, ...] = ()
    """The ids of users that plugins let it mention, beside those that it names; only members of the room count."""
    new_extra: Mapping[str, Any] | UnsetType | None = UNSET
    """What the plugin whose hook is called makes of its extra. The server puts it into ``extras``."""
    trace: Any = None
    """Where the server notes what plugins do with it, if it does."""

    def replace(self, **changes: Any) -> Draft:
        """A copy with these fields changed. Raises TypeError and ValueError for what JSON can't hold."""
        for name in _JSON_FIELDS.intersection(changes):
            given = changes[name]
            if given is not UNSET:
                nested_json.encode(dict(given) if isinstance(given, Mapping) else given)
        return msgspec.structs.replace(self, **changes)

    def with_extra(self, value: Mapping[str, Any] | None) -> Draft:
        """A copy with another extra of the plugin whose hook returns it; None removes it. Raises like `extra`."""
        return msgspec.structs.replace(self, new_extra=None if value is None else extra(value))

    def answered_by(self, plugin: str) -> Draft:
        """The draft that a hook of ``plugin`` returned, with its extra in its place."""
        value = self.new_extra
        if value is UNSET:
            return self
        kept = {name: other for name, other in self.extras.items() if name != plugin}
        extras = kept if value is None else {**kept, plugin: value}
        return msgspec.structs.replace(self, extras=extras, new_extra=UNSET)


class Message(msgspec.Struct, frozen=True):
    """A message as it is now. ``seq`` is where it stands in its room; ``rev`` counts its edits from 1; a deleted
    one keeps its place and has empty ``content`` and ``html``. ``extras`` is what plugins keep with it, by their
    names. ``plugin`` is the one that wrote it, ``display_name`` as whom it is shown if not as its user, ``actions`` are
    the buttons below it."""

    id: str
    room: str
    seq: int
    ts: float
    user: User
    content: str
    html: str
    kind: str = "text"
    rev: int = 1
    nonce: str | None = None
    reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()
    edited_at: float | None = None
    deleted: bool = False
    extras: Extras = NO_EXTRAS
    plugin: str | None = None
    display_name: str | None = None
    actions: Actions = ()


EVENT_TYPES = ("message", "edited", "deleted", "room", "member")
"""The types of the core's durable events."""


class Event(msgspec.Struct, frozen=True):
    """One entry of a room's log.

    ``type`` is ``message``, ``edited``, ``deleted``, ``room``, ``member`` or a plugin's ``name:type``. ``message``
    is the message of now, for the first two types and for a plugin's event that is about one. ``data`` holds the other
    fields as they go on the wire.
    """

    room: str
    seq: int
    type: str
    ts: float
    user: User
    message_id: str | None = None
    message: Message | None = None
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    before: Message | None = None
    """For ``in_commit`` alone, of ``edited`` and ``deleted``: the message as it was, for plugins that keep what is made
    of its text."""


class Upload(msgspec.Struct, frozen=True):
    """A file that is being sent: who, where to, what it calls itself. ``size`` is in bytes, as announced."""

    user: User
    room: Room
    name: str
    size: int
    mime: str


class Request(msgspec.Struct, frozen=True):
    """What is known of a connection before a user is signed in. ``headers`` have lower-case names."""

    remote_ip: str
    token: str | None = None
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    code: str | None = None
    """What a user has entered beside the password, where a plugin asked for it."""
