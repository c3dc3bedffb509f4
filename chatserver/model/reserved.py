"""Names that no one may take by themselves: users would trust them too much, or they mean something else."""

from __future__ import annotations

import functools

from .confusables import confusable_key
from .errors import Reject

RESERVED = ("admin", "administrator", "moderator", "server", "system", "here", "everyone", "all", "room")


def refuse_reserved(name: str) -> None:
    """Raises `Reject` ``invalid``, field ``name``, for a name that is reserved, or looks like one."""
    if confusable_key(name) in _keys():
        raise Reject("This name is kept for the server.", "invalid", field="name")


@functools.cache
def _keys() -> frozenset[str]:
    return frozenset(map(confusable_key, RESERVED))
