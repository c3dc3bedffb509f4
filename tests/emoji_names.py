"""Makes the tables of emoji that the picker shows: plugins/emoji/static/names/LANGUAGE.json.

``python tests/emoji_names.py FOLDER`` reads the unpacked packages unicode-emoji-json, cldr-annotations-full and
cldr-annotations-derived-full (npm) in the folder, each below its name, and writes the tables anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NAMES = Path(__file__).parent.parent / "plugins" / "emoji" / "static" / "names"
LANGUAGES = {"en": "en", "zh-Hans": "zh", "zh-Hant": "zh-Hant"}
KEYWORDS = 8
SOURCE = (
    "Made by tests/emoji_names.py from Unicode's emoji list and CLDR 48.2 annotations, Copyright Unicode, Inc., "
    "Unicode License v3: https://www.unicode.org/license.txt"
)


def main(folder: Path) -> None:
    ordered = _read(folder / "unicode-emoji-json" / "data-by-group.json")
    for language, locale in LANGUAGES.items():
        known = {**_annotations(folder, "derived", locale), **_annotations(folder, "", locale)}
        groups = [[_entry(each, known) for each in group["emojis"]] for group in ordered]
        lines = ",\n".join(
            "[" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in group) + "]"
            for group in groups
        )
        text = f'{{"source":{json.dumps(SOURCE)},\n"groups":[\n{lines}]}}\n'
        (NAMES / f"{language}.json").write_text(text, encoding="utf-8")


def _entry(emoji: dict[str, Any], known: dict[str, Any]) -> list[Any]:
    """The character, its name, its keywords, and 1 where it comes in skin tones."""
    char = emoji["emoji"]
    about = known.get(char.replace("\ufe0f", "")) or known.get(char) or {}
    name = about.get("tts", [emoji["name"]])[0]
    keywords = [word for word in about.get("default", []) if word != name][:KEYWORDS]
    return [char, name, "|".join(keywords), *([1] if emoji["skin_tone_support"] else [])]


def _annotations(folder: Path, kind: str, locale: str) -> dict[str, Any]:
    package = f"cldr-annotations-{kind}-full" if kind else "cldr-annotations-full"
    name = f"annotations{kind.capitalize()}"
    found = _read(folder / package / name / locale / "annotations.json")
    annotations: dict[str, Any] = found[name]["annotations"]
    return {char.replace("\ufe0f", ""): about for char, about in annotations.items()}


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
