"""What a plugin gives to be sent: encoded within its limits, so that what can't be sent is that plugin's failure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from ..model import nested_json
from ..model.errors import HTTP_STATUS, Reject

REPLY_BYTES = 8 * 2**20
"""The reply to a request."""
SETTINGS_BYTES = 64 * 2**10
"""What ``client_settings`` tells a browser: it goes into every welcome."""
EVENT_BYTES = 64 * 2**10
"""The data of an event: it goes to all connections in the room."""
TEXT_CHARS = 64 * 2**10
"""What a command answers."""
HTML_CHARS = 64 * 2**10
"""The HTML of a message, and 16 for each character of its text."""
REASON_CHARS = 2000
"""What a refusal says."""


def encoded(value: Any, most: int) -> msgspec.Raw:
    """A value as JSON. Raises ValueError above ``most`` bytes or 100 levels, and TypeError, ValueError or whatever else
    encoding it raises."""
    data = nested_json.encode(value)
    if len(data) > most:
        raise ValueError(f"{len(data)} bytes as JSON are too many; {most} is the most")
    return msgspec.Raw(data)


def text(value: Any, most: int) -> str:
    """A text that can be sent. Raises TypeError and ValueError."""
    if not isinstance(value, str):
        raise TypeError(f"a text is str, not {type(value).__name__}")
    if len(value) > most:
        raise ValueError(f"{len(value)} characters are too many; {most} is the most")
    value.encode()
    return value


def html(value: str, content: str) -> str:
    """The HTML of a text. Raises ValueError."""
    return text(value, HTML_CHARS + 16 * len(content))


def event_data(data: Any, taken: frozenset[str]) -> dict[str, Any]:
    """A copy of the data of an event. Raises TypeError and ValueError; for names that the event has by itself, too."""
    if not isinstance(data, Mapping):
        raise TypeError(f"the data of an event is a mapping, not {type(data).__name__}")
    own = taken.intersection(data)
    if own:
        raise ValueError(f"an event has these fields by itself: {', '.join(sorted(own))}")
    copied: dict[str, Any] = msgspec.json.decode(encoded(dict(data), EVENT_BYTES))
    return copied


def check_refusal(refusal: Reject) -> None:
    """Raises TypeError and ValueError for a refusal that can't be sent."""
    text(refusal.message, REASON_CHARS)
    if refusal.code not in HTTP_STATUS:
        raise ValueError(f"unknown error code {refusal.code!r}")
    if refusal.field is not None:
        text(refusal.field, REASON_CHARS)
    wait: Any = refusal.retry_after
    if wait is not None and not (isinstance(wait, int | float) and math.isfinite(wait)):
        raise ValueError(f"retry_after is a number of seconds, not {wait!r}")
