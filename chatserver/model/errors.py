"""What can go wrong, under one name each: error codes, close codes, and the exceptions that carry them.

A refusal that is given in more than one place is made by one function here, so that it is the same to the byte.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from .values import Room, User

HTTP_STATUS: dict[str, int] = {
    "bad_request": 400,
    "unknown_type": 400,
    "invalid": 400,
    "hello_required": 401,
    "unauthorized": 401,
    "second_step": 401,
    "forbidden": 403,
    "not_member": 403,
    "muted": 403,
    "banned": 403,
    "rejected": 403,
    "not_found": 404,
    "outdated": 404,
    "name_taken": 409,
    "conflict": 409,
    "nonce_conflict": 409,
    "rev_conflict": 409,
    "replaced": 409,
    "too_large": 413,
    "slow_mode": 429,
    "rate_limited": 429,
    "internal": 500,
    "plugin_failed": 503,
    "unavailable": 503,
}
"""Every error code of the wire protocol, and the HTTP status it travels under."""


Then = Literal["resume", "wait", "sign in", "stay away", "repair"]
"""What a client does after a close: reconnect and resume; wait, then resume; sign in; not reconnect; not reconnect
until the client's own mistake is repaired."""


class Close(enum.IntEnum):
    """WebSocket close codes (RFC 6455, section 7.4; 4000 to 4999 are the application's own).

    ``reason`` is sent along unless there is a more exact one, ``then`` is what the client does.
    """

    reason: str
    then: Then

    def __new__(cls, code: int, reason: str, then: Then) -> Self:
        made = int.__new__(cls, code)
        made._value_ = code
        made.reason = reason
        made.then = then
        return made

    GOING_AWAY = 1001, "the page or the proxy goes away", "resume"
    PROTOCOL_ERROR = 1002, "a frame breaks RFC 6455", "repair"
    INVALID_DATA = 1007, "a text is not UTF-8, or can't be decompressed", "repair"
    FRAME_TOO_LARGE = 1009, "message too big", "repair"
    RESTART = 4000, "the server restarts", "resume"
    HELLO_REQUIRED = 4001, "hello required", "sign in"
    REVOKED = 4003, "this session has ended", "sign in"
    BANNED = 4004, "banned from this server", "stay away"
    VERSION = 4006, "this version of the protocol is not spoken here", "stay away"
    HEARTBEAT_LOST = 4008, "heartbeat lost", "resume"
    KICKED = 4010, "removed from this server", "stay away"
    TOO_SLOW = 4013, "too slow", "resume"
    RATE = 4029, "too many bad frames", "wait"
    TOO_MANY = 4030, "too many connections", "wait"


class Reject(Exception):
    """A refusal that the caller gets to read. It changes nothing and closes nothing.

    ``code`` is a key of `HTTP_STATUS`; ``field`` names the request's field at fault; ``retry_after`` is in
    seconds; ``plugin`` is filled in by the plugin host when a plugin refuses.
    """

    def __init__(
        self,
        message: str,
        code: str = "rejected",
        *,
        field: str | None = None,
        retry_after: float | None = None,
        plugin: str | None = None,
    ) -> None:
        if code not in HTTP_STATUS:
            raise ValueError(f"unknown error code {code!r}")
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field
        self.retry_after = retry_after
        self.plugin = plugin


# Rooms


def no_room(name: str) -> Reject:
    """There is no such room, or none that this user may know of: the two are not told apart."""
    return Reject(f"There is no room {name!r}.", "not_found", field="room")


def not_in_room(room: Room) -> Reject:
    """The user is not a member of a room; a hidden room gets the error of a missing one."""
    if room.kind == "public":
        return Reject("You are not in this room.", "not_member", field="room")
    return no_room(room.name)


def room_exists(name: str) -> Reject:
    """A room can't be made, as its name is taken."""
    return Reject(f"There is a room {name!r} already.", "name_taken", field="name")


def banned() -> Reject:
    """The user is kept out of the room."""
    return Reject("You are banned from this room.", "banned", field="room")


def archived() -> Reject:
    """The room takes neither messages nor members."""
    return Reject("This room is archived: it can be read only.", "forbidden", field="room")


def read_only() -> Reject:
    """Only some write in this room."""
    return Reject("Only moderators write in this room.", "forbidden", field="room")


def no_guests() -> Reject:
    """The room is for users with an account."""
    return Reject("This room is for people with an account.", "forbidden", field="room")


def slow_mode(seconds: int, wait: float) -> Reject:
    """The user has written just before, in a room with slow mode."""
    return Reject(f"Slow mode: one message in {seconds} seconds.", "slow_mode", retry_after=wait)


def last_owner(room: str) -> Reject:
    """The only owner can't leave the room to no one."""
    return Reject(
        f"You are the only owner of {room!r}: make another member an owner first.", "forbidden", field="room"
    )


def direct_room(cannot: str) -> Reject:
    """A direct room ``cannot`` do this; the text begins with a verb: ``can't be left``."""
    return Reject(f"A direct room {cannot}.", "forbidden", field="room")


def not_in_plugins_rooms(plugin: str, rooms: Collection[str]) -> Reject:
    """The settings let the plugin work in some rooms only."""
    where = ", ".join(sorted(rooms)) or "none"
    text = f"The plugin {plugin!r} works in these rooms only: {where}."
    return Reject(text, "forbidden", field="room", plugin=plugin)


# Users


def forbidden(permission: str) -> Reject:
    """A permission is missing."""
    return Reject(f"You may not do this here: it needs the permission {permission}.", "forbidden")


def name_taken() -> Reject:
    """A user's name is in use."""
    return Reject("This name, or one that looks like it, is taken.", "name_taken", field="name")


def not_a_member(target: User) -> Reject:
    """The user that a request is about is not a member of the room."""
    return Reject(f"{target.name} is not in this room.", "not_found", field="user")


# Messages


def no_message() -> Reject:
    """There is no such message, or none that this user may see."""
    return Reject("There is no such message.", "not_found", field="message_id")


def no_message_here() -> Reject:
    """The message replied to is not in this room, or not to be seen by this user."""
    return Reject("There is no such message in this room.", "invalid", field="reply_to")


def nonce_conflict() -> Reject:
    """A nonce comes with another message than before."""
    return Reject("This nonce was used for another message.", "nonce_conflict", field="nonce")


# The server


def not_json(what: str) -> Reject:
    """What came can't be read; ``what`` names it with its article."""
    return Reject(f"{what} is one JSON object.", "bad_request")


def hello_required() -> Reject:
    """A connection has not said hello."""
    return Reject("Say hello first.", "hello_required")


def unavailable() -> Reject:
    """The storage fails."""
    return Reject("The server can't store anything just now.", "unavailable", retry_after=5)


def unreadable() -> Reject:
    """The storage fails at a query."""
    return Reject("The server can't read this just now.", "unavailable", retry_after=5)


def internal() -> Reject:
    """A mistake in the server; it is in the log."""
    return Reject("Something went wrong in the server.", "internal")


class PluginError(Exception):
    """A plugin that can't be used: not found, broken, or at odds with another. ``plugin`` is its name."""

    def __init__(self, message: str, plugin: str = "") -> None:
        super().__init__(f"plugin {plugin!r}: {message}" if plugin else message)
        self.plugin = plugin


class PluginErrors(PluginError):
    """More than one mistake in plugins and their settings, all ``found`` at once: each is a line."""

    def __init__(self, found: Sequence[PluginError | ConfigError]) -> None:
        lines = "".join(f"\n  {each}" for each in found)
        super().__init__(f"{len(found)} mistakes in the plugins:{lines}")
        self.found = tuple(found)


class ConfigError(Exception):
    """A mistake in the settings, told so that its author can correct it.

    ``path`` is the key's place (``rooms[0].topic``), ``line`` counts from 1, ``suggestion`` is the nearest right
    name.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        path: str | None = None,
        expected: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.path = path
        self.expected = expected
        self.suggestion = suggestion
        super().__init__(str(self))

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        parts = [part for part in (where, self.path) if part]
        text = ": ".join([*parts, self.message])
        if self.expected:
            text += f"; expected {self.expected}"
        if self.suggestion:
            text += f'; did you mean "{self.suggestion}"?'
        return text
