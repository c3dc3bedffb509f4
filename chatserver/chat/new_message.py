"""A message to be posted: over a WebSocket, over HTTP or by a plugin."""

from __future__ import annotations

import hashlib

import msgspec

from ..model.plugin_parts import NO_EXTRAS, Actions, Extras
from ..plugins.database import AlsoWork


class Via(msgspec.Struct, frozen=True):
    """How a message comes, and what follows from it."""

    allow_non_member: bool = False
    """The sender need not be a member of a public room."""
    rate_limited: bool = True
    """It counts for the sender's rate limit."""
    commands: bool = True
    """A leading slash means a command, and two of them a literal one."""


BY_SESSION = Via()
BY_HTTP = Via(allow_non_member=True)
BY_PLUGIN = Via(rate_limited=False, commands=False)
"""The command or request that led a plugin to post has counted already."""
BY_BOT = Via(allow_non_member=True, rate_limited=False, commands=False)


class NewMessage(msgspec.Struct, frozen=True):
    """What is posted to ``room``; ``files`` are ids of uploads, ``nonce`` is the client's own id of the message.
    ``plugin``, ``display_name`` and ``actions`` are those of a `Message`; ``also`` writes in its transaction."""

    room: str
    content: str
    nonce: str | None = None
    reply_to: str | None = None
    files: tuple[str, ...] = ()
    kind: str = "text"
    via: Via = BY_SESSION
    extras: Extras = NO_EXTRAS
    plugin: str | None = None
    display_name: str | None = None
    actions: Actions = ()
    also: AlsoWork | None = None

    @property
    def request_hash(self) -> str | None:
        """What was asked, to tell a retry from another message with the same nonce; None without a nonce."""
        if self.nonce is None:
            return None
        return content_hash([self.content, self.reply_to, self.files])


def content_hash(asked: object) -> str:
    """A hash of what was asked, to tell a retry from another request."""
    return hashlib.blake2b(msgspec.json.encode(asked), digest_size=16).hexdigest()
