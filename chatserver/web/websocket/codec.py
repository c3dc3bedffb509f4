"""The two families of WebSockets: those that get each payload as a plain frame, and those that take compressed ones."""

from __future__ import annotations

from ...model.metrics import Metrics
from .deflate import compress_frame
from .frames import PING, frame


class FrameCodec:
    """A text frame for each payload."""

    transport = "websocket"
    ping = frame(b"", PING)

    def encode(self, payload: bytes, readers: int = 1, *, secret: bool = False) -> bytes:
        """The payload as a text frame."""
        return frame(payload)


class DeflateCodec:
    """The same for peers that agreed on permessage-deflate: a frame that gets smaller by it is compressed."""

    transport = FrameCodec.transport
    ping = FrameCodec.ping

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def encode(self, payload: bytes, readers: int = 1, *, secret: bool = False) -> bytes:
        """The payload as a text frame; one that holds a secret is not compressed, as its length would tell of it."""
        whole = frame(payload)
        made = whole if secret else compress_frame(whole)
        if made is not whole:
            self._metrics.compressed += 1
            self._metrics.saved_bytes += (len(whole) - len(made)) * readers
        return made
