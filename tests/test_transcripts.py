"""Conversations as specification: every file in ``transcripts/`` comes out as it is written.

A YAML file of the same name, where there is one, holds the settings of the server that the conversation is on; the
``plugins:`` line of a conversation enables plugins with their own defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatserver.testing import Harness, run_transcript

FOLDER = Path(__file__).parent / "transcripts"
FILES = sorted(FOLDER.glob("*.chat"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_conversation_goes_as_written(path: Path, chat: Callable[..., Harness]) -> None:
    beside = path.with_suffix(".yaml")
    settings: dict[str, Any] = yaml.safe_load(beside.read_text()) if beside.exists() else {}

    def make(plugins: list[str]) -> Harness:
        assert not (plugins and "plugins" in settings), f"{beside.name} names the plugins, {path.name} too"
        return chat(plugins=plugins, settings=settings)

    await run_transcript(path, make)


def test_settings_belong_to_a_conversation() -> None:
    assert {each.stem for each in FOLDER.iterdir() if each.suffix != ".chat"} <= {each.stem for each in FILES}


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
    ],
)
async def test_a_line_that_is_not_true_fails(
    line: str, chat: Callable[..., Harness], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatserver.testing.client.PATIENCE", 0.2)
    (tmp_path / "wrong.chat").write_text(f"alice joins general\n{line}\n")
    with pytest.raises(AssertionError, match=r"wrong\.chat:2"):
        await run_transcript(tmp_path / "wrong.chat", chat)


async def test_what_no_line_mentions_fails(chat: Callable[..., Harness], tmp_path: Path) -> None:
    text = "alice joins general\nbob joins general\nalice says in general: hello\n"
    (tmp_path / "short.chat").write_text(text)
    with pytest.raises(AssertionError, match="bob also heard"):
        await run_transcript(tmp_path / "short.chat", chat)


async def test_a_refusal_that_no_line_mentions_fails(chat: Callable[..., Harness], tmp_path: Path) -> None:
    (tmp_path / "refused.chat").write_text("alice joins nowhere\n")
    with pytest.raises(AssertionError, match="no line says so"):
        await run_transcript(tmp_path / "refused.chat", chat)
