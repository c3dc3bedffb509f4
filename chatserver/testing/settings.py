"""The settings of a server in tests."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..config.environment import PREFIX

Plugins = Sequence[str] | Mapping[str, Mapping[str, Any]]

UNLIMITED = {"messages_per_second": 100_000, "burst": 100_000}
FROM_ENVIRONMENT = {"transport": f"{PREFIX}SERVER__TRANSPORT", "compiled": f"{PREFIX}SERVER__COMPILED"}
"""The only variables that count: how WebSockets are read and written where a test doesn't say."""


TEST_STORE = "TEST_CHATSERVER_STORE"
"""A variable: ``postgresql`` lets servers whose settings name no store keep everything in one of `postgresql`."""


class TestStore:
    """Where a server keeps everything whose test does not say where: ``usual``, or a database of PostgreSQL's where the
    environment asks for it, which is made when it is first wanted. Raises NoPostgresql."""

    __test__ = False

    def __init__(self, usual: str) -> None:
        self._usual = usual
        self._made: str | None = None

    @property
    def url(self) -> str:
        """The ``store.url``."""
        wanted = os.environ.get(TEST_STORE, "")
        if wanted in ("", "sqlite"):
            return self._usual
        if wanted != "postgresql":
            raise ValueError(f"{TEST_STORE} is {wanted!r}: say sqlite or postgresql")
        if self._made is None:
            from .postgresql import postgresql

            self._made = postgresql().make()
        return self._made

    def drop(self) -> None:
        """Drop what was made."""
        if self._made is not None:
            from .postgresql import postgresql

            postgresql().drop(self._made)
            self._made = None


def write_settings(
    folder: Path,
    *,
    plugins: Plugins | None = None,
    settings: Mapping[str, Any] | None = None,
    dirs: Sequence[Path] = (),
    store: str | TestStore = "sqlite:",
) -> Path:
    """Write a ``config.yaml`` into ``folder``, and say where: a free port, hardly any limits, cheap passwords, the data
    beside it.

    ``plugins`` are names, or a mapping of names to settings, in order, and without them those that a server has by
    itself; ``settings`` goes over all of it.
    """
    wanted: dict[str, Any] = {
        "server": {"port": 0},
        "store": {},
        "data_dir": str(folder / "data"),
        "limits": UNLIMITED,
        "auth": {"password_memory_mib": 1},
        "plugins": {"dirs": [str(path) for path in dirs]},
    }
    if plugins is not None:
        enabled = dict(plugins) if isinstance(plugins, Mapping) else {name: {} for name in plugins}
        wanted["plugins"]["enabled"] = enabled
    if "url" not in (settings or {}).get("store", {}):
        wanted["store"]["url"] = store if isinstance(store, str) else store.url
    for key, variable in FROM_ENVIRONMENT.items():
        if value := os.environ.get(variable):
            wanted["server"][key] = yaml.safe_load(value)
    _merge(wanted, settings or {})
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True))
    return path


def _merge(into: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict) and key != "enabled":
            into[key] = dict(into[key])
            _merge(into[key], value)
        else:
            into[key] = value
