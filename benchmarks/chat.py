"""The server under test: its variants, and its settings for the benchmark.

It is started by its command, as an admin does, so that the server of another checkout can be measured as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .build import NotHere
from .folders import ROOT
from .launch import Launch, Server

BUNDLED = ("basics", "moderation", "emoji", "history", "files")

# The generator is one address and far faster than a user: the limits that would stop it are raised, nothing else.
_LIMITS = {
    "connections": 100_000,
    "connections_per_ip": 100_000,
    "messages_per_second": 100_000,
    "burst": 100_000,
}
_VERSIONS = (
    'from importlib.metadata import version as v; print(f\'{v("chatserver")}, Tornado {v("tornado")}\')'
)

KEEPS = {"full": "all (fsync)", "normal": "all but the last moments"}


def variants(checkout: Path = ROOT) -> dict[str, Server]:
    """The variants of the server in ``checkout``, by name."""
    own = (
        variant("chatserver", checkout=checkout),
        variant("chatserver-durable", url="sqlite:", checkout=checkout),
        variant("chatserver-stream", transport="stream", checkout=checkout),
        variant("chatserver-normal", url="sqlite:", durability="normal", checkout=checkout),
        variant("chatserver-plugins", plugins=None, checkout=checkout),
        variant("chatserver-product", url="sqlite:", plugins=None, checkout=checkout),
        variant("chatserver-cluster", url="sqlite:", plugins=None, checkout=checkout),
        *(variant(f"chatserver+{name}", plugins=[name], checkout=checkout) for name in BUNDLED),
    )
    return {server.name: server for server in own}


def variant(
    name: str,
    *,
    url: str = "memory:",
    durability: str = "full",
    transport: str = "lean",
    plugins: Sequence[str] | None = (),
    checkout: Path = ROOT,
) -> Server:
    """chatserver with this storage and these plugins (None: those that it has by default)."""

    def command(launch: Launch) -> list[str]:
        settings: dict[str, dict[str, object]] = {
            "store": {"url": url, "durability": durability},
            "server": {"transport": transport},
        }
        if plugins is not None:
            settings["plugins"] = {"enabled": {each: {} for each in plugins}}
        config = write_settings(launch, settings)
        return [str(_programs(checkout) / "chatserver"), "serve", "--config", str(config)]

    keeps = "nothing" if url == "memory:" else KEEPS[durability]
    return Server(name, "chat", keeps, command, lambda: _version(checkout))


def write_settings(launch: Launch, settings: Mapping[str, Mapping[str, object]]) -> Path:
    """The settings as a file in the launch's folder."""
    document: dict[str, Any] = {
        "server": {"host": "127.0.0.1", "port": launch.port},
        "data_dir": str(launch.folder / "data"),
        "limits": dict(_LIMITS),
        "rooms": [{"name": f"room{number}"} for number in range(launch.rooms)],
        "log": {"level": "error"},
    }
    for more in (settings, launch.settings):
        for section, values in more.items():
            document[section] = {**document.get(section, {}), **values}
    path = launch.folder / "config.yaml"
    path.write_text(json.dumps(document))  # JSON is YAML
    return path


def _programs(checkout: Path) -> Path:
    """The folder with the checkout's ``chatserver`` and ``python``. Raises NotHere."""
    # This checkout's benchmark may run in an environment that is not called .venv.
    folder = Path(sys.executable).parent if checkout == ROOT else checkout / ".venv/bin"
    if not (folder / "chatserver").exists():
        raise NotHere(f"there is no {folder / 'chatserver'}; in {checkout}: make .venv/run.stamp")
    return folder


def _version(checkout: Path) -> str:
    """The version, with the commit where the checkout is one of Git."""
    versions = _said([str(_programs(checkout) / "python"), "-c", _VERSIONS])
    commit = _said(["git", "-C", str(checkout), "describe", "--always", "--dirty"])
    return f"{versions}, commit {commit}" if commit else versions


def _said(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""
