"""Markdown as HTML: CommonMark with tables, strikethrough, task lists, spoilers and bare addresses."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from . import rules
from .renderer import Renderer

NESTING = 20
"""How deep quotes and lists may be nested; a list in a list counts twice."""
LINK_CHARS = 65_536
"""How much of a message's HTML may be what references stand for: a few characters may stand for thousands, each."""
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_SCHEMES = frozenset({"http", "https", "mailto"})


class Parser:
    """Renders texts, on any thread; ``colours`` is whether code gets them, ``math`` whether LaTeX is shown as
    formulas."""

    def __init__(self, *, colours: bool, math: bool) -> None:
        options = {"maxNesting": NESTING, "store_labels": True, "colours": colours}
        parser = MarkdownIt("commonmark", options, renderer_cls=Renderer)
        parser.enable(["table", "strikethrough"])
        # Tags of HTML are known, so that what is in them is no markup, and shown as they are written.
        parser.disable("html_block")
        parser.validateLink = _may_be_linked  # type: ignore[method-assign]
        inline = parser.inline
        for sign in "|.":
            inline.add_terminator_char(sign)
        inline.ruler.before("escape", "shrug", rules.shrug)
        inline.ruler.before("escape", "address", rules.address)
        inline.ruler.before("emphasis", "spoiler", rules.spoiler)
        inline.ruler2.before("emphasis", "spoiler", rules.spoiler_pairs)
        parser.block.ruler.before("blockquote", "quote_end", rules.quote_end, {"alt": ["blockquote"]})
        parser.block.ruler.at("table", rules.small_table, {"alt": ["paragraph", "reference"]})
        parser.block.ruler.at("reference", rules.wanted_reference)
        parser.core.ruler.push("tasks", rules.tasks)
        if math:
            # Loaded only where it is wanted: it reads a table of symbols.
            from .formulas import formulas

            formulas(parser)
        self._parser = parser

    def html(self, text: str) -> str | None:
        """The HTML of a text; None where it is better shown as it was written: it is nested too deep to be parsed, or
        its HTML would be many times as long."""
        env: dict = {}
        tokens = self._parser.parse(text, env)
        if "references" in env:
            labels = [label for token in tokens for label in _labels(token)]
            if sum(len(env["references"][label]["href"]) for label in labels) > LINK_CHARS:
                return None
            if not env["references"].keys() <= set(labels):
                env = {"wanted": set(labels)}
                tokens = self._parser.parse(text, env)
        if any(token.level >= NESTING - 1 for token in tokens):
            return None
        if [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]:
            tokens = tokens[1:2]
        return self._rendered(tokens, env).removesuffix("\n")

    def html_of_line(self, text: str) -> str:
        """The HTML of a text without blocks such as lists."""
        env: dict = {}
        return self._rendered(self._parser.parseInline(text, env), env)

    def _rendered(self, tokens: list[Token], env: dict) -> str:
        html: str = self._parser.renderer.render(tokens, self._parser.options, env)
        return html


def _labels(token: Token) -> list[str]:
    """The labels of the references in a text, each as often as it is there."""
    return [child.meta["label"] for child in token.children or () if "label" in child.meta]


def _may_be_linked(address: str) -> bool:
    """On the web, for mail, or on this server."""
    scheme = _SCHEME.match(address)
    return scheme is None or scheme[1].lower() in _SCHEMES
