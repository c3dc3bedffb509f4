"""Shortcodes become characters, but not in code, not in links, and not when colons mean something else."""

from __future__ import annotations

import json

import pytest
from chatserver_plugins.emoji.shortcodes import replace
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chatserver.testing import Refused


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (":tada:", "🎉"),
        ("hi :tada: there", "hi 🎉 there"),
        (":tada::heart:", "🎉❤️"),
        ("你好:tada:世界", "你好🎉世界"),
        ("안녕:tada:", "안녕🎉"),
        ("สวัสดี:tada:ครับ", "สวัสดี🎉ครับ"),
        ("好！:tada:。", "好！🎉。"),
        ("🎂:tada:🎂", "🎂🎉🎂"),
        ("❤️:tada:❤️", "❤️🎉❤️"),
        (":tada:!", "🎉!"),
        ("wow!:tada:", "wow!🎉"),
        (":tada:, :tada:.", "🎉, 🎉."),
        ("**:tada:** _:tada:_", "**🎉** _🎉_"),
        ("[:tada:]", "[🎉]"),
        (">:tada:", ">🎉"),
        ('"so :tada:" he said', '"so 🎉" he said'),
        ("«:tada:» — :tada:—", "«🎉» — 🎉—"),
        (":+1:", "👍"),
        (":-1:", "👎"),
        ("(:+1:)", "(👍)"),
        (":+1::tada::-1:", "👍🎉👎"),
        (":100::tada:", ":100:🎉"),
        (":8ball:", "🎱"),
        ("10:30 :tada: fd00::1", "10:30 🎉 fd00::1"),
        (":TADA:", "🎉"),
        (":thumbs_up:", "👍"),
        ("(:tada:)", "(🎉)"),
        (":tada: :nonsense:", "🎉 :nonsense:"),
        ("`a` :tada: `b`", "`a` 🎉 `b`"),
        ("```\ncode\n```\n:tada:", "```\ncode\n```\n🎉"),
        ("see https://example.com/ :tada:", "see https://example.com/ 🎉"),
        ("a lone ` :tada:", "a lone ` 🎉"),
        ("text\n    :tada:", "text\n    🎉"),
        ("    code\nand :tada:", "    code\nand 🎉"),
    ],
)
def test_known_shortcodes_become_characters(text: str, shown: str) -> None:
    assert replace(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        ":nonsense:",
        ":NonSense:",
        "`:tada:`",
        "``a ` :tada:``",
        "```\n:tada:\n```",
        "~~~\n:tada:\n~~~",
        "```py\n:tada:",
        "text\n```\n:tada:\n```\nmore",
        "    :tada:",
        "text\n\n    :tada:\n\t:tada:\n\n    :tada:",
        "https://example.com/:tada:",
        "HTTP://example.com/:tada:?q=:heart:",
        "www.example.com/:tada:",
        "mailto:a:tada:@example.com",
        "[a](/x/:tada:)",
        "10:100:20",
        "a:b:c",
        "fe80:a:b:c",
        "std::b::x",
        "10:30",
        "fd00:1234::1",
        "[fd00:100::1]:8080",
        "::ffff:100:1",
        "fe80::a:b:1",
        "Ratio 1:100: good",
        "Ratio :100:1",
        ":100:",
        ":1234:",
        '{"a":100:}',
        '{"a":":tada:"}',
        '{"a": "so :tada:"}',
        '["so :tada:", "x :tada:"]',
        '{\n  "a": "so :tada:"\n}',
        '{":tada:": 1}',
        "{'a':tada:}",
        "great:tada:",
        ":tada:great",
        "1:tada:",
        ":tada:1",
        "x:+1:",
        ":+1:1",
        "é:tada:",
        "e\u0301:tada:",
        "я:tada:я",
        "हि:tada:",
        "a::tada:",
        ":tada::b",
        "at 10:a:m",
        "C:\\:tada:",
        "path/:tada:/x",
        "key=:tada:",
        "@:tada: #:tada: $:tada:",
        "user:x:1000:a:/home:/bin/sh",
        ":: tada ::",
        ": tada :",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert replace(text) == text


@settings(deadline=None)  # the first shortcode loads the table
@given(st.text(alphabet=":`~ab\n /.+1tdhp[]()", max_size=200))
def test_any_text_comes_through(text: str) -> None:
    shown = replace(text)
    assert replace(shown) == shown
    assert shown.count("\n") == text.count("\n")


@settings(deadline=None)
@given(st.lists(st.sampled_from([":tada:", ":nonsense:", "x", "\n", " ", ":"])).map("".join))
def test_what_stands_before_does_not_matter(text: str) -> None:
    assume("    " not in f"{text} ")  # code
    assert replace(f"{text} :tada:").endswith(" 🎉")


WORD = st.text(alphabet="abtd019_-+. é你", max_size=6)
JSON = st.recursive(
    WORD | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORD | st.just("tada"), inner, max_size=4),
)
TIMES = st.times().map(str) | st.datetimes().map(str)
ADDRESSES = st.ip_addresses(v=6).flatmap(lambda ip: st.sampled_from([str(ip), ip.exploded, f"[{ip}]:80"]))
NUMBERS = st.lists(st.integers(-200, 2000).map(str), min_size=2, max_size=6).map(":".join)
DUMPS = st.tuples(JSON, st.sampled_from([None, 2])).flatmap(
    lambda value: st.sampled_from(
        [
            json.dumps(value[0], indent=value[1], ensure_ascii=False),
            json.dumps(value[0], indent=value[1], separators=(",", ":")),
        ]
    )
)


@settings(deadline=None)
@given(st.lists(TIMES | ADDRESSES | NUMBERS | DUMPS | WORD, min_size=1).map(" ".join))
def test_text_without_a_shortcode_is_unchanged(text: str) -> None:
    assert replace(text) == text


@settings(deadline=None)
@given(
    st.text(alphabet="ab1é हि/=\\@{-:", min_size=1, max_size=5).filter(lambda text: text[-1] not in " :"),
    st.sampled_from([":tada:", ":+1:", ":a:", ":100:", ":tada::heart:"]),
)
def test_a_shortcode_glued_to_a_word_or_a_sign_is_text(before: str, code: str) -> None:
    assert replace(before + code) == before + code


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["`", ":a", "a", "```\n", "` ``", "https://", ":" * 3, "~~~\n", "]("])
def test_long_texts_take_no_time(piece: str) -> None:
    text = (piece * 8000)[:8000] + " :tada:"
    assert len(replace(text)) <= len(text)


async def test_all_see_the_character(chat):
    async with chat(plugins=["emoji"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says(":tada:")
        assert (await bob.hears()).content == "🎉"
        await alice.ask("edit", message_id=sent.message_id, content="`:tada:` :+1:")
        assert (await bob.hears("edited")).content == "`:tada:` 👍"


async def test_emoji_are_found_by_a_part_of_their_name(chat):
    async with chat(plugins=["emoji"]) as server:
        (alice,) = await server.join("general", "alice")
        found = (await alice.ask("emoji:find", typed="tad"))["emoji"]
        assert found[0] == {"name": "tada", "char": "🎉"}
        found = (await alice.ask("emoji:find", typed="HEART"))["emoji"]
        assert len(found) == len({one["char"] for one in found}) == 20
        assert found[0]["name"].startswith("heart")
        assert all(replace(f":{one['name']}:") == one["char"] for one in found)
        assert (await alice.ask("emoji:find", typed="no such thing"))["emoji"] == []
        for typed in ("", "x" * 41, 7, None):
            with pytest.raises(Refused, match="typed") as refused:
                await alice.ask("emoji:find", typed=typed)
            assert refused.value.code == "invalid"
