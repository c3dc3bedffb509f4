"""The server's own certificate, which is read anew when its files change."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from ..config import Tls
from ..model.errors import ConfigError

log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]


class Certificate:
    """Raises ConfigError for files that can't be used. New connections get what ``context`` has."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._seen = self._stamps()
        self.context = self._load(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))

    def refresh(self) -> None:
        """Take over other files, as a renewal writes them. What can't be used is logged, and what was there stays."""
        found = self._stamps()
        if found == self._seen or None in found:
            return
        self._seen = found
        try:
            # Between the writing of the two files they don't belong together: that must not reach the one in use.
            self._load(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
            self._load(self.context)
        except ConfigError as error:
            log.warning("the certificate of before goes on: %s", error)
        else:
            log.info("the certificate was read anew: %s", self._tls.cert)

    def _load(self, context: ssl.SSLContext) -> ssl.SSLContext:
        try:
            context.load_cert_chain(self._tls.cert, self._tls.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f"the certificate can't be read: {error}", path="server.tls") from error
        return context

    def _stamps(self) -> tuple[Stamp | None, Stamp | None]:
        return _stamp(self._tls.cert), _stamp(self._tls.key)


def _stamp(path: Path) -> Stamp | None:
    """What is different of a file that was written anew; None for one that isn't there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
