"""Which plugins admins have switched off, for all servers of a cluster: the database says it, and each follows."""

from __future__ import annotations

import logging
from functools import partial

import msgspec

from ..model.errors import ConfigError, PluginError
from ..store import Store, facts
from .node_notes import Facts
from .nodes import Nodes
from .plugin_reload import PluginReload

log = logging.getLogger(__name__)


class SharedSwitches:
    """Writes down what is switched here, and follows what was switched elsewhere."""

    def __init__(self, store: Store, nodes: Nodes, reload: PluginReload) -> None:
        self._store = store
        self._nodes = nodes
        self._reload = reload
        self._failed: tuple[str, ...] | None = None
        """Those that could not be switched so."""
        reload.switched = self._switched
        nodes.facts_changed.append(self.follow)

    async def off(self, here: tuple[str, ...]) -> tuple[str, ...]:
        """Those that are off; where nothing is written yet, those that are off ``here``. Raises `Reject`."""
        found = await self._read()
        if found is None:
            await self._write(here)
            return here
        return found

    async def _read(self) -> tuple[str, ...] | None:
        text = await self._store.read(partial(facts.read, name=facts.PLUGINS_OFF))
        return None if text is None else msgspec.json.decode(text, type=tuple[str, ...])

    async def _write(self, off: tuple[str, ...]) -> None:
        text = msgspec.json.encode(sorted(set(off))).decode()
        await self._store.write(partial(facts.write, name=facts.PLUGINS_OFF, value=text))

    async def _switched(self, off: tuple[str, ...]) -> None:
        await self._write(off)
        self._nodes.send(Facts())

    async def follow(self) -> None:
        """Switch what was switched elsewhere. Raises `Reject` where the database can't be read."""
        off = await self._read()
        if off is None or off == self._failed:
            return
        self._failed = None
        try:
            await self._reload.follow_switches(off)
        except (ConfigError, PluginError, OSError) as error:
            # Once: it is looked for again and again.
            self._failed = off
            log.error("plugins that were switched on another server could not be switched here: %s", error)
