"""Requests that plugins answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..delivery.session import Session
from ..model.values import User
from ..plugins.api import RequestSpec
from ..plugins.hooks import HookCaller
from ..protocol.requests import PluginRequest


class Asking:
    """Who asks (`chatserver.plugins.api.RequestContext`)."""

    def __init__(self, user: User, session: Session | None) -> None:
        self.user = user
        self.session = session


class PluginRequests:
    """Calls a plugin's handler, isolated like a hook. ``specs``: wire type → (plugin, spec)."""

    def __init__(self, specs: Mapping[str, tuple[str, RequestSpec]], hooks: HookCaller) -> None:
        self._specs = specs
        self._hooks = hooks

    async def answer(self, session: Session, request: PluginRequest) -> Mapping[str, Any] | None:
        """What the reply carries. Raises `Reject`."""
        plugin, spec = self._specs[request.type]
        asking = Asking(session.user, session)
        what = f"request {request.type}"
        answer: Mapping[str, Any] | None = await self._hooks.guard(
            plugin, what, spec.handler, asking, request.fields
        )
        return answer
