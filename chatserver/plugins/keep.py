"""``self.keep``: a few values that a plugin keeps without tables of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from typing import Any

import msgspec

from ..model import nested_json
from ..model.errors import Reject

KEYS = 1000
KEY_CHARS = 200
VALUE_BYTES = 64 * 1024
RETRY_SECONDS = 5.0
"""After a failure of the storage, until the next try."""

Write = Callable[[Mapping[str, bytes | None]], Awaitable[None]]
"""Stores values by key, None for those that are gone. Raises `Reject` when the storage fails."""

log = logging.getLogger(__name__)


class Keep(MutableMapping[str, Any]):
    """JSON values by name, in memory and in the database: reading takes no time, writing is stored a moment later.

    What is set is there at once; `save` returns when all of it is stored, and a stop waits for it too. What is read is
    a copy: change it, and set it again. At most 1000 values, each up to 64 KiB as JSON.
    """

    def __init__(self, stored: Mapping[str, bytes], write: Write) -> None:
        self._values = dict(stored)
        self._write = write
        self._changed: set[str] = set()
        self._writing: asyncio.Task[None] | None = None

    def __getitem__(self, key: str) -> Any:
        return msgspec.json.decode(self._values[key])

    def __setitem__(self, key: str, value: Any) -> None:
        """Raises TypeError for what JSON can't hold, ValueError for too much, or more than 100 levels."""
        name: Any = key
        if not isinstance(name, str) or not 0 < len(name) <= KEY_CHARS:
            raise TypeError(f"a key is a text of 1 to {KEY_CHARS} characters, not {key!r:.100}")
        key.encode()
        encoded = nested_json.encode(value)
        if len(encoded) > VALUE_BYTES:
            raise ValueError(f"a value has at most {VALUE_BYTES} bytes as JSON; this one has {len(encoded)}")
        if key not in self._values and len(self._values) >= KEYS:
            raise ValueError(f"{KEYS} values are the most; more of them belong into a table")
        if self._values.get(key) != encoded:
            self._values[key] = encoded
            self._note(key)

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._note(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    async def save(self) -> None:
        """Wait until all that was set is stored. Raises `Reject` ``unavailable`` when that fails; it is tried again
        later."""
        while self._changed or self._writing is not None:
            await asyncio.shield(self._begin())

    def _note(self, key: str) -> None:
        self._changed.add(key)
        self._begin()

    def _begin(self) -> asyncio.Task[None]:
        """The writing of what has changed: under way, or begun with the next turn of the loop."""
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._store())
            self._writing.add_done_callback(self._ended)
        return self._writing

    async def _store(self) -> None:
        changed, self._changed = self._changed, set()
        try:
            await self._write({key: self._values.get(key) for key in changed})
        except BaseException:
            self._changed |= changed
            raise
        finally:
            # Here, not when the task has ended: who waits for it looks at once.
            self._writing = None

    def _ended(self, writing: asyncio.Task[None]) -> None:
        if writing.cancelled():
            return
        error = writing.exception()
        if error is not None:
            if not isinstance(error, Reject):
                log.error("what a plugin keeps could not be stored", exc_info=error)
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._retry)
        elif self._changed:
            self._begin()

    def _retry(self) -> None:
        if self._changed:
            self._begin()
