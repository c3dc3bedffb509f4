"""A line of the log for each refusal, with the address it went to, for people and for programs such as fail2ban."""

from __future__ import annotations

import logging
import time

from ..model.addresses import one_client
from ..model.rate_limit import RateLimiter

log = logging.getLogger("chatserver.refused")

LINES_A_SECOND, LINES_AT_ONCE = 0.5, 20


class Refusals:
    """Writes ``203.0.113.5 unauthorized POST /api/v1/login``: address, error code, and what was asked for. There are
    not more lines for one client than can be read."""

    def __init__(self) -> None:
        self._lines = RateLimiter(LINES_A_SECOND, LINES_AT_ONCE, time.monotonic)

    def note(self, address: str, code: str, what: str) -> None:
        """One more."""
        if log.isEnabledFor(logging.INFO) and not self._lines.wait(one_client(address)):
            log.info("%s %s %s", address, code, what)
