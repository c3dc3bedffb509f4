"""The tokens of the parser as HTML."""

from __future__ import annotations

from markdown_it.common.utils import escapeHtml, unescapeAll
from markdown_it.renderer import RendererHTML

from .code import highlighted

_BREAK = "<br>"


class Renderer(RendererHTML):
    """What differs from the parser's own: line breaks, code, pictures, and the alignment of cells."""

    def softbreak(self, tokens, idx, options, env) -> str:
        """A line break is a line break."""
        return _BREAK

    def hardbreak(self, tokens, idx, options, env) -> str:
        return _BREAK

    def fence(self, tokens, idx, options, env) -> str:
        token = tokens[idx]
        words = unescapeAll(token.info).split(maxsplit=1)
        if not words:
            return f"<pre><code>{escapeHtml(token.content)}</code></pre>\n"
        code = (
            highlighted(token.content, words[0].lower())
            if options.get("colours")
            else escapeHtml(token.content)
        )
        return f'<pre><code class="language-{escapeHtml(words[0])}">{code}</code></pre>\n'

    def html_inline(self, tokens, idx, options, env) -> str:
        """A tag of HTML is text like any other."""
        return escapeHtml(tokens[idx].content)

    def image(self, tokens, idx, options, env) -> str:
        """A link: a picture from elsewhere would tell its server who reads the message."""
        token = tokens[idx]
        address = escapeHtml(str(token.attrGet("src") or ""))
        title = f' title="{escapeHtml(str(token.attrGet("title")))}"' if token.attrGet("title") else ""
        text = escapeHtml(self.renderInlineAsText(token.children, options, env)) or address
        if env.get("in_link"):
            return text
        return f'<a href="{address}"{title}>{text}</a>'

    def link_open(self, tokens, idx, options, env) -> str:
        env["in_link"] = True
        return self.renderToken(tokens, idx, options, env)

    def link_close(self, tokens, idx, options, env) -> str:
        env["in_link"] = False
        return self.renderToken(tokens, idx, options, env)

    def td_open(self, tokens, idx, options, env) -> str:
        token = tokens[idx]
        style = token.attrs.pop("style", None)
        if style:
            token.attrSet("align", str(style).removeprefix("text-align:"))
        return self.renderToken(tokens, idx, options, env)

    th_open = td_open

    def math(self, tokens, idx, options, env) -> str:
        """MathML, which is there already."""
        return str(tokens[idx].content)

    def math_block(self, tokens, idx, options, env) -> str:
        return f"{tokens[idx].content}\n"

    def spoiler_open(self, tokens, idx, options, env) -> str:
        return '<span class="spoiler">'

    def task(self, tokens, idx, options, env) -> str:
        """The box of a task, as a character that any client can show and any screen reader says."""
        done = tokens[idx].meta["done"]
        return f'<span class="task">{"☑" if done else "☐"}</span> '
