"""How payloads go over an HTTP stream: as Server-Sent Events, from which long polling makes a list."""

from __future__ import annotations

from collections.abc import Iterable

END = b"\n\n"
"""Ends each event. There is none inside of one, as a line break in JSON text is escaped."""

FIELD = b"data: "

PING = b":\n"
"""A comment, which no client sees as an event."""


class EventCodec:
    """An event of ``text/event-stream`` for each payload."""

    transport = "http_stream"
    ping = PING

    def encode(self, payload: bytes, readers: int = 1, *, secret: bool = False) -> bytes:
        """The payload as an event. Nothing is compressed."""
        return FIELD + payload + END


def payloads(chunks: Iterable[bytes]) -> list[bytes]:
    """The payloads of encoded events."""
    return [event[len(FIELD) :] for event in b"".join(chunks).split(END) if event]
