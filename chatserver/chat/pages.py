"""Pages of a log, bounded in bytes as well as in events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.values import Event

PAGE_BYTES = 128 * 1024
"""What a page's texts may take on the wire, about. One event always fits."""
EVENT_BYTES = 300
"""What an event takes besides its texts, about."""


def first_that_fit(events: Sequence[Event]) -> Sequence[Event]:
    """The events from the first one on that make a page."""
    return events[: _fitting(events)]


def last_that_fit(events: Sequence[Event]) -> Sequence[Event]:
    """The events up to the last one that make a page."""
    return events[len(events) - _fitting(reversed(events)) :]


def _fitting(events: Iterable[Event]) -> int:
    left, count = PAGE_BYTES, 0
    for event in events:
        left -= _size(event)
        if left < 0 and count:
            break
        count += 1
    return count


def _size(event: Event) -> int:
    message = event.message
    return EVENT_BYTES + (
        len(message.content.encode()) + len(message.html.encode()) if message is not None else 0
    )
