"""What can go wrong, under one name each: error codes, close codes, and the exceptions that carry them."""

from __future__ import annotations

import enum

HTTP_STATUS: dict[str, int] = {
    "bad_request": 400,
    "unknown_type": 400,
    "invalid": 400,
    "hello_required": 401,
    "unauthorized": 401,
    "forbidden": 403,
    "not_member": 403,
    "muted": 403,
    "banned": 403,
    "rejected": 403,
    "not_found": 404,
    "name_taken": 409,
    "nonce_conflict": 409,
    "rev_conflict": 409,
    "too_large": 413,
    "slow_mode": 429,
    "rate_limited": 429,
    "internal": 500,
    "plugin_failed": 503,
    "unavailable": 503,
}
"""Every error code of the wire protocol, and the HTTP status it travels under."""


class Close(enum.IntEnum):
    """WebSocket close codes (RFC 6455, section 7.4; 4000 to 4999 are the application's own).

    What a client does: reconnect and resume (GOING_AWAY, RESTART, HEARTBEAT_LOST, TOO_SLOW); wait, then resume
    (RATE, TOO_MANY); sign in again (HELLO_REQUIRED, REVOKED); stay away (BANNED, VERSION, KICKED); be mended
    (PROTOCOL_ERROR, INVALID_DATA, FRAME_TOO_LARGE).
    """

    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    INVALID_DATA = 1007
    FRAME_TOO_LARGE = 1009
    RESTART = 4000
    HELLO_REQUIRED = 4001
    REVOKED = 4003
    BANNED = 4004
    VERSION = 4006
    HEARTBEAT_LOST = 4008
    KICKED = 4010
    TOO_SLOW = 4013
    RATE = 4029
    TOO_MANY = 4030


class Reject(Exception):
    """A refusal that the person who asked gets to read. It changes nothing and closes nothing.

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


class PluginError(Exception):
    """A plugin that can't be used: not found, broken, or at odds with another. ``plugin`` is its name."""

    def __init__(self, message: str, plugin: str = "") -> None:
        super().__init__(f"plugin {plugin!r}: {message}" if plugin else message)
        self.plugin = plugin


class ConfigError(Exception):
    """A mistake in the settings, said so that its author can mend it.

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
