"""Makes the table of look-alikes that ships as chatserver/model/confusables.json.

``make confusables`` writes it anew; a test compares.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from importlib import metadata, resources
from pathlib import Path

from chatserver.model.confusables import fold

FILE = Path(__file__).parent.parent / "chatserver" / "model" / "confusables.json"
PACKAGE = "confusable-homoglyphs"
SOURCE = (
    f"Made by tests/confusables.py with {PACKAGE} {{version}} (MIT licence) and Unicode {{unicode}}, from Unicode's "
    "confusables.txt (UTS #39), Copyright Unicode, Inc., Unicode License v3: https://www.unicode.org/license.txt"
)


def source() -> str:
    return SOURCE.format(version=metadata.version(PACKAGE), unicode=unicodedata.unidata_version)


def written() -> str:
    """The file's text."""
    alike: dict[str, list[str]] = {}
    for char, text in sorted(prototypes().items()):
        if char != text:
            alike.setdefault(text, []).append(char)
    table = {text: "".join(chars) for text, chars in sorted(alike.items())}
    lines = (f"{json.dumps(text)}:{json.dumps(chars)}" for text, chars in table.items())
    return f'{{"source":{json.dumps(source())},\n"alike":{{\n' + ",\n".join(lines) + "\n}}\n"


def prototypes() -> dict[str, str]:
    """For each folded character that looks like another, the text that stands for all of its look-alikes.

    UTS #39 tells ``l`` from ``i`` and joins ``I`` with ``l``; a key without case has to join all three. Joining
    over case like that could go on until every letter is one (``v`` ``ν`` ``Ν`` ``n``), so that two ASCII letters
    become one only when the standard's own table says so.
    """
    group: dict[str, set[str]] = {}
    for one, other in _confusable_pairs():
        first, second = group.setdefault(one, {one}), group.setdefault(other, {other})
        chained = _anchored(first) and _anchored(second) and not (one + other).isascii()
        if first is not second and not chained:
            first |= second
            group.update(dict.fromkeys(second, first))
    chosen = {char: _representative(alike) for char, alike in group.items() if len(char) == 1}
    return {
        char: "".join(chosen.get(part, part) if part != char else part for part in text)
        for char, text in chosen.items()
    }


def _confusable_pairs() -> Iterable[tuple[str, str]]:
    """The pairs of UTS #39's table, folded. Those within ASCII come first, then small letters before capitals."""
    table = resources.files("confusable_homoglyphs").joinpath("confusables.json").read_bytes()
    pairs = []
    for key, alike in json.loads(table).items():
        # The data wraps right-to-left characters in U+200E.
        char = key.strip("\u200e")
        folded = fold(char)
        if len(char) != 1 or not _keeps_shape(char, folded):
            continue
        for entry in alike:
            target = entry["c"].strip("\u200e")
            other = fold(target)
            if other and (len(target) > 1 or _keeps_shape(target, other)):
                pairs.append(
                    (not (char + target).isascii(), char != folded or target != other, folded, other)
                )
    return [(one, other) for _, _, one, other in sorted(pairs) if one != other]


def _keeps_shape(char: str, folded: str) -> bool:
    """Whether what ``char`` looks like says anything about what it folds to: true for Σ and σ, not for ſ and s."""
    return len(folded) == 1 and unicodedata.normalize("NFKC", char) == char


def _anchored(alike: set[str]) -> bool:
    return any(text.isascii() or len(text) > 1 for text in alike)


def _representative(alike: set[str]) -> str:
    return min(alike, key=lambda text: (-len(text), text))


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
