"""Shortcodes become characters, but not in code, not in links, and not when colons mean something else."""

from __future__ import annotations

import pytest
from chatserver_plugins.emoji.shortcodes import replace
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (":tada:", "🎉"),
        ("hi :tada: there", "hi 🎉 there"),
        (":tada::heart:", "🎉❤️"),
        ("你好:tada:世界", "你好🎉世界"),
        ("great:tada:", "great🎉"),
        (":tada:!", "🎉!"),
        (":+1:", "👍"),
        (":TADA:", "🎉"),
        (":thumbs_up:", "👍"),
        ("(:tada:)", "(🎉)"),
        (":tada: :nonsense:", "🎉 :nonsense:"),
        ("`a` :tada: `b`", "`a` 🎉 `b`"),
        ("```\ncode\n```\n:tada:", "```\ncode\n```\n🎉"),
        ("see https://example.com/ :tada:", "see https://example.com/ 🎉"),
        ("a lone ` :tada:", "a lone ` 🎉"),
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
    assert replace(f"{text} :tada:").endswith(" 🎉")


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["`", ":a", "a", "```\n", "` ``", "https://", ":" * 3, "~~~\n", "]("])
def test_long_texts_take_no_time(piece: str) -> None:
    text = (piece * 8000)[:8000] + " :tada:"
    assert len(replace(text)) <= len(text)


async def test_everybody_sees_the_character(chat):
    async with chat(plugins=["emoji"]) as server:
        alice, bob = await server.join("general", "alice", "bob")
        sent = await alice.says(":tada:")
        assert (await bob.hears()).content == "🎉"
        await alice.ask("edit", message_id=sent.message_id, content="`:tada:` :+1:")
        assert (await bob.hears("edited")).content == "`:tada:` 👍"
