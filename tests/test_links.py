"""Addresses become links that lead where they say."""

from __future__ import annotations

import html
import re
import unicodedata

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatserver import linked

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
    ("text", "expected"),
    [
        ("see www.example.org.", ["www.example.org"]),
        ("(www.example.org/a?b=c)", ["www.example.org/a?b=c"]),
        ("WWW.Example.ORG and https://www.example.org", ["WWW.Example.ORG"]),
        ("看www.example.org吧", ["www.example.org"]),
        ("www.com, www., www.a, xwww.example.org, a@www.example.org, //www.example.org", []),
        ("www.bank.example@evil.example", []),
    ],
)
def test_a_host_that_begins_with_www_is_an_address_too(text: str, expected: list[str]) -> None:
    found = re.findall(r'<a href="https://([^"]*)"[^>]*>([^<]*)</a>', linked(html.escape(text)) or "")
    assert [label for _, label in found if not label.startswith("https:")] == expected
    assert all(label in (href, f"https://{href}") for href, label in found)


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


A, B = "https://a.example", "https://a.example/b"


@pytest.mark.parametrize(
    "address", [A, B, "mailto:bob@a.example", "https://a.example/b?c=d#e", "https://10.0.0.1:80"]
)
@pytest.mark.parametrize(
    "after",
    [
        *[
            "،",
            "؛",
            "؟",
            "۔",
            "«",
            "»",
            "।",
            "॥",
            "॰",
            "。",
            "、",
            "，",
            "：",
            "！",
            "」",
            "』",
            "】",
            "・",
            "〜",
            "～",
        ],
        *["…", "—", "“", "”", "’", "։", "՞", "¿", "፣", "።", "၊", "។", "๚", "༎", "܀", "᠂"],
        *[
            "를 보세요",
            "에서",
            "입니다.",
            "谢谢",
            "謝謝。",
            "を見て",
            "です。",
            "ｱｲ",
            "ครับ",
            "ເດີ",
            "ကို",
            "នេះ",
            "㈱",
            "々",
        ],
        *["、https", ".谢谢", ".입니다 ok", "،و", "؟نعم", "।हाँ", "—yes", "を見て.", "에서.", "에서는/은"],
    ],
)
def test_text_directly_after_an_address_is_no_part_of_it(address: str, after: str) -> None:
    assert links(f"{address}{after}") == [address]
    assert links(f"看{address}{after} more") == [address]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Hosts in other scripts; what follows one may be in them too, but not directly after ASCII.
        ("https://例え.jp", ["https://例え.jp"]),
        ("https://例え.jp/", ["https://例え.jp/"]),
        ("https://例え.jp/パス?キー=値#節", ["https://例え.jp/パス?キー=値#節"]),
        ("https://例え.jp。", ["https://例え.jp"]),
        ("https://例え.jpを見て", ["https://例え.jp"]),
        ("https://例え.jp/aを見て", ["https://例え.jp/a"]),
        ("https://例え.jp/パス、次", ["https://例え.jp/パス"]),
        ("https://例え.jp:8080/x", ["https://例え.jp:8080/x"]),
        ("https://www.例え.jp/x", ["https://www.例え.jp/x"]),
        ("https://例え.テスト", ["https://例え.テスト"]),
        ("https://한국어.한국/길", ["https://한국어.한국/길"]),
        ("https://example.中国/x", ["https://example.中国/x"]),
        ("https://日本a1.jp/x", ["https://日本a1.jp/x"]),
        ("https://ไทย.ไทย/ก", ["https://ไทย.ไทย/ก"]),
        ("https://xn--r8jz45g.jp/xを", ["https://xn--r8jz45g.jp/x"]),
        ("mailto:山田@例え.jp", ["mailto:山田@例え.jp"]),
        ("mailto:bob@例え.jpへ", ["mailto:bob@例え.jp"]),
        ("mailto:bob@a.example?subject=aを", ["mailto:bob@a.example?subject=a"]),
        # An ASCII host: percent-encoded, or it ends.
        (
            "https://ja.wikipedia.org/wiki/%E6%97%A5%E6%9C%AC",
            ["https://ja.wikipedia.org/wiki/%E6%97%A5%E6%9C%AC"],
        ),
        ("https://ja.wikipedia.org/wiki/%E6%97%A5を", ["https://ja.wikipedia.org/wiki/%E6%97%A5"]),
        ("https://a.example/에 가요", ["https://a.example/"]),
        ("https://a.example?q=値", ["https://a.example?q="]),
        # Scripts with spaces are as good as ASCII.
        ("https://пример.рф/путь", ["https://пример.рф/путь"]),
        ("https://a.example/путь,", ["https://a.example/путь"]),
        ("https://مثال.إختبار/مسار؟", ["https://مثال.إختبار/مسار"]),
        ("https://उदाहरण.परीक्षा/पथ।", ["https://उदाहरण.परीक्षा/पथ"]),
        ("https://a.example/Michelson–Morley", ["https://a.example/Michelson–Morley"]),
        ("https://a.example/paral·lel–", ["https://a.example/paral·lel"]),
        ("https://he.example/צה״ל", ["https://he.example/צה״ל"]),
        # More than one, with nothing between them but such text.
        (
            "https://a.example/b、https://c.example/d和https://e.example",
            [B, "https://c.example/d", "https://e.example"],
        ),
        ("看http://例え.jp和mailto:bob@a.example。", ["http://例え.jp", "mailto:bob@a.example"]),
    ],
)
def test_addresses_in_other_scripts(text: str, expected: list[str]) -> None:
    assert links(text) == expected


def test_all_punctuation_ends_an_address() -> None:
    inside = set("·‐‑–־׳״་")
    found = [
        char
        for char in map(chr, range(0x80, 0x12000))
        if unicodedata.category(char)[0] == "P" and char not in inside
    ]
    assert len(found) > 600
    assert [char for char in found if links(f"https://a.example/b{char}c") != [B]] == []


@pytest.mark.parametrize(
    "text", ["http://는 안전", "https://谢谢", "https://、", "mailto:谢谢", "mailto:bob@谢谢"]
)
def test_a_scheme_before_a_sentence_is_no_link(text: str) -> None:
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


PIECES = [*"ab.:/?&<>\"'()[]@#,! \n谢を에،।ा–", "https://", "http://x", "mailto:", "www.", "&amp;"]


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


LONG = [
    "https://a",
    "https://" + ")" * 50,
    "mailto:",
    "<",
    "(https://a",
    "https://a谢",
    "https://谢.",
    "https://a@",
]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", LONG)
def test_long_texts_take_no_time(piece: str) -> None:
    linked(html.escape((piece * 8000)[:8000], quote=False))
