"""A poll as text, readable in clients that know nothing of tally: the question, then a line for each choice."""

from __future__ import annotations

from collections.abc import Sequence

KIND = "tally:poll"
BULLET = "• "


def join(question: str, choices: Sequence[str]) -> str:
    return "\n".join([question, *(BULLET + choice for choice in choices)])


def parse(text: str) -> tuple[str, list[str]]:
    question, *lines = text.split("\n")
    return question, [line.removeprefix(BULLET) for line in lines]
