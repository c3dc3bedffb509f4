"""The keys with which this server signs JSON Web Tokens: made when needed, rotated, kept in a file of their own.

Several processes on one port share the file.
"""

from __future__ import annotations

import base64
import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from ..model.errors import unavailable

log = logging.getLogger(__name__)

ROTATE_SECONDS = 30 * 86400.0
"""So long a key signs."""
MOST_SECONDS = 30 * 86400.0
"""So long a token lives at most: a key is kept as long after its last signature."""


class SigningKey(msgspec.Struct, frozen=True):
    """An Ed25519 key: its id, its 32 private and public bytes as base64url, and when it was made."""

    kid: str
    d: str
    x: str
    created: float

    def public(self) -> dict[str, Any]:
        """As a public JSON Web Key (RFC 8037)."""
        return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": self.x}

    def private(self) -> dict[str, Any]:
        """As a private one."""
        return {**self.public(), "d": self.d}


class SigningKeys:
    """The keys in ``file``, for its owner alone. ``clock`` gives the time of day."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self._file = file
        self._clock = clock
        self._keys: tuple[SigningKey, ...] = ()
        self._read_of: tuple[int, int] | None = None
        """Which file they were read from: another process may have replaced it."""

    def good(self) -> tuple[SigningKey, ...]:
        """Those that may have signed a token that is good yet, the newest first."""
        since = self._clock() - ROTATE_SECONDS - MOST_SECONDS
        return tuple(key for key in self._read() if key.created > since)

    def newest(self) -> SigningKey:
        """The one that signs now; another one where that is too old, or there is none.

        Raises `Reject` ``unavailable`` where none can be kept.
        """
        found = self._signing()
        if found is not None:
            return found
        with self._locked():
            # Another process may have made one meanwhile.
            made = self._signing()
            if made is None:
                made = _new_key(self._clock())
                self._write(made, *self.good())
        return made

    def take(self, keys: Iterable[SigningKey]) -> None:
        """Keep those of other servers, too. Raises `Reject` ``unavailable`` where they can't be kept."""
        with self._locked():
            merged = sorted({*self.good(), *keys}, key=lambda key: -key.created)
            self._write(*merged)

    def _signing(self) -> SigningKey | None:
        keys = self.good()
        return keys[0] if keys and self._clock() - keys[0].created < ROTATE_SECONDS else None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time, for the moment that it takes. Raises `Reject` ``unavailable``."""
        try:
            # With a log in memory there may be no folder.
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._file.with_name(f"{self._file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            log.error("no key for tokens can be written: %s", error)
            raise unavailable() from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, *keys: SigningKey) -> None:
        partial = self._file.with_name(f"{self._file.name}.partial")
        try:
            partial.unlink(missing_ok=True)
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(msgspec.json.encode(keys))
            partial.replace(self._file)
        except OSError as error:
            log.error("no key for tokens can be written: %s", error)
            raise unavailable() from error

    def _read(self) -> tuple[SigningKey, ...]:
        try:
            state = self._file.stat()
        except FileNotFoundError:
            return ()
        if self._read_of != (state.st_ino, state.st_mtime_ns):
            self._read_of = state.st_ino, state.st_mtime_ns
            try:
                self._keys = msgspec.json.decode(self._file.read_bytes(), type=tuple[SigningKey, ...])
            except msgspec.DecodeError as error:
                log.error(
                    "%s is damaged, and what was signed with its keys is good no more: %s", self._file, error
                )
                self._keys = ()
        return self._keys


def _new_key(now: float) -> SigningKey:
    # Takes a moment to import: with the first token.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    return SigningKey(
        secrets.token_hex(8), _text(key.private_bytes_raw()), _text(key.public_key().public_bytes_raw()), now
    )


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
