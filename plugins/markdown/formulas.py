"""LaTeX between dollar signs, as MathML."""

from __future__ import annotations

import html
import re
from types import MappingProxyType
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import Converter
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

FORMULA_CHARS = 500
"""A longer formula is shown as it was written."""
MESSAGE_CHARS = 4_000
"""What all formulas of a message have at most; those after them are shown as they were written."""
DEPTH = 60
"""How many elements of a formula may be inside of each other."""
SPACE_EM = 4
"""A wider gap is none, so that a formula can't push what stands beside it out of sight."""

_FORMULA = re.compile(
    rf"""
    \$\$ (?P<block> [^$`]{{1,{FORMULA_CHARS}}} ) \$\$ (?!\$)
    # Money stays text: "$5 and $6", "5$ and 6$", "$5-$6".
  | (?<![\w$]) \$ (?![\s$]) (?P<line> (?: [^$`\\\n] | \\[^\n`] ){{1,{FORMULA_CHARS}}} ) (?<!\s) \$ (?![\w$])
    """,
    re.VERBOSE,
)
_COMMAND = re.compile(r"\\[A-Za-z]+\s*(?:\{[^{}]*\})*")
# After an amount come words that are none of LaTeX's: "$5, not 6$", "$20 for you and 30$", "$5，不是6$".
_PROSE = re.compile(
    r"(?=\d)[^\n]*?(?:[\w,.;:!?)%]\s+[(\[]?[^\W\d_]{2,}(?=[\s,.;:!?)]|$)|[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff0f])"
)
_LENGTH = re.compile(r"\d{0,3}(?:\.\d{1,6})?em")


def formulas(parser: MarkdownIt) -> None:
    """Let a parser know ``$…$`` and ``$$…$$``."""
    parser.inline.ruler.before("escape", "math", _in_line)
    parser.block.ruler.before("fence", "math", _of_lines)


def _in_line(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "$":
        return False
    found = _FORMULA.match(state.src, state.pos, state.posMax)
    if found is None or (found["line"] and _PROSE.match(_COMMAND.sub("", found["line"]))):
        return False
    if not silent:
        mathml = _bounded(state.env, found["block"] or found["line"], block=found["block"] is not None)
        state.push("text" if mathml is None else "math", "", 0).content = mathml or found[0]
    state.pos = found.end()
    return True


def _of_lines(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """``$$`` at the beginning of a line, up to one that ends with it: no sign in between begins a list."""
    if state.is_code_block(start) or not state.src.startswith(
        "$$", state.bMarks[start] + state.tShift[start]
    ):
        return False
    for line in range(start, end):
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return False
        if state.eMarks[line] - state.bMarks[start] > 2 * FORMULA_CHARS:
            return False
        text = state.getLines(start, line + 1, state.blkIndent, False).strip()
        if len(text) > 4 and text.endswith("$$"):
            break
    else:
        return False
    if not (_FORMULA.fullmatch(text) and (mathml := _bounded(state.env, text[2:-2], block=True))):
        return False
    if not silent:
        token = state.push("math_block", "", 0)
        token.content, token.map = mathml, [start, line + 1]
        state.line = line + 1
    return True


def _bounded(env, latex: str, *, block: bool) -> str | None:
    """The MathML of a formula; None where it is none, or its message has too much of them."""
    env["math"] = env.get("math", 0) + len(latex)
    return mathml(latex, block=block) if env["math"] <= MESSAGE_CHARS else None


def mathml(latex: str, *, block: bool) -> str | None:
    """The MathML of a formula; None where it is none. ``block`` is whether it stands in lines of its own."""
    converter = Converter(display="block" if block else "inline")
    # Definitions fail: a few that use each other would make a formula of any size.
    converter.macros = MappingProxyType({})  # type: ignore[assignment]
    try:
        root = converter.convert_to_element(latex.strip())
    # The library raises what it meets, such as an IndexError, for what is no LaTeX.
    except Exception:
        return None
    if not _tidy(root, 0) or not "".join(root.itertext()).strip():
        return None
    del root.attrib["xmlns"]
    return tostring(root, encoding="unicode", short_empty_elements=False)


def _tidy(element: Element, depth: int) -> bool:
    """Make characters of the library's entities, and drop gaps that are too wide. False where it is nested too deep."""
    if element.text:
        element.text = html.unescape(element.text)
    width = element.get("width")
    if width is not None and not (_LENGTH.fullmatch(width) and float(width[:-2] or 0) <= SPACE_EM):
        del element.attrib["width"]
    return depth < DEPTH and all(_tidy(child, depth + 1) for child in element)
