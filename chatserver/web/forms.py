"""The types of texts and numbers in bodies and queries, with their limits."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Short = Annotated[str, Meta(max_length=256)]
"""A name, an id, a token."""
Long = Annotated[str, Meta(max_length=4096)]
"""A line of text. How long it may really be is decided by what it is for."""
Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""The number of an event in its room."""
