"""The ids of messages: made of the number of their room and their ``seq``, and opaque to everyone else."""

from __future__ import annotations

import re

_FORM = re.compile(r"m([1-9a-f][0-9a-f]{0,7})z([1-9a-f][0-9a-f]{0,13})")


def message_id(room_id: int, seq: int) -> str:
    """The id of a message. The z, which is no hexadecimal digit, tells it from the ids of before revision 2."""
    return f"m{room_id:x}z{seq:x}"


def place_of(message_id: str) -> tuple[int, int] | None:
    """The number of the room, and the seq; None for a text that is no such id."""
    found = _FORM.fullmatch(message_id)
    return (int(found[1], 16), int(found[2], 16)) if found is not None else None
