"""Passwords: which ones are accepted, and their hashes (Argon2id, RFC 9106), made off the loop."""

from __future__ import annotations

import asyncio
import functools
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ..model.confusables import fold
from ..model.errors import Reject

T = TypeVar("T")

PASSWORD_CHARS = range(8, 257)
BESIDE_THE_NAME = 4
"""So many characters a password has besides the name of its account."""


class Passwords:
    """Checks and hashes passwords. ``memory_mib`` is what one hash costs."""

    def __init__(self, memory_mib: int) -> None:
        self._hasher = PasswordHasher(memory_cost=1024 * memory_mib)
        # One at a time: a hash takes 64 MiB, and sign-ins must not crowd out the chat.
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="password")

    async def hash(self, password: str, name: str = "") -> str:
        """The hash of a new password for the account ``name``. Raises `Reject` ``invalid``, field ``password``."""
        password = accepted(password, name)
        return await self._off_loop(lambda: self._hasher.hash(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password with this hash; without one False, after the same work."""
        given = password[: PASSWORD_CHARS.stop]
        composed = unicodedata.normalize("NFC", given)[: PASSWORD_CHARS.stop]
        right = await self._off_loop(lambda: self._verify(hashed, composed))
        if not right and composed != given:
            # One that was set before passwords were composed.
            right = await self._off_loop(lambda: self._verify(hashed, given))
        return right

    def _verify(self, hashed: str | None, password: str) -> bool:
        try:
            if hashed is None:
                # The same work without an account: the time of an answer must not reveal which names exist.
                self._hasher.hash(password)
                return False
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def anew(self, hashed: str, password: str) -> str | None:
        """Another hash of a right password, where the settings ask for another cost by now; else None."""
        if not self._hasher.check_needs_rehash(hashed):
            return None
        composed = unicodedata.normalize("NFC", password)
        return await self._off_loop(lambda: self._hasher.hash(composed))

    async def _off_loop(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._hashing, function)

    def close(self) -> None:
        """End the hashing thread."""
        self._hashing.shutdown(cancel_futures=True)


def accepted(password: str, name: str = "") -> str:
    """The password in NFC, if it may be that of the account ``name``.

    Raises `Reject` ``invalid``, field ``password``: too short or long, blank, common, or hardly more than the name.
    """
    if len(password) not in PASSWORD_CHARS:
        raise _refused("A password has 8 to 256 characters.")
    password = unicodedata.normalize("NFC", password)
    if len(password) not in PASSWORD_CHARS:
        raise _refused("A password has 8 to 256 characters.")
    if not password.strip() or any(0xD800 <= ord(char) <= 0xDFFF for char in password):
        raise _refused("A password needs characters that can be seen.")
    plain = fold(password)
    if plain in _common():
        raise _refused("This is one of the commonest passwords, which are tried first. Choose another one.")
    folded_name = fold(name)
    if folded_name and folded_name in plain and len(plain.replace(folded_name, "")) < BESIDE_THE_NAME:
        raise _refused("A password must be more than the name.")
    return password


def _refused(message: str) -> Reject:
    return Reject(message, "invalid", field="password")


@functools.cache
def _common() -> frozenset[str]:
    """The commonest passwords, in lower case; the file says where they are from."""
    lines = (
        resources.files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    )
    return frozenset(line for line in lines if not line.startswith("#"))
