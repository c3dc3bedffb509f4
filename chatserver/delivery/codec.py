"""How payloads become bytes for one family of clients: those of a transport, or of a plugin's gateway."""

from __future__ import annotations

from typing import Protocol


class Codec(Protocol):
    """Encodes payloads for all clients of a family, which share the one object and get the same bytes.

    What is encoded stands for itself: bytes of several payloads are joined, and a client that lags gets the joined
    bytes of only those that must not be lost.
    """

    @property
    def transport(self) -> str:
        """What the family's bytes go over, as it is called in the figures."""

    @property
    def ping(self) -> bytes:
        """What asks the other side for a sign of life; empty where nothing does, and then silence is no loss."""

    def encode(self, payload: bytes, readers: int = 1, *, secret: bool = False) -> bytes:
        """One payload, JSON, as the bytes that ``readers`` clients get; empty for what this family doesn't show.

        The length of a ``secret`` one must not depend on anything but its own length.
        """
