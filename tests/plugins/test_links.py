"""Addresses become links that lead where they say."""

from __future__ import annotations

import html
import re

import nh3
import pytest
from chatserver_plugins.files.links import linked
from hypothesis import given
from hypothesis import strategies as st

LINK = re.compile(r'<a href="([^"]*)" rel="noopener noreferrer nofollow" target="_blank">([^<]*)</a>')


def links(text: str) -> list[str]:
    """The addresses that are linked when ``text`` is posted."""
    shown = linked(html.escape(text, quote=False)) or ""
    found = LINK.findall(shown)
    assert all(href == label for href, label in found)
    return [html.unescape(href) for href, _ in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com", ["https://example.com"]),
        ("see http://example.com/a?b=c&d=e#f now", ["http://example.com/a?b=c&d=e#f"]),
        ("HTTPS://EXAMPLE.COM/", ["HTTPS://EXAMPLE.COM/"]),
        ("end https://example.com.", ["https://example.com"]),
        ("what https://example.com/?!", ["https://example.com/"]),
        ("(https://example.com)", ["https://example.com"]),
        ("https://en.wikipedia.org/wiki/A_(b)", ["https://en.wikipedia.org/wiki/A_(b)"]),
        ("(see https://en.wikipedia.org/wiki/A_(b)).", ["https://en.wikipedia.org/wiki/A_(b)"]),
        ("[https://example.com/a]", ["https://example.com/a"]),
        ("<https://example.com>", ["https://example.com"]),
        ('"https://example.com"', ["https://example.com"]),
        ("**https://example.com**", ["https://example.com"]),
        ("https://例え.jp/パス", ["https://例え.jp/パス"]),
        ("看https://example.com/a。谢谢", ["https://example.com/a"]),
        ("看 https://example.com/a。谢谢", ["https://example.com/a"]),
        ("（https://example.com/a）", ["https://example.com/a"]),
        ("https://example.com:8080/a", ["https://example.com:8080/a"]),
        ("http://[::1]:8080/", ["http://[::1]:8080/"]),
        ("http://localhost", ["http://localhost"]),
        ("mailto:bob@example.com, ok", ["mailto:bob@example.com"]),
        ("https://a.example\nhttps://b.example", ["https://a.example", "https://b.example"]),
        ("https://example.com/?q='x'", ["https://example.com/?q='x"]),
    ],
)
def test_addresses_are_found_without_the_punctuation_around_them(text: str, expected: list[str]) -> None:
    assert links(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "javascript://example.com/%0aalert(1)",
        "data:text/html,x",
        "ftp://example.com",
        "vbscript:x",
        "https://",
        "https://.",
        "http:///path",
        "https://bank.example@evil.example/",
        "https://example.com:99999/",
        "http://[::1",
        "mailto:",
        "mailto:bob",
        "xhttps://example.com",
        "example.com",
    ],
)
def test_what_leads_nowhere_safe_is_no_link(text: str) -> None:
    assert links(text) == []


def test_markup_around_an_address_stays_text() -> None:
    shown = linked(html.escape("<b>https://example.com/?a=1&b=<i>\"'</b>", quote=False))
    assert shown is not None
    assert re.sub(LINK, "", shown).replace("&lt;", "").count("<") == 0


def test_a_link_stops_where_the_text_turns_round() -> None:
    assert links("https://example.com/\u202etxt.exe") == ["https://example.com/"]


def test_links_and_code_are_left_alone() -> None:
    for source in (
        '<a href="https://a.example">https://b.example</a>',
        "<code>https://a.example</code>",
        '<pre><code class="x">https://a.example</code></pre>',
    ):
        assert linked(source) is None


def test_text_after_code_is_linked() -> None:
    shown = linked("<code>http://a.example</code> http://b.example <p>x</p>")
    assert shown is not None
    assert LINK.findall(shown) == [("http://b.example", "http://b.example")]


def test_a_text_without_addresses_needs_nothing() -> None:
    assert linked("a &lt; b") is None


PIECES = [*"ab.:/?&<>\"'()[]@#,! \n", "https://", "http://x", "mailto:", "&amp;"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_links_change_nothing_of_the_text_and_add_only_links(text: str) -> None:
    escaped = html.escape(text, quote=False)
    shown = linked(escaped)
    if shown is None:
        return
    assert html.unescape(re.sub(r"</?a\b[^>]*>", "", shown)) == text
    assert re.sub(LINK, "", shown).count("<") == 0
    # Nothing for a sanitiser to repair.
    clean = nh3.clean(shown, attributes={"a": {"href", "target"}}, link_rel="noopener noreferrer nofollow")
    assert clean.count("<a ") == shown.count("<a ")


@pytest.mark.parametrize("piece", ["https://a", "https://" + ")" * 50, "mailto:", "<", "(https://a"])
def test_long_texts_take_no_time(piece: str) -> None:
    linked(html.escape((piece * 8000)[:8000], quote=False))
