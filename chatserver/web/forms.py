"""The types of texts in JSON bodies, with their longest lengths."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Short = Annotated[str, Meta(max_length=256)]
"""A name, an id, a token."""
Long = Annotated[str, Meta(max_length=4096)]
"""A line of text. How long it may really be is decided by what it is for."""
