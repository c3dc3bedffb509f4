"""The mistakes in plugins that are found before anything of them runs: collected, so that all are told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..model.errors import ConfigError, PluginError, PluginErrors
from .failures import definition


class Problems:
    """What was found so far. Without ``collect`` each mistake is raised where it is found."""

    def __init__(self, collect: bool = True) -> None:
        self._collect = collect
        self.found: list[PluginError | ConfigError] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """A mistake that is raised inside is kept, and what comes after it is looked at as well."""
        try:
            yield
        except (PluginError, ConfigError) as error:
            if not self._collect:
                raise
            self.found.append(error)

    def raise_any(self) -> None:
        """Raises the mistake, or PluginErrors with all of them, if there are any."""
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            raise PluginErrors(self.found)


def mistake(plugin: str, text: str, function: Callable[..., Any] | None = None) -> PluginError:
    """A mistake in a plugin, with the file and line where ``function`` is."""
    place = definition(function)
    return PluginError(f"{text} ({place[0]}, line {place[1]})" if place is not None else text, plugin)
