"""What can be appended to a room's log, and what comes of it: the contract between rooms and storage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from ..model.errors import Reject
from ..model.values import Attachment, Event, Room, RoomPosition, RoomRole, User
from ..plugins.api import Also


class Post(msgspec.Struct):
    """A new message. ``request_hash`` is of the request as sent, to tell a retry from another text."""

    user: User
    message_id: str
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
    """From somebody who need not be a member (a program that posts to a public room)."""


class Edit(msgspec.Struct):
    """A new text for a message. ``rev`` is the revision this makes; None is whatever comes next."""

    user: User
    message_id: str
    content: str
    html: str
    rev: int | None = None
    request_hash: str | None = None
    allow_non_member: bool = False
    """As in `Post`."""


class Delete(msgspec.Struct):
    """Blank a message's text, for good."""

    user: User
    message_id: str
    allow_non_member: bool = False
    """By somebody who need not be a member (who may delete anybody's)."""


class Append(msgspec.Struct):
    """A plugin's event, and the plugin's rows that go with it."""

    user: User
    type: str
    data: dict[str, Any]
    also: Sequence[Also] = ()


class CreateRoom(msgspec.Struct):
    """The first entry of a log: the room, and those in it from the start. Without ``members`` it is empty."""

    user: User
    room: Room
    members: tuple[tuple[User, RoomRole], ...] = ()


class ChangeRoom(msgspec.Struct):
    """New values for some columns of the room: title, topic, archived, history."""

    user: User
    changes: dict[str, Any]


class ChangeMember(msgspec.Struct):
    """Somebody's place in the room changes. ``joined`` and ``left`` (one's own doing) take no seq."""

    user: User
    """By whom."""
    target: User
    action: str
    """joined, left, added, removed, kicked, banned, unbanned, muted, unmuted or role."""
    reason: str = ""
    until: float = 0.0
    """When a ban or mute ends, in seconds since the epoch; 0 is never."""
    role: RoomRole = "member"


Change = Post | Edit | Delete | Append | CreateRoom | ChangeRoom | ChangeMember


class Batch(msgspec.Struct):
    """Entries of one room, to be appended in this order. ``ts`` is theirs."""

    room: str
    ts: float
    entries: list[Change]


class Committed(msgspec.Struct, frozen=True):
    """It is committed. ``event`` is None where no seq was taken. ``dup``: it had been committed before, as this."""

    position: RoomPosition
    event: Event | None = None
    dup: bool = False


Outcome = Committed | Reject | Exception
"""A `Reject` was refused by the log; any other exception is a failure of the storage."""


InCommit = Callable[[Any, Sequence[Event]], None]
"""Called with the connection and the events of a transaction before it commits (plugins' ``in_commit``)."""


class Contributor(Protocol):
    """One plugin's ``in_commit``."""

    @property
    def plugin(self) -> str: ...

    @property
    def on_error(self) -> str: ...

    def wanted(self, events: Sequence[Event], /) -> Sequence[Event]: ...

    def call(self, tx: Any, events: Sequence[Event], /) -> None: ...
