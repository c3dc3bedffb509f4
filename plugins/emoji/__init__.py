""":tada: becomes 🎉."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chatserver import Draft, Message, Plugin, RequestSpec, hookimpl

from .names import find
from .shortcodes import replace


class Find(msgspec.Struct):
    """The wire request ``emoji:find``: emoji whose names begin with, or contain, what is ``typed``."""

    typed: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Emoji(Plugin):
    """Turns ``:shortcodes:`` into characters, outside of code and links, and finds them by their names."""

    @hookimpl
    def register_requests(self):
        return [RequestSpec("find", Find, self.find)]

    def find(self, ctx, fields: Find):
        return {"emoji": [{"name": name, "char": char} for name, char in find(fields.typed)]}

    @hookimpl
    def before_post(self, draft: Draft):
        return changed(draft)

    @hookimpl
    def before_edit(self, message: Message, draft: Draft):
        return changed(draft)


def changed(draft: Draft) -> Draft | None:
    """The draft with emoji, or None when there is nothing to change."""
    content = replace(draft.content)
    return draft.replace(content=content) if content != draft.content else None
