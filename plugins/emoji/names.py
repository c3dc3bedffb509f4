"""Emoji by the names that they have between colons."""

from __future__ import annotations

import functools

MOST = 20


def find(typed: str) -> list[tuple[str, str]]:
    """Up to 20 names and their characters: those that begin with what was typed, short ones first, then those that
    contain it. Each character comes once."""
    wanted = typed.casefold()
    fitting = [(name, char) for name, char in _names() if wanted in name]
    fitting.sort(key=lambda pair: (not pair[0].startswith(wanted), len(pair[0]), pair[0]))
    once: dict[str, str] = {}
    for name, char in fitting:
        once.setdefault(char, name)
    return [(name, char) for char, name in once.items()][:MOST]


@functools.cache
def _names() -> tuple[tuple[str, str], ...]:
    # Some thousand names: loaded when one is first looked for, not with the server.
    from emoji import EMOJI_DATA, STATUS

    whole = STATUS["fully_qualified"]
    return tuple(
        (name.strip(":"), char)
        for char, about in EMOJI_DATA.items()
        if about["status"] == whole
        for name in (about["en"], *about.get("alias", ()))
    )
