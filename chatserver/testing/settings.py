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


def write_settings(
    folder: Path,
    *,
    plugins: Plugins | None = None,
    settings: Mapping[str, Any] | None = None,
    dirs: Sequence[Path] = (),
    store: str = "sqlite:",
) -> Path:
    """Write a ``config.yaml`` into ``folder``, and say where: a free port, hardly any limits, cheap passwords, the data
    beside it.

    ``plugins`` are names, or a mapping of names to settings, in order, and without them those that a server has by
    itself; ``settings`` goes over all of it.
    """
    wanted: dict[str, Any] = {
        "server": {"port": 0},
        "store": {"url": store},
        "data_dir": str(folder / "data"),
        "limits": UNLIMITED,
        "auth": {"password_memory_mib": 1},
        "plugins": {"dirs": [str(path) for path in dirs]},
    }
    if plugins is not None:
        enabled = dict(plugins) if isinstance(plugins, Mapping) else {name: {} for name in plugins}
        wanted["plugins"]["enabled"] = enabled
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
