"""What is read of an event that another server has encoded."""

from __future__ import annotations

import msgspec


class _Author(msgspec.Struct):
    id: str


class _Written(msgspec.Struct):
    type: str
    user: _Author | None = None


_written = msgspec.json.Decoder(_Written).decode


def author_of_message(payload: bytes) -> str | None:
    """The id of the user who wrote the message that a durable event is; None for another event."""
    event = _written(payload)
    return event.user.id if event.type == "message" and event.user is not None else None
