"""Emoji as reactions have them: one spelling for each."""

from __future__ import annotations

import functools

from chatserver import Reject


@functools.lru_cache(maxsize=1024)
def character(text: str) -> str:
    """The one spelling of an emoji, given as a character or as ``:shortcode:``. Raises `Reject` ``invalid``."""
    # Loads a table of some thousand names: with the first reaction, not with the server.
    from emoji import demojize, emojize, is_emoji

    found: str = emojize(text, language="alias")
    if found == text and not is_emoji(text):
        found = emojize(text.lower(), language="alias")
    if not is_emoji(found):
        raise Reject(f"{text[:40]!r} is no emoji.", "invalid", field="emoji")
    # Some are written with and without a sign that says how they are drawn.
    return str(emojize(demojize(found)))
