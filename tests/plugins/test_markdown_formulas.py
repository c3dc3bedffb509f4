"""Formulas: what is one, what is money, and LaTeX that is meant to do harm."""

from __future__ import annotations

import html
import re

import nh3
import pytest
from chatserver_plugins.markdown.formulas import DEPTH, FORMULA_CHARS, MESSAGE_CHARS
from chatserver_plugins.markdown.markup import has_markup
from chatserver_plugins.markdown.parser import Parser
from hypothesis import given
from hypothesis import strategies as st

PARSER = Parser(colours=False, math=True)
SQUARE = '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
FRACTION = (
    '<math display="block"><mrow><mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac></mrow></math>'
)

FROM_DIGITS = [
    "2x",
    "2 x y",
    "4ac",
    "2 \\cdot 3 = 6",
    "5 \\text{ red apples}",
    "10^6",
    "3, 4",
    "1 + ab",
    "2 \\sin x",
]

# Each of them doubles what the one before stands for.
DEFINITIONS = [
    "$"
    + "".join(
        f"{word % (a, b * 2)}"
        for a, b in zip("bcdefg", ["x", r"\b", r"\c", r"\d", r"\e", r"\f"], strict=True)
    )
    + r"\g$"
    for word in (r"\def\%s{%s}", r"\newcommand{\%s}{%s}")
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$x^2$", SQUARE),
        ("so $x^2$, **then**", f"so {SQUARE}, <strong>then</strong>"),
        ("($x^2$)", f"({SQUARE})"),
        ("it costs $5, $x^2$", f"it costs $5, {SQUARE}"),
        (r"$$\frac{a}{b}$$", FRACTION),
        *((f"${each}$", None) for each in FROM_DIGITS),
        ("$$\n\\frac{a}{b}\n$$", FRACTION),
        ("> $$\n> \\frac{a}{b}\n> $$", f"<blockquote>\n{FRACTION}\n</blockquote>"),
    ],
)
def test_what_is_between_dollar_signs_is_a_formula(text: str, expected: str) -> None:
    assert has_markup(text)
    shown = PARSER.html(text)
    assert shown == expected or (expected is None and shown.startswith("<math"))


def test_a_line_of_a_formula_is_no_item_of_a_list() -> None:
    shown = PARSER.html("$$\na\n- b\n+ c\n$$")
    assert shown.startswith('<math display="block">')
    assert "<li>" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $6",
        "5$ and 6$",
        "$5-$6",
        "US$5, or 6$",
        "$5, not 6$",
        "costs $5 and $6",
        "it's $20 for you and 30$ for me",
        "$5, or 6$, or 7$",
        "$1.50 each, 3$",
        "$5，不是6$",
        "$50-60 per month, not 70$",
        "$5 (or 6$)",
        "$5 for you, 6$",
        "$HOME/bin:$PATH",
        "$ x $",
        "$",
        "$$",
        "$$$$",
        "$$$",
        r"$\frac{a}{$",
        *DEFINITIONS,
        "$" + "x" * (FORMULA_CHARS + 1) + "$",
        "$" + "{" * DEPTH + "x" + "}" * DEPTH + "$",
    ],
)
def test_what_is_no_formula_is_text(text: str) -> None:
    assert PARSER.html(text) == html.escape(text.strip(), quote=False)


def test_code_and_an_escape_are_no_formulas() -> None:
    assert PARSER.html("`$x$`") == "<code>$x$</code>"
    assert PARSER.html("$a `b$` c") == "$a <code>b$</code> c"
    assert PARSER.html("```\n$$\nx\n$$\n```") == "<pre><code>$$\nx\n$$\n</code></pre>"
    assert PARSER.html(r"\$x$ and $x\$") == "$x$ and $x$"


def test_a_message_has_only_so_many_formulas() -> None:
    formula = f"${'x' * (FORMULA_CHARS - 1)}$"
    shown = PARSER.html(" ".join([formula] * 20))
    assert shown.count("<math") == MESSAGE_CHARS // (FORMULA_CHARS - 1)


async def test_formulas_are_sent_without_what_would_do_harm(chat) -> None:
    async with chat(plugins=["markdown"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("$x^2$")
        assert (await bob.hears()).html == SQUARE
        for text, harm in [
            (r"$\href{javascript:alert(1)}{x}$", "href"),
            (r"$\style{position:fixed}{x}$", "style"),
            (r"$\text{<img src=x onerror=alert(1)>}$", "<img"),
            (r"$\text{&lt;script>alert(1)</script>}$", "<script"),
            (r"$x\hspace{9999em}y$", "9999"),
            (r"$\rule{900em}{900em}x$", "900"),
        ]:
            await alice.says(text)
            shown = (await bob.hears()).html
            assert shown.startswith("<math"), text
            assert harm not in shown


async def test_formulas_can_be_switched_off(chat) -> None:
    async with chat(plugins={"markdown": {"math": False}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("**so** $x$")
        assert (await bob.hears()).html == "<strong>so</strong> $x$"


PIECES = [
    *"${}^_&\\x1' `\n<>", "$$", r"\frac", r"\sqrt", r"\left(", r"\right)", r"\begin{matrix}",
    r"\end{matrix}", r"\text{", r"\hspace{", r"\rule", r"\\", r"\limits", r"\mathbb", "- ", "> ",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_nonsense_is_shown_in_some_way(text: str) -> None:
    shown = PARSER.html(f"${text}$ $${text}$$")
    assert shown is None or set(re.findall(r"<(script|img|style)\b", nh3.clean(shown))) == set()
