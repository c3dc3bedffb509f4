"""A plugin's texts for people, by language: from the JSON files in its folder ``i18n``."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec

from ..model.errors import PluginError

log = logging.getLogger(__name__)

FALLBACK = "en"

_NAME = re.compile(r"\{(\w+)\}")


class Texts:
    """Texts by language and key. English is complete, and stands in for what another language lacks."""

    def __init__(self, by_language: Mapping[str, Mapping[str, str]]) -> None:
        self._by_language = {language.lower(): texts for language, texts in by_language.items()}

    @classmethod
    def load(cls, plugin: str, folder: Path | None) -> Self:
        """Read ``folder``, where there is one: ``en.json``, ``zh-Hant.json`` and so on, each of texts by key.

        Raises PluginError for a file that can't be used, and for a text that English lacks or that has other names in
        braces; logs what another language lacks.
        """
        files = sorted(folder.glob("*.json")) if folder is not None and folder.is_dir() else []
        found = {file.stem: _read(plugin, file) for file in files}
        if not found:
            return cls({})
        english = found.get(FALLBACK)
        if english is None:
            raise PluginError(f"i18n has no {FALLBACK}.json, which stands in for other languages", plugin)
        for language, texts in found.items():
            _compare(plugin, language, texts, english)
        return cls(found)

    def text(self, key: str, language: str | None, values: Mapping[str, Any]) -> str:
        """The text of ``key`` in the language, or in the nearest that there is; ``{name}`` takes a value.

        Raises KeyError for an unknown key, and for a value that is missing.
        """
        for each in _lookup(language):
            found = self._by_language.get(each, {}).get(key)
            if found is not None:
                return _NAME.sub(lambda match: str(values[match[1]]), found)
        raise KeyError(f"i18n/{FALLBACK}.json has no text {key!r}")


def _lookup(language: str | None) -> list[str]:
    """A tag, what is left of it without its last parts, and English (RFC 4647, section 3.4)."""
    parts = language.lower().split("-") if language else []
    return [*("-".join(parts[:count]) for count in range(len(parts), 0, -1)), FALLBACK]


def _read(plugin: str, file: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeError) as error:
        raise PluginError(f"i18n/{file.name}: {error}; it is an object of texts by key", plugin) from None


def _compare(plugin: str, language: str, texts: Mapping[str, str], english: Mapping[str, str]) -> None:
    for key, text in texts.items():
        if key not in english:
            raise PluginError(f"i18n/{language}.json: {key!r} is not in {FALLBACK}.json", plugin)
        names, wanted = set(_NAME.findall(text)), set(_NAME.findall(english[key]))
        if names != wanted:
            raise PluginError(
                f"i18n/{language}.json: {key!r} has {{{', '.join(sorted(names))}}}, and in {FALLBACK}.json"
                f" {{{', '.join(sorted(wanted))}}}",
                plugin,
            )
    missing = [key for key in english if key not in texts]
    if missing:
        log.warning("plugin %s: i18n/%s.json lacks %s", plugin, language, ", ".join(missing))
