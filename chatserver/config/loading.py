"""From a file and an environment to `Settings`."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..model import names
from ..model.errors import ConfigError, Reject
from . import switched_off
from .environment import expand, override, with_env_file
from .parse import parse
from .settings import Document, PluginConfig, Plugins, RoomConfig, Settings
from .shapes import KeyPath
from .source import Origin, Source

_STORE_BEGINNINGS = ("sqlite:/", "postgresql://", "postgres://")
_STORES = (
    '"sqlite:" (chat.db in data_dir), "sqlite:/absolute/path.db", "postgresql://user@host/db" or "memory:"'
)


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings in the YAML file at ``path``, or the defaults without one, under ``environ``'s overrides.

    Relative paths in it start from the file's folder (without a file: from the current one). Raises ConfigError.
    """
    raw: Any = None
    origins: dict[KeyPath, Origin] = {}
    base = Path.cwd()
    if path is not None:
        base = path.absolute().parent
        environ = with_env_file(base / ".env", environ)
        raw, origins = parse(_read(path), str(path), expand=lambda text: expand(text, environ))
    source = Source(base, origins)
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise source.error((), "holds no settings", expected="key: value")
    _fill_in_plugins(raw)
    override(raw, origins, environ)
    enabled = _take_enabled(raw)
    document = source.convert(raw, Document)
    plugins = {name: _plugin(source, name, value) for name, value in enabled.items()}
    _check(document, source)
    fields = {name: getattr(document, name) for name in Document.__struct_fields__}
    fields["data_dir"] = base / document.data_dir
    fields["rooms"] = _rooms(document, source)
    fields["plugins"] = msgspec.structs.replace(document.plugins, enabled=plugins)
    return Settings(**fields, source=source, off=switched_off.read(fields["data_dir"]))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8: {error.reason}", file=str(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"can't be read: {reason}", file=str(path)) from None


def _fill_in_plugins(raw: dict[str, Any]) -> None:
    """The default plugins, where the file names none, so that an override adds to them."""
    plugins = raw.setdefault("plugins", {})
    if isinstance(plugins, dict):
        plugins.setdefault("enabled", {name: {} for name in Plugins().enabled})


def _take_enabled(raw: dict[str, Any]) -> dict[str, Any]:
    """The enabled plugins, out of ``raw``: their settings have types that only their plugins know."""
    plugins = raw["plugins"]
    if isinstance(plugins, dict) and isinstance(plugins["enabled"], dict):
        return dict(plugins.pop("enabled"))
    return {}


def _plugin(source: Source, name: str, raw: Any) -> PluginConfig:
    path = ("plugins", "enabled", name)
    # `emoji:` with nothing after it is the natural way to write "no settings".
    own = source.convert({} if raw is None else raw, dict[str, Any], path)
    common = {key: own.pop(key) for key in ("on_error", "rooms") if key in own}
    config = source.convert(common, PluginConfig, path)
    rooms = None if config.rooms is None else tuple(map(names.room_key, config.rooms))
    return msgspec.structs.replace(config, settings=own, rooms=rooms)


def is_store_url(url: str) -> bool:
    """Whether a ``store.url`` names a storage that there is."""
    return url in ("sqlite:", "memory:") or (url.startswith(_STORE_BEGINNINGS) and "\0" not in url)


def _check(document: Document, source: Source) -> None:
    """Check the rules that types can't express. Raises ConfigError."""
    if not is_store_url(document.store.url):
        raise source.error(("store", "url"), "names no storage there is", expected=_STORES)
    _check_bus(document, source)
    for position, proxy in enumerate(document.server.trusted_proxies):
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            path: KeyPath = ("server", "trusted_proxies", position)
            raise source.error(path, str(error), expected="an IP address or network") from None
    _check_files(document, source)


_BUSES = tuple(f"redis{tls}{kind}://" for kind in ("", "+sentinel", "+cluster") for tls in ("", "s"))


def _check_bus(document: Document, source: Source) -> None:
    """A database of one process has no other one to hear of."""
    url, store = document.bus.url, document.store
    if not url:
        return
    if not url.startswith(_BUSES) or "\0" in url:
        raise source.error(("bus", "url"), "names no bus there is", expected="one of " + ", ".join(_BUSES))
    if not store.url.startswith(("postgresql:", "postgres:")):
        raise source.error(
            ("bus", "url"),
            "is for several servers on one database, and SQLite is for one alone: name a PostgreSQL in store.url, or"
            " leave bus.url out",
        )
    if store.durability != "full":
        raise source.error(
            ("store", "durability"), "has to be full with bus.url: servers rely on what others have committed"
        )


def _rooms(document: Document, source: Source) -> tuple[RoomConfig, ...]:
    """The rooms with names, titles and topics as the rest of the server writes them (NFC, one line)."""
    rooms: dict[str, RoomConfig] = {}
    for position, room in enumerate(document.rooms):
        path: KeyPath = ("rooms", position)
        tidy = {}
        for key, rule in (("name", names.room_name), ("title", names.title), ("topic", names.topic)):
            try:
                tidy[key] = rule(getattr(room, key))
            except Reject as refusal:
                raise source.error((*path, key), refusal.message) from None
        if tidy["name"] in rooms:
            raise source.error((*path, "name"), f"a room {tidy['name']!r} is there already")
        rooms[tidy["name"]] = msgspec.structs.replace(room, **tidy)
    return tuple(rooms.values())


def _check_files(document: Document, source: Source) -> None:
    if tls := document.server.tls:
        for key, file in (("cert", tls.cert), ("key", tls.key)):
            if not file.is_file():
                raise source.error(("server", "tls", key), f"there is no file {file}")
    for position, folder in enumerate(document.plugins.dirs):
        if not folder.is_dir():
            raise source.error(("plugins", "dirs", position), f"there is no folder {folder}")
    for position, network in enumerate(document.plugins.private_networks):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise source.error(("plugins", "private_networks", position), str(error)) from None
