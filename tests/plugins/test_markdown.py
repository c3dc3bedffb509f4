"""Markdown: the specification's own examples, what goes beyond them, and texts that are meant to do harm."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import nh3
import pytest
from chatserver_plugins.markdown.code import LANGUAGES, _lexer
from chatserver_plugins.markdown.markup import has_markup
from chatserver_plugins.markdown.parser import Parser
from hypothesis import example, given
from hypothesis import strategies as st

from chatserver.testing import Refused

DATA = Path(__file__).parent.parent / "data" / "commonmark"
EXAMPLES = json.loads((DATA / "spec-0.31.2.json").read_text(encoding="utf-8"))
DEVIATIONS = {
    int(number): expected
    for group in json.loads((DATA / "deviations.json").read_text(encoding="utf-8")).values()
    for number, expected in group.items()
}
PARSER = Parser(colours=True, math=True)
PLAIN = Parser(colours=False, math=False)

_BLOCKS = "p|ul|ol|li|blockquote|pre|h[1-6]|table|thead|tbody|tr|td|th"


def shape(source: str) -> str:
    """HTML as the specification's own test compares it, with its line breaks as line breaks, and no paragraph
    around what is nothing but one."""
    text = re.sub(r"<hr ?/?>", "<hr>", re.sub(r"<br ?/?>\n?", "\n", source))
    text = re.sub(rf"\s*(</?(?:{_BLOCKS}|hr)\b[^>]*>)\s*", r"\1", text) if "<pre>" not in text else text
    only = re.fullmatch(r"<p>((?:(?!<p>).)*)</p>", text.strip(), re.S)
    return (only[1] if only else text).replace("&quot;", '"').strip()


def rendered(text: str) -> str:
    """The HTML of a text; escaped where the plugin leaves it alone."""
    if not has_markup(text):
        return html.escape(text, quote=False)
    found = PARSER.html(text)
    return html.escape(text, quote=False) if found is None else found


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: str(case["example"]))
def test_the_specification_s_examples_come_out_as_they_should(case) -> None:
    got = shape(PLAIN.html(case["markdown"]))
    if expected := DEVIATIONS.get(case["example"]):
        assert got == expected
        assert got != shape(case["html"]), "this is no deviation any more"
    else:
        assert got == shape(case["html"])


def test_every_deviation_has_an_example() -> None:
    assert DEVIATIONS.keys() <= {case["example"] for case in EXAMPLES}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("~~gone~~ and ~not~", "<s>gone</s> and ~not~"),
        ("one\ntwo *three*", "one<br>two <em>three</em>"),
        ("||it *was* him||", '<span class="spoiler">it <em>was</em> him</span>'),
        ("if (a || b || c)", "if (a || b || c)"),
        ("||`a||b`|| `||c||`", '<span class="spoiler"><code>a||b</code></span> <code>||c||</code>'),
        ("|||a||", '<span class="spoiler">|a</span>'),
        ("- [ ] milk\n- [x] tea",
         '<ul>\n<li><span class="task">☐</span> milk</li>\n<li><span class="task">☑</span> tea</li>\n</ul>'),
        ("- [ ]milk", "<ul>\n<li>[ ]milk</li>\n</ul>"),
        ("[x] tea *now*", "[x] tea <em>now</em>"),
        ("<https://a.example/_x_>", '<a href="https://a.example/_x_">https://a.example/_x_</a>'),
        ("*https://a.example/a_b_c*", '<em><a href="https://a.example/a_b_c">https://a.example/a_b_c</a></em>'),
        ("看https://a.example/a_b_c。*好*", '看<a href="https://a.example/a_b_c">https://a.example/a_b_c</a>。<em>好</em>'),
        ("[https://a.example/](https://b.example/)", '<a href="https://b.example/">https://a.example/</a>'),
        ("`https://a.example`", "<code>https://a.example</code>"),
        ("*a* @my_name_is and @_x", "<em>a</em> @my_name_is and @_x"),
        ("snake_case_name", "snake_case_name"),
        (r"*so* ¯\_(ツ)_/¯", r"<em>so</em> ¯\_(ツ)_/¯"),
        ("> so?\nyes", "<blockquote>\n<p>so?</p>\n</blockquote>\n<p>yes</p>"),
        ("> a\n> > b\n> c\nd",
         "<blockquote>\n<p>a</p>\n<blockquote>\n<p>b</p>\n</blockquote>\n"
         "<p>c</p>\n</blockquote>\n<p>d</p>"),
        ("- > a\n  b", "<ul>\n<li>\n<blockquote>\n<p>a</p>\n</blockquote>\nb</li>\n</ul>"),
        ("[10:30]: hello\n[10:31]: *hi*", "[10:30]: hello<br>[10:31]: <em>hi</em>"),
        ("![cat](https://a.example/cat.png)", '<a href="https://a.example/cat.png">cat</a>'),
        ("[![cat](/cat.png)](/cats)", '<a href="/cats">cat</a>'),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[x](jAvAsCrIpT&colon;alert(1)) [y](data:text/html,x)", "[x](jAvAsCrIpT:alert(1)) [y](data:text/html,x)"),
        ("<img src=x onerror=alert(1)> *hi*", "&lt;img src=x onerror=alert(1)&gt; <em>hi</em>"),
        ("a | b\n:-: | -\n1 | <2",
         '<table>\n<thead>\n<tr>\n<th align="center">a</th>\n<th>b</th>\n</tr>\n</thead>\n'
         '<tbody>\n<tr>\n<td align="center">1</td>\n<td>&lt;2</td>\n</tr>\n</tbody>\n</table>'),
        ("```python\nx = 1\n```",
         '<pre><code class="language-python"><span class="n">x</span> <span class="o">=</span> '
         '<span class="mi">1</span>\n</code></pre>'),
        ("```no-such-language\n<x>\n```", '<pre><code class="language-no-such-language">&lt;x&gt;\n</code></pre>'),
        ('```"><script>\n```', '<pre><code class="language-&quot;&gt;&lt;script&gt;"></code></pre>'),
    ],
)  # fmt: skip
def test_what_chats_are_used_to(text: str, expected: str) -> None:
    assert rendered(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Good morning, all: shall we meet at 10:30, or (maybe) at 11?",
        "你好，世界！\n第二行",
        "5-10 people; 3 + 4 = 7; it's #1 for me @bob!",
        "#general and #random",
        "well - not quite\nyes: no\n\n2024 was good",
        "1.5 litres\n-5 degrees",
    ],
)
def test_a_text_without_markup_costs_no_parser(text: str) -> None:
    assert not has_markup(text)


MARKUP = st.text(alphabet="*_`~|[]()<>!#&;:-+=.\\\"' \t\nabx1中/", max_size=80)


@given(MARKUP)
@example("a\n=")
@example("a\n--")
@example("+ a")
@example("- --")
@example("\n\n    x")
@example("a|b\n-|-")
def test_what_is_said_to_have_no_markup_has_none(text: str) -> None:
    if not has_markup(text) and text.strip():
        # Blank lines, and spaces at the ends of lines, are shown as they are written.
        got = re.sub(r"</?p>|<br>|\s", "", PLAIN.html(text) or "")
        assert html.unescape(got) == re.sub(r"\s", "", text)


@given(MARKUP)
def test_the_sanitiser_finds_nothing_to_take_away(text: str) -> None:
    source = PARSER.html(text) or ""
    safe = nh3.clean(source, link_rel=None, attributes={"a": {"href", "title"}, "span": {"class"}, "code": {"class"},
        "ol": {"start"}, "td": {"align"}, "th": {"align"}})  # fmt: skip
    assert html.unescape(safe) == html.unescape(source)


@given(MARKUP)
def test_no_letter_of_a_text_is_lost(text: str) -> None:
    source = PARSER.html(text)
    if source is not None and "|" not in text and "](" not in text and "&" not in text and "]:" not in text:
        shown = re.sub(r"<[^>]*>", "", source)
        digits = re.sub(r"(?m)^[\s>*+-]*(\d{1,9}[.)][\s>*+-]*)+", "", text)
        said = re.sub(r"(?m)^[ >]*[`~]{3,}[^`\n]*$", "", digits)
        assert set(re.findall(r"[abx中]", said)) <= set(re.findall(r"[abx中]", html.unescape(shown) + source))


HOSTILE = {
    "quotes": ">" * 60_000,
    "quotes with spaces": "> " * 30_000,
    "lists": "- " * 30_000,
    "quotes of lists": "> - " * 15_000,
    "brackets": "[" * 10_000 + "]" * 10_000,
    "pictures": "![" * 30_000,
    "half links": "[a](" * 15_000,
    "stars": "*a **b " * 8_000,
    "backticks": " ".join("`" * count for count in range(1, 340)),
    "bars": "||a " * 15_000,
    "angles": "<a:" * 20_000,
    "a long line": "*a*" + "b" * 60_000,
    "addresses": "[http://a.example/*mailto:" * 2_400,
    "definitions": "".join(f"[{number}]: a\n" for number in range(6_000)),
    "code": "```python\n" + "(\n" * 30_000 + "```",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_texts_are_done_with(text: str) -> None:
    """How long they take is measured (docs/markdown.md); here, that none fails, and that none grows beyond reason."""
    found = PARSER.html(text)
    assert found is None or len(found) < 60 * len(text)


def test_what_would_grow_beyond_reason_is_shown_as_it_is_written() -> None:
    long = f"[a]: /{'x' * 4_000}\n\n" + "[a]" * 1_300
    assert PARSER.html(long) is None
    wide = "|" + "a|" * 900 + "\n|" + "-|" * 900 + "\n" + "|a\n" * 900
    assert "<td>" not in PARSER.html(wide)
    assert PARSER.html("> " * 30 + "deep") is None
    assert PARSER.html("> " * 10 + "not so deep").count("<blockquote>") == 10


async def test_edits_replies_and_actions_are_rendered(chat) -> None:
    async with chat(plugins=["markdown", "basics", "files", "emoji"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        first = await alice.says("**hi** :tada: `:tada:`")
        heard = await bob.hears()
        assert (heard.content, heard.html) == (
            "**hi** 🎉 `:tada:`",
            "<strong>hi</strong> 🎉 <code>:tada:</code>",
        )
        await alice.ask("edit", message_id=first.message_id, content="~~hi~~")
        assert (await bob.hears("edited")).html == "<s>hi</s>"
        await bob.ask("message", room="general", content="*yes*", reply_to=first.message_id)
        assert (await alice.hears(content="*yes*")).html == "<em>yes</em>"
        await alice.says("/me *waves*\n- at all")
        action = await bob.hears(kind="action")
        assert action.html == "<em>waves</em><br>- at all"
        await alice.says("https://a.example/ plain")
        assert (await bob.hears(content="https://a.example/ plain")).html.startswith(
            '<a href="https://a.example/"'
        )


async def test_a_preview_is_what_a_message_would_be_and_posts_nothing(chat) -> None:
    rooms = [{"name": "general"}, {"name": "cellar", "kind": "private"}]
    async with chat(plugins=["markdown", "emoji", "history"], settings={"rooms": rooms}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for text in ("**bold** :tada: https://x.example", "plain", "<script>alert(1)</script> *x*", "$x^2$"):
            shown = (await alice.ask("markdown:preview", room="general", text=text)).html
            await bob.says(text)
            assert (await alice.hears("message")).html == shown
        for room, text, code in (
            ("general", "x" * 8001, "too_large"),
            ("general", "", "invalid"),
            ("general", "\0", "invalid"),
            ("cellar", "x", "not_found"),
            ("nowhere", "x", "not_found"),
        ):
            with pytest.raises(Refused) as refused:
                await alice.ask("markdown:preview", room=room, text=text)
            assert (refused.value.code, len(text)) == (code, len(text))
        assert await alice.heard("message") == []


async def test_long_code_is_rendered_beside_the_loop_and_keeps_its_place(chat) -> None:
    async with chat(plugins=["markdown"], settings={"limits": {"burst": 100}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        code = "```python\n" + "x = [1]\n" * 400 + "```"
        for text in (code, "after *it*", code, "plain"):
            await alice.send({"type": "message", "room": "general", "content": text})
        heard = [await bob.hears() for _ in range(4)]
        assert [each.content for each in heard] == [code, "after *it*", code, "plain"]
        assert heard[0].html.count('<span class="mi">1</span>') == 400


def test_every_language_is_there_by_its_name() -> None:
    for name in LANGUAGES:
        assert _lexer(name) is not None, name
    assert _lexer("py") is not None
    assert _lexer("ocaml") is None


@pytest.mark.parametrize(("language", "line"), [("terraform", "<<a"), ("csharp", "a"), ("python", "x = [1]")])
def test_code_in_colours_is_the_same_code(language: str, line: str) -> None:
    """Some languages take quadratic time for nonsense, or say it twice."""
    code = f"{line}\n" * 499
    shown = PARSER.html(f"```{language}\n{code}```")
    assert html.unescape(re.sub(r"<[^>]*>", "", shown)) == code


async def test_colours_can_be_switched_off(chat) -> None:
    async with chat(plugins={"markdown": {"colours": False}}) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("```python\nx = 1\n```")
        assert (await bob.hears()).html == '<pre><code class="language-python">x = 1\n</code></pre>'


async def test_messages_of_other_kinds_are_left_to_their_plugins(chat, tmp_path) -> None:
    (tmp_path / "boards.py").write_text(
        "from chatserver import Plugin, command\n"
        "class Boards(Plugin):\n"
        "    @command()\n"
        "    async def board(self, ctx):\n"
        "        await self.chat.post(ctx.room, '*x*', user=ctx.user, kind='boards:board')\n"
    )
    async with chat(plugins=["markdown", "boards"], dirs=[tmp_path]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        await alice.says("/board")
        assert (await bob.hears()).html == "*x*"


async def test_nothing_but_signs_is_shown_as_it_was_written(chat) -> None:
    async with chat(plugins=["markdown"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        for text in ("#", "-", ">", "> >", "1.", "- -", "## ", "||"):
            await alice.says(text)
            heard = await bob.hears()
            # The text alone is sent where the HTML is nothing else.
            assert heard.get("html", heard.content.replace(">", "&gt;")) == text.replace(">", "&gt;")
