"""What carries a connection's bytes: the socket of a browser, a stream over HTTP, a plugin's own link."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """Carries encoded bytes to one client."""

    @property
    def writable(self) -> bool:
        """Whether what is written goes out."""

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""

    def write(self, data: bytes | memoryview, first: bytes = b"") -> None:
        """Send ``first`` and ``data``; what can't be sent at once is kept. Nothing on one that is not writable."""

    async def drained(self) -> None:
        """Wait until nothing waits to be sent, or the connection is gone."""

    def close(self, code: int, reason: str) -> None:
        """Send what waits and the reason, then end. What is written after it is not sent."""

    def abort(self) -> None:
        """End at once."""
