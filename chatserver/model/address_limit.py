"""What all who come from one address may ask for together."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from .addresses import one_client, plain_address
from .errors import Reject
from .rate_limit import RateLimiter

COSTLY_BYTES = 1024
"""So much that is sent counts as one more request."""
BURST_SECONDS = 10
"""At once it may be what is allowed in so many seconds."""


class AddressLimit:
    """``rate`` requests a second, messages and reads alike. This machine itself has no limit: what comes from there are
    its own programs, or a proxy for everyone. ``clock`` is in seconds and never goes back."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._limiter = RateLimiter(rate, rate * BURST_SECONDS, clock)

    def key(self, address: str) -> str | None:
        """As whom an address is counted; None: it is not."""
        plain = plain_address(address)
        if plain is None or ipaddress.ip_address(plain).is_loopback:
            return None
        return one_client(plain)

    def take(self, key: str | None, size: int) -> None:
        """Count a request of so many bytes. Raises `Reject` ``rate_limited``."""
        if key is None:
            return
        seconds = self._limiter.wait(key, 1 + size / COSTLY_BYTES)
        if seconds:
            told = "Too much comes from your address. Wait a moment."
            raise Reject(told, "rate_limited", retry_after=seconds)
