"""All that the enabled plugins are and registered, as one value that is replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ..config import PluginConfig
from ..model.errors import Reject
from ..model.permissions import Permissions
from ..model.values import User
from ..protocol import events as wire
from ..protocol.decoder import Decoder
from .base import Plugin
from .commands import Commands
from .endpoints import RequestSpec, Route
from .hooks import HookCaller
from .implementation import Policy
from .texts import Texts


@dataclass(frozen=True)
class Loaded:
    """An enabled plugin. ``folder`` is its package's, None for a single file; ``texts`` are those in its ``i18n``."""

    name: str
    instance: Plugin
    config: PluginConfig
    bundled: bool
    folder: Path | None
    texts: Texts

    @property
    def static_dir(self) -> Path | None:
        """The folder that is served as ``/plugins/<name>/static/``."""
        folder = self.folder / "static" if self.folder is not None else None
        return folder if folder is not None and folder.is_dir() else None

    @property
    def policy(self) -> Policy:
        rooms = self.config.rooms
        on_error = self.config.on_error or self.instance.on_error
        return Policy(on_error, frozenset(rooms) if rooms is not None else None)


@dataclass(frozen=True, eq=False)
class PluginSet:
    """The enabled plugins, in the order of the settings.

    ``requests`` are by wire type, with the plugin's name; ``event_types`` are the wire types of the plugins' durable
    events; ``off`` are enabled, but switched off by an admin.
    """

    plugins: tuple[Loaded, ...]
    hooks: HookCaller
    commands: Commands
    permissions: Permissions
    requests: Mapping[str, tuple[str, RequestSpec]]
    event_types: frozenset[str]
    off: tuple[str, ...]
    routes: tuple[tuple[Loaded, Route], ...]
    decoder: Decoder = field(init=False)
    _rooms: Mapping[str, frozenset[str] | None] = field(init=False)
    _listings: dict[str, msgspec.Raw] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        fields = {type: spec.fields for type, (_, spec) in self.requests.items()}
        object.__setattr__(self, "decoder", Decoder(fields, self._request_failed))
        rooms = {plugin.name: plugin.policy.rooms for plugin in self.plugins}
        object.__setattr__(self, "_rooms", rooms)

    def rooms_of(self, name: str) -> frozenset[str] | None:
        """The only rooms that a plugin works in; None: all."""
        return self._rooms.get(name)

    def texts_of(self, name: str) -> Texts:
        """A plugin's texts; none for one that is not enabled."""
        return next((each.texts for each in self.plugins if each.name == name), Texts({}))

    def __contains__(self, plugin: Loaded) -> bool:
        """Whether this very instance is in the set."""
        return any(each.instance is plugin.instance for each in self.plugins)

    def peer(self, name: str) -> Plugin | None:
        """The instance of a plugin, if it is enabled."""
        return next((each.instance for each in self.plugins if each.name == name), None)

    def commands_of(self, user: User) -> msgspec.Raw:
        """The commands that ``welcome`` lists, encoded once for each role: they are most of its bytes."""
        listed = self._listings.get(user.role)
        if listed is None:
            commands = self.commands.listing(lambda name: self.permissions.may(user, name))
            listed = self._listings[user.role] = msgspec.Raw(wire.encode(commands))
        return listed

    def _request_failed(self, type: str, error: BaseException) -> Reject:
        return self.hooks.failed(self.requests[type][0], f"request {type}", error)
