"""Markdown in messages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import cached_property
from typing import Annotated

import msgspec

from chatserver import Draft, Plugin, RequestSpec, hookimpl, linked, settings

from .markup import has_markup, shows


class Ask(msgspec.Struct):
    """The wire request ``markdown:preview``: how a text would look as a message in a room."""

    room: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    text: str


LONG_CHARS = 1_000
"""A longer text is rendered in a thread, so that others need not wait for it; so are code and formulas, which take
longest."""
SLOW = ("```", "~~~", "$")


class Markdown(Plugin):
    """Renders messages as CommonMark with what chats are used to. The text stays as it was written; its HTML is kept
    beside it."""

    @settings
    class Settings:
        colours: bool = True
        """Whether code in a known language is shown in colours."""
        math: bool = True
        """Whether LaTeX between dollar signs is shown as formulas."""

    @hookimpl
    def register_requests(self):
        return [RequestSpec("preview", Ask, self.preview)]

    async def preview(self, ctx, fields: Ask) -> dict[str, str]:
        emoji = self.peer("emoji")
        text = fields.text if emoji is None else emoji.spelt(fields.text)
        return {"html": await self.chat.rendered(fields.room, text, user=ctx.user)}

    @hookimpl
    def render(self, draft: Draft) -> str | Awaitable[str | None] | None:
        # Messages of other kinds are what their plugins make of them.
        if draft.kind not in ("text", "action"):
            return None
        text = draft.content
        if not has_markup(text):
            return linked(draft.html or "")
        if len(text) > LONG_CHARS or any(sign in text for sign in SLOW):
            return asyncio.to_thread(self.html, text, draft.kind)
        return self.html(text, draft.kind)

    def html(self, text: str, kind: str) -> str | None:
        """The HTML of a message, or None for one that is shown as it is."""
        html = self.parser.html_of_line(text) if kind == "action" else self.parser.html(text)
        # Nothing but signs of Markdown, such as a lone ``#``: they were meant as they are.
        return html if html is not None and shows(html) else None

    @cached_property
    def parser(self):
        # Loaded with the first text that has markup, not with the server.
        from .parser import Parser

        return Parser(colours=self.settings.colours, math=self.settings.math)
