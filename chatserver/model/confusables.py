"""Which names look alike: the skeletons of UTS #39 (confusable detection), blind to case."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from importlib import resources

import msgspec

from .names import IGNORABLE, RAW_PER_CHAR, USER_CHARS


def confusable_key(name: str) -> str:
    """The key under which names that look alike are one: ``AIice``, ``аlice`` and ``ALICE`` are ``alice``.

    Only good for comparing with another key. What is longer than any name is cut: any text that a client signs in
    with comes here.
    """
    table = _prototypes()
    folded = fold(name[: RAW_PER_CHAR * USER_CHARS])
    return unicodedata.normalize("NFD", "".join(table.get(char, char) for char in folded))


def fold(text: str) -> str:
    """Without case, compatibility forms and ignorable characters, decomposed."""
    text = IGNORABLE.sub("", unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text.casefold()))


class _Table(msgspec.Struct):
    """The table as it ships: for each text that stands for its look-alikes, all of these."""

    alike: dict[str, str]


@functools.cache
def _prototypes() -> Mapping[str, str]:
    """For each folded character that looks like another, the text that stands for all of its look-alikes.

    ``tests/confusables.py`` makes the table.
    """
    data = resources.files(__package__).joinpath("confusables.json").read_bytes()
    alike = msgspec.json.decode(data, type=_Table).alike
    return {char: text for text, chars in alike.items() for char in chars}
