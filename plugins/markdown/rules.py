"""What is parsed beyond CommonMark, as spoilers and addresses, or otherwise, as the end of quotes."""

from __future__ import annotations

import re

from markdown_it.rules_block import StateBlock, reference, table
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from chatserver import addresses

TABLE_CELLS = 10_000
"""What a table has at most: short rows are filled up, so that a few characters could become many cells."""
_BAR = "|"
_SCHEME = re.compile(r"[a-z]+:", re.IGNORECASE)
_SHRUG = r"¯\_(ツ)_/¯"
_BOXES = {"[ ] ": False, "[x] ": True, "[X] ": True}


def spoiler(state: StateInline, silent: bool) -> bool:
    """``||``: noted as what may begin or end a spoiler, as the parser does it with emphasis."""
    if silent or not state.src.startswith("||", state.pos, state.posMax):
        return False
    run = state.scanDelims(state.pos, True)
    for _ in range(run.length // 2):
        state.push("text", "", 0).content = "||"
        # A length of 0: spoilers don't have the rule of three that emphasis has.
        mark = Delimiter(ord(_BAR), 0, len(state.tokens) - 1, -1, run.can_open, run.can_close)
        state.delimiters.append(mark)
    if run.length % 2:
        state.push("text", "", 0).content = _BAR
    state.pos += run.length
    return True


def spoiler_pairs(state: StateInline) -> None:
    """Make spoilers of the marks that were found to belong together."""
    inner = (meta["delimiters"] for meta in state.tokens_meta if meta and "delimiters" in meta)
    for marks in [state.delimiters, *inner]:
        for mark in marks:
            if mark.marker == ord(_BAR) and mark.end >= 0:
                _tag(state.tokens[mark.token], "spoiler_open", 1)
                _tag(state.tokens[marks[mark.end].token], "spoiler_close", -1)


def _tag(token: Token, type: str, nesting: int) -> None:
    token.type, token.tag, token.nesting, token.content = type, "span", nesting, ""


def address(state: StateInline, silent: bool) -> bool:
    """A link of an address that stands in the text as it is; at the sign that ends its scheme, or its www."""
    if state.src[state.pos] not in ":.":
        return False
    found: dict[int, tuple[int, str, str]] | None = getattr(state, "addresses", None)
    if found is None:
        # By that sign, once for a text, however many times it is looked at.
        found = {each[0] + _sign(each[1]): each for each in addresses(state.src)}
        state.addresses = found  # type: ignore[attr-defined]
    start, whole, target = found.get(state.pos, (0, "", ""))
    text = _own(whole)
    if not text or start + len(text) > state.posMax:
        return False
    before = state.pos - start
    if not silent:
        if not state.pending.endswith(text[:before]):
            return False
        state.pending = state.pending[:-before]
        if state.linkLevel:
            state.push("text", "", 0).content = text
        else:
            state.push("link_open", "a", 1).attrs = {"href": target.removesuffix(whole) + text}
            state.push("text", "", 0).content = text
            state.push("link_close", "a", -1)
    state.pos += len(text) - before
    return True


def _sign(address: str) -> int:
    """Where in an address the parser stops: after its scheme, or after www."""
    return address.index(":") if _SCHEME.match(address) else address.index(".")


def _own(text: str) -> str:
    """An address up to a bracket that it didn't open: ``[https://a.example](…)`` is a link with a text."""
    depth = 0
    for index, char in enumerate(text):
        depth += (char == "[") - (char == "]")
        if depth < 0:
            return text[:index]
    return text


def shrug(state: StateInline, silent: bool) -> bool:
    r"""``¯\_(ツ)_/¯`` keeps its arm, which would be an escape."""
    if state.src[state.pos] != "\\" or not state.src.startswith(_SHRUG, state.pos - 1):
        return False
    if not silent:
        state.append_pending(_SHRUG[1:])
    state.pos += len(_SHRUG) - 1
    return True


def quote_end(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A line without ``>`` ends a quote: what is written right below it is the answer, and no part of it."""
    return silent and state.parentType == "blockquote"


def small_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table, unless it could grow out of all proportion."""
    if start + 2 > end:
        return False
    head = state.src.count(_BAR, state.bMarks[start], state.eMarks[start]) + 1
    return head * (end - start) <= TABLE_CELLS and table(state, start, end, silent)


def wanted_reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A definition of a link, unless nothing uses it: ``[10:30]: hello`` is something that a person says.

    ``env["wanted"]`` has the labels that are used; without it, in the first run, each counts as used.
    """
    known = len(state.env.get("references", ()))
    line = state.line
    if not reference(state, start, end, silent):
        return False
    found, wanted = state.env["references"], state.env.get("wanted")
    if len(found) > known:
        label = next(reversed(found))
        if wanted is None or label in wanted:
            return True
        del found[label]
    # Not wanted, or the second one of the same name. Where there are wanted ones, they must not become a part of it.
    if wanted:
        _paragraph(state, start)
        return True
    state.line = line
    return False


def _paragraph(state: StateBlock, start: int) -> None:
    """The lines up to where the state is, as a text of their own."""
    lines = [start, state.line]
    state.push("paragraph_open", "p", 1).map = lines
    text = state.push("inline", "", 0)
    text.content = state.getLines(start, state.line, state.blkIndent, False).strip()
    text.map, text.children = lines, []
    state.push("paragraph_close", "p", -1)


def tasks(state: StateCore) -> None:
    """``[ ]`` and ``[x]`` at the beginning of a list's item are boxes."""
    tokens = state.tokens
    for index in range(2, len(tokens)):
        token = tokens[index]
        if token.type != "inline" or tokens[index - 2].type != "list_item_open" or not token.children:
            continue
        first = token.children[0]
        done = _BOXES.get(first.content[:4]) if first.type == "text" else None
        if done is not None:
            first.content = first.content[4:]
            token.children.insert(0, Token("task", "", 0, meta={"done": done}))
