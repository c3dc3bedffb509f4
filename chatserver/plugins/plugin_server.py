"""What all plugins of a server share: its clock, and who runs their jobs."""

from __future__ import annotations

from typing import Any, Protocol

from .timer import Timer


class PluginServer(Protocol):
    """The server, as the base class of plugins needs it."""

    @property
    def timer(self) -> Timer: ...

    def leads(self) -> bool:
        """Whether this process runs the jobs of the cluster."""

    async def put_job(self, plugin: str, id: str, name: str, due: float, data: Any) -> None:
        """Store a job, in the place of the plugin's other one with this id."""

    async def drop_job(self, plugin: str, id: str) -> bool:
        """Remove a job; False if there is none."""


class Alone:
    """Before a plugin has a server: nothing can be stored."""

    timer = Timer()

    def leads(self) -> bool:
        return True

    async def put_job(self, plugin: str, id: str, name: str, due: float, data: Any) -> None:
        raise RuntimeError("jobs can be planned from the hook startup on")

    async def drop_job(self, plugin: str, id: str) -> bool:
        raise RuntimeError("jobs can be planned from the hook startup on")
