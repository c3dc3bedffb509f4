"""The settings: YAML, environment and .env in, one frozen typed value out; every mistake is a `ConfigError`."""

from __future__ import annotations

from .loading import is_store_url, load
from .settings import (
    Auth,
    JwtIssuer,
    Limits,
    Log,
    Permissions,
    PluginConfig,
    Plugins,
    RoomConfig,
    Server,
    Settings,
    StoreConfig,
    Tls,
)
from .source import Source

__all__ = [
    "Auth",
    "JwtIssuer",
    "Limits",
    "Log",
    "Permissions",
    "PluginConfig",
    "Plugins",
    "RoomConfig",
    "Server",
    "Settings",
    "Source",
    "StoreConfig",
    "Tls",
    "is_store_url",
    "load",
]
