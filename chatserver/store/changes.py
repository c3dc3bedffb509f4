"""What can be appended to a room's log, and what comes of it: the contract between rooms and storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from ..model.errors import Reject
from ..model.plugin_parts import NO_EXTRAS, Actions, Extras
from ..model.values import (
    Attachment,
    Event,
    Member,
    Room,
    RoomPosition,
    RoomRole,
    User,
)
from ..plugins.database import AlsoWork


class Post(msgspec.Struct):
    """A new message. ``request_hash`` is of the request as sent, to tell a retry from another text."""

    user: User
    content: str
    html: str
    kind: str = "text"
    nonce: str | None = None
    request_hash: str | None = None
    reply_to: str | None = None
    attachments: tuple[Attachment, ...] = ()
    mentions: tuple[str, ...] = ()
    """Ids of the users whose names stand in the text."""
    allow_non_member: bool = False
    """The sender need not be a member (a program that posts to a public room)."""
    extras: Extras = NO_EXTRAS
    plugin: str | None = None
    """Which plugin wrote it."""
    display_name: str | None = None
    """As whom it is shown, if not as its user."""
    actions: Actions = ()
    also: AlsoWork | None = None
    """What the plugin writes along with it."""
    trace: Any = None
    """As in `Draft`."""


class Edit(msgspec.Struct):
    """A new text for a message. ``rev`` is the revision this makes; None is whatever comes next."""

    user: User
    message_id: str
    content: str
    html: str
    rev: int | None = None
    request_hash: str | None = None
    mentions: tuple[str, ...] = ()
    """As in `Post`."""
    allow_non_member: bool = False
    """As in `Post`."""
    extras: Mapping[str, Mapping[str, Any] | None] = NO_EXTRAS
    """New extras, by plugin; None removes one. Those that are not named stay."""
    erasing: bool = False
    """To erase a user: wherever it is, also where nothing is written any more."""


class Delete(msgspec.Struct):
    """Blank a message's text, for good."""

    user: User
    message_id: str
    allow_non_member: bool = False
    """The user need not be a member (a moderator, for a message of another user)."""
    erasing: bool = False
    """As in `Edit`; nothing by which it was sent stays either, and it is no entry of the audit log."""


class Append(msgspec.Struct):
    """A plugin's event, ``<plugin>:<type>``, and what the plugin writes along with it."""

    user: User
    type: str
    data: dict[str, Any]
    also: AlsoWork | None = None
    writer: User | None = None
    """It is refused where this user may not write in the room."""
    allow_non_member: bool = False
    """As in `Post`."""


class CreateRoom(msgspec.Struct):
    """The first event of a log: the room, and its first members. It is the first change of its batch."""

    user: User
    room: Room
    members: tuple[tuple[User, RoomRole], ...] = ()


class ChangeRoom(msgspec.Struct):
    """New values for some of the room's settings, by their names in `RoomSettings`."""

    user: User
    settings: dict[str, Any]


Action = Literal[
    "joined", "added", "left", "removed", "kicked", "banned", "unbanned", "muted", "unmuted", "role"
]
ENTERING: tuple[Action, ...] = ("joined", "added")
LEAVING: tuple[Action, ...] = ("left", "removed", "kicked", "banned")


class ChangeMember(msgspec.Struct):
    """A user's place in the room changes. ``joined`` and ``left`` (the user's own doing) take no seq."""

    user: User
    """By whom."""
    target: User
    action: Action
    reason: str = ""
    until: float = 0.0
    """When a ban or mute ends, in seconds since the epoch; 0 is never."""
    role: RoomRole = "member"
    """For ``role``: which one from here on."""


class Expire(msgspec.Struct):
    """Blank all messages up to ``through``, a seq, which is the room's floor from then on. It takes no seq."""

    user: User
    through: int


Change = Post | Edit | Delete | Append | CreateRoom | ChangeRoom | ChangeMember | Expire


class RoomState(msgspec.Struct):
    """All of a room that a server keeps in memory. Mutes and bans: user id → until (infinity where it has no end).

    ``released`` are the ids of members whose names have gone to other users.
    """

    room: Room
    position: RoomPosition
    members: dict[str, Member]
    mutes: dict[str, float]
    bans: dict[str, float]
    released: frozenset[str] = frozenset()
    spoke: dict[str, float] = {}
    """When members last wrote, by id, as far as slow mode asks for it."""
    floor: int = 0
    """The last seq of which nothing is kept."""


class Batch(msgspec.Struct):
    """Changes of one room, to be appended in this order. ``ts`` is theirs; ``version`` is that of the room's state
    against which they were checked (`RoomPosition`)."""

    room: str
    ts: float
    changes: list[Change]
    version: int = 0


class Contributor(Protocol):
    """One plugin's ``in_commit``."""

    @property
    def plugin(self) -> str: ...

    @property
    def on_error(self) -> str: ...

    def covers(self, room: str, /) -> bool:
        """Whether it is called for the events of a room."""

    def wanted(self, events: Sequence[Event], /) -> Sequence[Event]: ...

    def call(self, tx: Any, events: Sequence[Event], /) -> None: ...


InCommit = Callable[[Any, Sequence[Event]], Sequence[Contributor]]
"""Called with the connection and the events of a transaction before it commits (plugins' ``in_commit``); all who were
asked, or none where one failed."""


class Committed(msgspec.Struct):
    """It is committed. ``event`` is None where no seq was taken. ``dup``: it had been committed before, as this.
    ``mentioned`` are the ids of the users whom it names for the first time, ``contributors`` those whose part was
    written with it."""

    position: RoomPosition
    event: Event | None = None
    dup: bool = False
    mentioned: tuple[str, ...] = ()
    contributors: Sequence[Contributor] = ()


class StaleRoom(Exception):
    """The change was checked against a state of the room that is not that of now: check it again.

    ``state`` is the room's `RoomState` of now.
    """

    def __init__(self, state: RoomState) -> None:
        super().__init__(f"the room {state.room.name!r} was changed elsewhere")
        self.state = state


Outcome = Committed | Reject | Exception
"""A `Reject` was refused by the log, `StaleRoom` has to be checked again; any other exception is a failure of the
storage."""
