"""What all plugins of a server share: its clock, and who runs their jobs."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from ..model.values import Event
from .database import Transaction
from .timer import Timer


class PluginServer(Protocol):
    """The server, as the base class of plugins needs it."""

    @property
    def timer(self) -> Timer: ...

    def leads(self) -> bool:
        """Whether this process runs the jobs of the cluster."""

    async def put_job(self, plugin: str, id: str, name: str, due: float, data: str) -> None:
        """Store a job with its data as JSON, in the place of the plugin's other one with this id."""

    async def drop_job(self, plugin: str, id: str) -> bool:
        """Remove a job; False if there is none."""

    def follow(
        self,
        plugin: str,
        name: str,
        function: Callable[[Transaction, Sequence[Event]], Any],
        types: frozenset[str] | None,
        at_the_end: bool,
        only_missed: bool,
        ran: Callable[[float, BaseException | None], object],
        anew: Callable[[Transaction], Any] | None,
    ) -> Coroutine[Any, Any, None]:
        """Read all logs for a function, for ever; ``ran(started, error)`` counts its calls, ``anew(tx)`` empties what
        it has written."""

    async def following(self, plugin: str) -> Mapping[str, int]:
        """What follows, by name, and how many events it has still to read."""


class Alone:
    """Before a plugin has a server: nothing can be stored."""

    timer = Timer()

    def leads(self) -> bool:
        return True

    async def put_job(self, plugin: str, id: str, name: str, due: float, data: str) -> None:
        raise RuntimeError("jobs can be planned from the hook startup on")

    async def drop_job(self, plugin: str, id: str) -> bool:
        raise RuntimeError("jobs can be planned from the hook startup on")

    async def follow(self, *args: Any) -> None:
        raise RuntimeError("a plugin can follow from the hook startup on")

    async def following(self, plugin: str) -> Mapping[str, int]:
        return {}
