""":tada: becomes 🎉."""

from __future__ import annotations

from chatserver import Draft, Message, Plugin, hookimpl

from .shortcodes import replace


class Emoji(Plugin):
    """Turns ``:shortcodes:`` into characters, outside of code and links."""

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
