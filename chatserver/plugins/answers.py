"""What a plugin gives to be sent: encoded within its limits, so that what can't be sent is that plugin's failure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict

from ..model import nested_json
from ..model.errors import HTTP_STATUS, Reject
from ..model.names import shown_name
from ..model.plugin_parts import Actions, actions, check_kind, extra
from ..model.values import Attachment, Draft

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
_FIXED = ("user", "room", "reply_to", "files", "edits", "extras", "plugin", "trace")
"""Of a draft: who says it where is not a plugin's to change, its own extra is given by `Draft.with_extra`."""


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


def changed_draft(before: Draft, draft: Draft, plugin: str, chars: int) -> Draft:
    """The draft that a hook of ``plugin`` made of ``before``, whose text has ``chars`` characters at most.

    Raises TypeError and ValueError for what can't be stored or sent, and for what is not the plugin's to change.
    """
    for name in _FIXED:
        if getattr(draft, name) != getattr(before, name):
            raise ValueError(f"a hook can't change {name} of a draft")
    text(draft.content, chars)
    if draft.kind != before.kind:
        check_kind(draft.kind, plugin)
    if draft.html is not None:
        html(draft.html, draft.content)
    if draft.display_name != before.display_name and draft.display_name is not None:
        _shown(draft.display_name)
    if draft.actions is not before.actions:
        draft = draft.replace(actions=_changed_actions(before, draft, plugin))
    if draft.attachments is not before.attachments:
        if len(draft.attachments) > len(draft.files):
            raise ValueError("a draft has one attachment at most for each of its files")
        encoded([msgspec.convert(asdict(each), Attachment) for each in draft.attachments], EVENT_BYTES)
    if draft.mentions is not before.mentions:
        given = msgspec.convert(draft.mentions, tuple[str, ...], strict=True)
        draft = draft.replace(mentions=tuple(dict.fromkeys((*before.mentions, *given))))
    if draft.new_extra is not UNSET and draft.new_extra is not None:
        extra(draft.new_extra)
    return draft.answered_by(plugin)


def _shown(name: str) -> None:
    try:
        shown_name(name)
    except Reject as refusal:
        # Not the sender's mistake: the plugin's.
        raise ValueError(refusal.message) from refusal


def _changed_actions(before: Draft, draft: Draft, plugin: str) -> Actions:
    """The buttons of the other plugins as they were, and those that ``plugin`` now has."""
    kept = [each for each in before.actions if each["plugin"] != plugin]
    return (*kept, *actions([each for each in draft.actions if each not in kept], plugin))


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
