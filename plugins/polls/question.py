"""A poll as people write it, and as text for clients that know nothing of polls."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from chatserver import Reject

QUESTION_CHARS = 300
CHOICE_CHARS = 100
MOST_CHOICES = 20

# Phones put typographic quotation marks in the place of plain ones, and a long dash in the place of two short ones.
_WORD = re.compile(
    r'\s*(?:(?:"([^"]*)"|“([^“”]*)”|„([^„“”]*)[“”]|«([^«»]*)»|「([^「」]*)」|『([^『』]*)』)(?=\s|$)|(\S+))'
)
_OPENING = tuple('"“„«「『')
_OPTION = re.compile(r"(?:--|[—–])(\w.*)")


class Question(msgspec.Struct, frozen=True):
    """What is asked. ``several``: one may take more than one choice; ``anonymous``: it isn't told who took which."""

    text: str
    choices: tuple[str, ...]
    several: bool = False
    anonymous: bool = False

    def __post_init__(self) -> None:
        """Raises `Reject` ``invalid``."""
        if not self.text:
            raise _wrong("A poll needs a question.")
        if len(self.text) > QUESTION_CHARS:
            raise _wrong(f"A question has at most {QUESTION_CHARS} characters.")
        if not all(self.choices) or any(len(each) > CHOICE_CHARS for each in self.choices):
            raise _wrong(f"A choice has 1 to {CHOICE_CHARS} characters.")
        if not 2 <= len(self.choices) <= MOST_CHOICES:
            raise _wrong(f"A poll has 2 to {MOST_CHOICES} choices.")
        if len({each.casefold() for each in self.choices}) < len(self.choices):
            raise _wrong("Two choices are the same.")

    @property
    def content(self) -> str:
        """As text: the question, and a numbered line for each choice."""
        return "\n".join([self.text, *(f"{number}. {each}" for number, each in enumerate(self.choices, 1))])


def parse(line: str) -> Question:
    """Read ``"Lunch?" pizza "pad thai" --several``. Raises `Reject` ``invalid``."""
    words: list[str] = []
    options = {"several": False, "anonymous": False}
    for found in _WORD.finditer(line.strip()):
        plain = found[7]
        if plain is None:
            words.append(tidy(found[found.lastindex or 1]))
        elif plain.startswith(_OPENING):
            raise _wrong("A quotation mark is not closed.")
        elif option := _OPTION.fullmatch(plain):
            name = option[1].lower()
            if name not in options:
                raise _wrong(f"There is no option --{name[:40]}: --several and --anonymous are.")
            options[name] = True
        else:
            words.append(tidy(plain))
    return Question(words[0] if words else "", tuple(words[1:]), **options)


def numbers(line: str, choices: int) -> Sequence[int]:
    """The places, from 0, of the choices that are named by their numbers. Raises `Reject` ``invalid``."""
    words = re.split(r"[\s,;，、]+", line.strip())
    if not all(re.fullmatch("[0-9]{1,3}", word) and 1 <= int(word) <= choices for word in words):
        raise Reject(f"Name choices by their numbers, 1 to {choices}, or none.", "invalid", field="choices")
    return [int(word) - 1 for word in words]


def tidy(text: str) -> str:
    """In one line, without what can't be seen."""
    return " ".join("".join(char if char.isprintable() or char == "\u200d" else " " for char in text).split())


def _wrong(message: str) -> Reject:
    return Reject(message, "invalid", field="text")
