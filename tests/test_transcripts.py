"""Conversations as specification: every file in ``transcripts/`` comes out as it is written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from chatserver.testing import Harness, run_transcript

FOLDER = Path(__file__).parent / "transcripts"
FILES = sorted(FOLDER.glob("*.chat"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_conversation_goes_as_written(path: Path, chat: Callable[..., Harness]) -> None:
    await run_transcript(path, chat)


def test_every_conversation_begins_with_its_rule() -> None:
    for path in FILES:
        assert path.read_text().startswith("# "), f"{path.name} does not say what it is about"


@pytest.mark.parametrize(
    "line",
    [
        "alice hears bob in general: hello",  # nobody said it
        "alice is refused: forbidden",  # nobody refused
        "alice is told: hello",  # nobody told
        "alice sees bob join general",  # he did not
        "alice gets typing: {on: true}",  # no JSON
        'alice gets typing in general: {"on": true}',  # nobody types
        'alice is answered: {"count": 3}',  # by what she asked last
    ],
)
async def test_a_line_that_is_not_true_fails(line: str, chat: Callable[..., Harness], tmp_path: Path) -> None:
    (tmp_path / "wrong.chat").write_text(f"alice joins general\n{line}\n")
    with pytest.raises(AssertionError, match=r"wrong\.chat:2"):
        await run_transcript(tmp_path / "wrong.chat", partial(chat, patience=0.2))


async def test_what_no_line_mentions_fails(chat: Callable[..., Harness], tmp_path: Path) -> None:
    text = "alice joins general\nbob joins general\nalice says in general: hello\n"
    (tmp_path / "short.chat").write_text(text)
    with pytest.raises(AssertionError, match="bob also heard"):
        await run_transcript(tmp_path / "short.chat", chat)


async def test_a_refusal_that_no_line_mentions_fails(chat: Callable[..., Harness], tmp_path: Path) -> None:
    (tmp_path / "refused.chat").write_text("alice joins nowhere\n")
    with pytest.raises(AssertionError, match="no line says so"):
        await run_transcript(tmp_path / "refused.chat", chat)


TYPING = """
# Settings, any event, and any request.
settings:
  rooms: [{name: general}, {name: tea}]  # two
  plugins:
    enabled: {history: {}}

alice joins tea
bob joins tea
bob asks typing: {"room": "tea"}
alice gets typing in tea: {"on": true}
alice gets typing in tea: {"on": true}
"""
HEARD_TWICE = 'alice gets typing in tea: {"on": true}\n' * 2
ANSWERED = """
alice gets typing in tea: {"on": true}
bob says in tea: hi
alice hears bob in tea: hi
bob asks history: {"room": "tea", "limit": 1}
bob is answered: {"more": true}
bob asks history: {"room": "nowhere"}
bob is refused: not_found
"""


async def test_settings_and_any_event_and_request(chat: Callable[..., Harness], tmp_path: Path) -> None:
    path = tmp_path / "typing.chat"
    path.write_text(TYPING.replace(HEARD_TWICE, ANSWERED))
    await run_transcript(path, chat)


async def test_an_event_that_did_not_come_fails(chat: Callable[..., Harness], tmp_path: Path) -> None:
    (tmp_path / "twice.chat").write_text(TYPING)
    with pytest.raises(AssertionError, match=r"twice\.chat:12"):
        await run_transcript(tmp_path / "twice.chat", partial(chat, patience=0.2))


@pytest.mark.parametrize("settings", ["  a: [", "  - a", "  plugins: {enabled: {basics: {}}}"])
async def test_settings_that_cannot_be_meant_fail(
    settings: str, chat: Callable[..., Harness], tmp_path: Path
) -> None:
    (tmp_path / "odd.chat").write_text(f"# x\nplugins: basics\nsettings:\n{settings}\nalice joins general\n")
    with pytest.raises(AssertionError, match=r"odd\.chat:3"):
        await run_transcript(tmp_path / "odd.chat", chat)


APPROVE = """
# A guest asks, and one moderator decides.
plugins: approve
mona is a moderator
mona joins general
bob joins general
bob says in general: /request a chair
mona hears approve in general: bob asks for a chair
bob hears approve in general: bob asks for a chair
bob presses Approve
bob is refused: forbidden
mona presses Refuse…
mona fills in: {"why": ""}
mona is refused: invalid
mona presses Approve
mona hears approve in general: Approved (mona).
bob hears approve in general: Approved (mona).
bob gets approve:pressed in general: {"actions": []}
"""


async def test_buttons_are_pressed_and_forms_filled_in(chat: Callable[..., Harness], tmp_path: Path) -> None:
    (tmp_path / "approve.chat").write_text(APPROVE)
    examples = Path(__file__).parent.parent / "examples"
    await run_transcript(tmp_path / "approve.chat", partial(chat, dirs=[examples]))


async def test_a_button_that_is_not_there_cannot_be_pressed(
    chat: Callable[..., Harness], tmp_path: Path
) -> None:
    (tmp_path / "none.chat").write_text("# x\nalice joins general\nalice presses Approve\n")
    with pytest.raises(AssertionError, match=r"none\.chat:3: [^\n]*\n  alice sees no button 'Approve'"):
        await run_transcript(tmp_path / "none.chat", chat)
